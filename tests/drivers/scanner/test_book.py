from typing import Any

import pytest

from drivers.problem import Problem, Refusal
from drivers.scanner.book import CHECKSUM_TRIES, Book, image_of
from drivers.scanner.codec import refusal_of
from drivers.scanner.lists import CaptureKey, ImageKey, ResumeList
from drivers.scanner.messages import Committed, Error, Refused, SendField, Withdraw
from drivers.scanner.states import Held
from drivers.scanner.words import Code, PixelFormat, Window
from tests.wire.examples import FIELD, WINDOW

WHAT = Problem("field", "12", "is refused", "Do otherwise")
NOTHING = ResumeList(committed=[], in_hand=[], withdrawn=[], skipped=[])


def image(field: int, capture: int = 1) -> SendField:
    size = {"width_px": 16, "height_px": 16, "stride": 16, "format": PixelFormat.MONO8}
    return FIELD.model_copy(update={"field": field, "capture": capture} | size)


def key(field: int, capture: int = 1) -> ImageKey:
    return ImageKey(field=field, capture=capture)


def sent(book: Book, *fields: int) -> None:
    for field in fields:
        book.add(image(field), bytes(256))
        kept = book.next_to_send(WINDOW)
        assert kept is not None
        book.sent(kept, f"m-{field}")


def committed(field: int) -> Committed:
    about: dict[str, Any] = {"slide": "S-26-0123", "field": field, "capture": 1, "plane": 0}
    return Committed(
        re="any", disposition="used", reasons=[], quality={}, again=False, window=WINDOW, **about
    )


def refused(field: int, code: Code) -> Refused:
    return refusal_of(image(field), code, WHAT)


def test_pixels_are_dropped_when_they_are_committed_and_not_before() -> None:
    book = Book()
    sent(book, 0)
    assert key(0) in book.kept
    assert book.answered(committed(0))
    assert not book.kept
    assert book.ended == {key(0): Held.COMMITTED}
    assert not book.answered(committed(0)), "an answer that comes twice ends nothing twice"


@pytest.mark.parametrize(
    ("window", "fits"),
    [
        (Window(fields=2, bytes=512), True),
        (Window(fields=1, bytes=512), False),
        (Window(fields=2, bytes=511), False),
        (Window(fields=0, bytes=512), False),
    ],
)
def test_both_figures_of_the_window_are_kept(window: Window, fits: bool) -> None:
    book = Book()
    sent(book, 0)
    book.add(image(1), bytes(256))
    assert (book.next_to_send(window) is not None) is fits


def test_what_was_in_hand_before_a_restart_counts_in_the_window() -> None:
    book = Book()
    book.resume(NOTHING.model_copy(update={"in_hand": [key(0), key(1)]}))
    book.add(image(2), bytes(256))
    assert book.next_to_send(Window(fields=2, bytes=10**6)) is None
    assert book.answered(committed(0))
    assert book.next_to_send(Window(fields=2, bytes=10**6)) is not None


def test_what_is_lost_without_its_pixels_is_forgotten() -> None:
    book = Book()
    book.resume(NOTHING.model_copy(update={"in_hand": [key(0)]}))
    book.resume(NOTHING)
    assert not book.open
    assert book.manifest().committed == []


def test_a_refusal_for_now_of_what_cannot_be_sent_again_is_final() -> None:
    book = Book()
    book.resume(NOTHING.model_copy(update={"in_hand": [key(0)]}))
    assert book.answered(refused(0, Code.CHECKSUM))
    assert [each.code for each in book.refused] == [Code.CHECKSUM]


def test_a_checksum_is_tried_a_few_times() -> None:
    book = Book()
    sent(book, 0)
    ends = [book.answered(refused(0, Code.CHECKSUM)) for _ in range(CHECKSUM_TRIES)]
    assert ends == [False] * (CHECKSUM_TRIES - 1) + [True]


def test_a_refusal_of_something_else_is_about_no_image() -> None:
    withdraw = Withdraw(id="x", session="s", slide="S-26-0123", field=0, capture=1)
    book = Book()
    sent(book, 0)
    assert not book.answered(refusal_of(withdraw, Code.CLOSED, WHAT))
    assert book.open == {key(0): Held.UNANSWERED}


def test_an_error_is_matched_by_the_message_it_names() -> None:
    book = Book()
    sent(book, 0, 1)
    answer = refused(1, Code.MESSAGE).model_dump(include=set(Error.model_fields) - {"type"})
    found = book.refused_by(Error(**answer | {"re": "m-1"}))
    assert found is not None
    assert found.field == 1
    assert book.refused_by(Error(**answer | {"re": "m-9"})) is None


def test_a_key_is_used_once() -> None:
    book = Book()
    sent(book, 0)
    with pytest.raises(Refusal, match="capture 2"):
        book.add(image(0), bytes(256))
    book.answered(committed(0))
    with pytest.raises(Refusal, match="capture 2"):
        book.add(image(0), bytes(256))
    book.add(image(0, capture=2), bytes(256))


def test_what_was_refused_for_good_may_come_mended() -> None:
    book = Book()
    sent(book, 0)
    book.answered(refused(0, Code.FORMAT))
    assert book.add(image(0), bytes(256)) == image_of(image(0))


def test_the_next_capture_is_above_all_that_were_seen() -> None:
    book = Book()
    assert book.next_capture(0) == 1
    sent(book, 0)
    book.resume(
        ResumeList(
            committed=[key(0), key(0, 3)],
            in_hand=[],
            withdrawn=[CaptureKey(field=0, capture=7)],
            skipped=[5],
        )
    )
    assert book.next_capture(0) == 8
    assert book.next_capture(1) == 1
    assert book.skipped == {5}


def test_the_manifest_is_sorted_and_leaves_out_what_was_refused() -> None:
    book = Book()
    sent(book, 2, 0, 1)
    for answer in (committed(2), committed(0), refused(1, Code.NOT_PLANNED)):
        book.answered(answer)
    assert book.manifest().committed == [key(0), key(2)]
