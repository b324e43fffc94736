"""What an operator can still do about a slide that could not be closed, while it is there."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from drivers.scanner.differences import fields_in_words, words_of
from drivers.scanner.lists import DifferenceList
from drivers.scanner.words import EventKind
from edge.intake.book import Book
from edge.intake.effects import Tell

_DO = {
    "out_of_focus": "Focus anew and send them again",
    "overexposed": "Lower the light and send them again",
    "underexposed": "Raise the light and send them again",
    "badly_stained": "No new image helps: stain the slide again",
    "misplaced": "See to the stage and send them again",
    "unprocessed": "See to the daemon's log, then send them again",
}


def told(book: Book, difference: DifferenceList) -> Tell:
    """An event for whoever watches: lines for people, and the lists for programs."""
    lines = [*words_of(difference), *_unseen(book), *_unusable(book)]
    body: dict[str, Any] = {"to_do": lines, **difference.model_dump(mode="json")}
    return Tell(EventKind.TO_DO, book.slide, body)


def _unseen(book: Book) -> Iterator[str]:
    seen = {image.field for image in book.images} | book.skipped
    unseen = book.plan.by_number.keys() - seen
    if unseen:
        yield f"{fields_in_words(unseen)}: planned, never sent and not skipped. Send or skip them"


def _unusable(book: Book) -> Iterator[str]:
    """Fields none of whose images can be used, by their latest image's first reason."""
    why: dict[int, str] = {}
    for image, held in sorted(book.images.items()):
        is_counted = (image.field, image.capture) not in book.withdrawn
        if held.outcome is not None and is_counted:
            is_used = held.outcome.disposition == "used" or why.get(image.field) == ""
            why[image.field] = "" if is_used else next(iter(held.outcome.reasons), "unprocessed")
    by_reason: defaultdict[str, list[int]] = defaultdict(list)
    for field, reason in why.items():
        if reason:
            by_reason[reason].append(field)
    for reason, fields in sorted(by_reason.items()):
        why_not, do = reason.replace("_", " "), _DO.get(reason, "Send them again")
        yield f"{fields_in_words(fields)}: nothing of it can be used, {why_not}. {do}"
