"""All slides of a state folder: where their files are, and what they hold."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from drivers.scanner.states import SlideState
from drivers.scanner.words import Optics
from edge.intake.book import Book, Held, Outcome, Pending
from edge.journal.durable import StoreFault, fault_of
from edge.journal.store import SlideStore
from edge.slide.record import Closing, End, Opening, Row, Skip, Withdrawal, reasons
from edge.slide.request import Answered, Asked

FILE = "slide.sqlite"
UNREADABLE = (
    StoreFault, sqlite3.Error, ValueError, LookupError, TypeError, AttributeError, OverflowError,
)  # fmt: skip
"""What reading a file raises that was changed by hand or by a failing disk."""


def path(state_dir: Path, slide: str) -> Path:
    """A slide's file."""
    return state_dir / "slides" / slide / FILE


def slides(state_dir: Path) -> Iterator[str]:
    """The ids of all slides, in order."""
    for file in sorted((state_dir / "slides").glob(f"*/{FILE}")):
        yield file.parent.name


def read(state_dir: Path, slide: str) -> SlideStore | None:
    """A slide's file, to read from; None where there is none.

    Raises:
        StoreFault: It is damaged.
    """
    file = path(state_dir, slide)
    return SlideStore(file, read_only=True) if file.exists() else None


def opening(store: SlideStore) -> Opening | None:
    """What a slide was opened with; None where its opening never became durable.

    Raises:
        StoreFault: The file is damaged.
    """
    try:
        return store.opening()
    except UNREADABLE as error:
        raise fault_of(store.path, error) from error


def rows(store: SlideStore) -> list[Row]:
    """Every row of a slide, without its pictures.

    Raises:
        StoreFault: The file is damaged.
    """
    try:
        return [*(kept.record for kept in store.records()), *store.others()]
    except UNREADABLE as error:
        raise fault_of(store.path, error) from error


def book(store: SlideStore, flags: tuple[str, ...]) -> Book | None:
    """What a slide holds, as its driver is told; None where it was never opened.

    Raises:
        StoreFault: The file is damaged.
    """
    try:
        return _book(store, flags)
    except UNREADABLE as error:
        raise fault_of(store.path, error) from error


def ended_book(store: SlideStore) -> Book | None:
    """The book of a slide that has ended, with its verdict; None where it has not.

    Raises:
        StoreFault: The file is damaged.
    """
    found = book(store, ())
    issued = store.last_verdict()
    if found is None or issued is None:
        return None
    found.verdict = json.loads(issued.body)
    return found


def _book(store: SlideStore, flags: tuple[str, ...]) -> Book | None:
    opened, owner = store.opening(), store.owner()
    if opened is None or owner is None:
        return None
    found = Book(
        slide=opened.slide,
        driver=owner.driver,
        opening=owner.opening,
        optics=Optics(pm_per_px=owner.pm_per_px),
        plan=opened.plan,
        flags=flags,
    )
    for kept in store.records():
        record = kept.record
        outcome = Outcome(record.disposition.value, reasons(record.cells), record.quality)
        found.images[record.image] = Held(kept.identity, 0, None, outcome=outcome)
    # Of the rows without a record, by their kinds, an answer comes before what it answers.
    for row in sorted(store.others(), key=lambda row: isinstance(row, Answered)):
        match row:
            case Withdrawal():
                found.withdrawn.add((row.field, row.capture))
            case Skip():
                found.skipped.add(row.field)
            case Asked():
                pending = Pending(row)
                found.requests[pending.id] = pending
            case Answered():
                pending = found.requests[Pending.name(row.number)]
                pending.said, pending.has_ended = row.end.value, True
            case Closing():
                is_closed = row.end is End.CLOSED
                found.state = SlideState.CLOSED if is_closed else SlideState.ABORTED
                found.digest = row.manifest
    return found
