from itertools import product

import pytest

from drivers.scanner.codec import encode
from drivers.scanner.messages import AbortSlide, CloseSlide, OpenSlide
from drivers.scanner.states import (
    AFTER,
    DRIVER,
    CaptureState,
    Held,
    News,
    Reply,
    RequestState,
    SessionState,
    SlideState,
    Step,
    after,
    may_ask,
    on_abort,
    on_answer,
    on_close,
    on_field,
    on_message,
    on_open,
    on_skip,
    on_withdraw,
)
from drivers.scanner.words import RETRY, Code
from tests.wire.examples import FROM_CLIENT

UNKNOWN, OPEN, CLOSING, CLOSED, ABORTED = SlideState
BOTH = (True, False)
EVERY_REPLY: list[tuple[SlideState, Reply]] = [
    *((slide, on_open(slide, a, b)) for slide, a, b in product(SlideState, BOTH, BOTH)),
    *((slide, on_field(slide, c, b)) for slide, c, b in product(SlideState, CaptureState, BOTH)),
    *((slide, on_skip(slide, a)) for slide, a in product(SlideState, BOTH)),
    *((slide, on_withdraw(slide, a)) for slide, a in product(SlideState, BOTH)),
    *((slide, on_answer(slide, r)) for slide, r in product(SlideState, RequestState)),
    *((slide, on_close(slide, a)) for slide, a in product(SlideState, BOTH)),
    *((slide, on_abort(slide)) for slide in SlideState),
]


def test_every_message_has_an_answer_in_every_state() -> None:
    assert len(EVERY_REPLY) == 20 + 40 + 10 + 10 + 20 + 10 + 5
    assert len(DRIVER) == len(Held) * len(News)


def test_nothing_is_done_but_on_an_open_slide() -> None:
    for slide, reply in EVERY_REPLY:
        if reply is Step.DO and slide is not OPEN:
            assert slide is UNKNOWN  # open_slide


def test_i2_only_what_is_committed_or_refused_for_good_is_dropped() -> None:
    for (held, news), then in DRIVER.items():
        if held in (Held.UNSENT, Held.UNANSWERED) and then in (Held.COMMITTED, Held.REFUSED):
            assert news in (News.COMMITTED, News.RESUME_COMMITTED, News.REFUSED_FINAL)
    assert all(after(Held.COMMITTED, news) is Held.COMMITTED for news in News)


def test_only_a_live_session_is_heard() -> None:
    assert on_message(SessionState.LIVE) is None
    assert on_message(SessionState.NONE) is on_message(SessionState.REPLACED) is Code.SESSION


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (on_open(UNKNOWN, True, True), Step.DO),
        (on_open(OPEN, False, True), Code.BUSY),
        (on_open(CLOSING, False, False), Code.BUSY),
        (on_open(OPEN, True, False), Code.CONFLICT),
        (on_open(OPEN, True, True), Step.AGAIN),
        (on_open(CLOSED, False, True), Step.AGAIN),
        (on_open(ABORTED, True, False), Code.CONFLICT),
        (on_field(OPEN, CaptureState.UNSEEN, False), Step.DO),
        (on_field(OPEN, CaptureState.IN_HAND, True), Step.WAIT),
        (on_field(OPEN, CaptureState.IN_HAND, False), Code.CONFLICT),
        (on_field(OPEN, CaptureState.COMMITTED, True), Step.AGAIN),
        (on_field(OPEN, CaptureState.COMMITTED, False), Code.CONFLICT),
        (on_field(OPEN, CaptureState.WITHDRAWN, True), Code.WITHDRAWN),
        (on_field(CLOSING, CaptureState.UNSEEN, False), Code.CLOSED),
        (on_field(CLOSING, CaptureState.IN_HAND, True), Step.WAIT),
        (on_field(CLOSING, CaptureState.COMMITTED, True), Step.AGAIN),
        (on_field(CLOSED, CaptureState.COMMITTED, True), Step.AGAIN),
        (on_field(CLOSED, CaptureState.COMMITTED, False), Code.CLOSED),
        (on_field(ABORTED, CaptureState.UNSEEN, False), Code.CLOSED),
        (on_field(UNKNOWN, CaptureState.UNSEEN, False), Code.UNKNOWN_SLIDE),
        (on_skip(OPEN, False), Step.DO),
        (on_skip(OPEN, True), Step.AGAIN),
        (on_withdraw(CLOSING, True), Step.AGAIN),
        (on_withdraw(CLOSED, False), Code.CLOSED),
        (on_answer(OPEN, RequestState.OPEN), Step.DO),
        (on_answer(OPEN, RequestState.SAID_SO), Step.AGAIN),
        (on_answer(OPEN, RequestState.ENDED), Step.LATE),
        (on_answer(OPEN, RequestState.UNKNOWN), Code.NOT_ASKED),
        (on_answer(CLOSING, RequestState.OPEN), Step.LATE),
        (on_answer(CLOSED, RequestState.SAID_SO), Step.AGAIN),
        (on_answer(ABORTED, RequestState.OPEN), Step.LATE),
        (on_answer(UNKNOWN, RequestState.OPEN), Code.UNKNOWN_SLIDE),
        (on_close(OPEN, False), Step.DO),
        (on_close(CLOSING, True), Step.WAIT),
        (on_close(CLOSING, False), Code.STATE),
        (on_close(CLOSED, True), Step.AGAIN),
        (on_close(CLOSED, False), Code.CLOSED),
        (on_close(ABORTED, True), Code.CLOSED),
        (on_abort(OPEN), Step.DO),
        (on_abort(ABORTED), Step.AGAIN),
        (on_abort(CLOSED), Code.CLOSED),
        (on_abort(UNKNOWN), Code.UNKNOWN_SLIDE),
    ],
)
def test_the_tables_say_what_the_document_promises(reply: Reply, expected: Reply) -> None:
    assert reply is expected


def test_nothing_is_asked_for_but_on_an_open_slide() -> None:
    assert [slide for slide in SlideState if may_ask(slide)] == [OPEN]


def test_a_slide_changes_only_by_messages_about_slides() -> None:
    assert {
        (UNKNOWN, OpenSlide): OPEN,
        (OPEN, CloseSlide): CLOSING,
        (OPEN, AbortSlide): ABORTED,
    } == AFTER


def test_a_refusal_that_may_be_tried_again_can_end() -> None:
    """A state does not change by trying again; a slide's owner does."""
    codes = {reply for _, reply in EVERY_REPLY if isinstance(reply, Code)}
    assert codes & RETRY == {Code.BUSY}


def test_examples_are_encoded_alike_each_time() -> None:
    for message, part in FROM_CLIENT:
        assert encode(message, part) == encode(message, part)
