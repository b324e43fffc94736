"""Requests at the desk: sent, repeated, answered, lapsed."""

from typing import Any

import pytest

from drivers.scanner.messages import Answered as AnsweredMessage
from drivers.scanner.messages import (
    Committed,
    Refused,
    Request,
    SlideClosed,
    SlideOpened,
    Welcome,
)
from drivers.scanner.words import Code, EventKind, SlideStatus
from edge.intake import requests
from edge.slide.request import Answered, Asked, RequestEnd, RequestKind
from tests.edge.intake.bench_desk import BenchDesk

RESCAN = Asked(1, RequestKind.RESCAN, 0, None, 1, "overexposed", 9)
ADD = Asked(2, RequestKind.ADD_PLANE, 1, 1, 1, "out_of_focus", 5)
STOP = Asked(3, RequestKind.STOP_EARLY, None, None, 0, "HSIL", 500)


@pytest.fixture
def desk() -> BenchDesk:
    return BenchDesk()


def opened(desk: BenchDesk, peer: str = "p", driver: str = "d") -> str:
    session = desk.hello(peer, driver)
    desk.open(peer, session)
    desk.work()
    return session


def ask(desk: BenchDesk, *rows: Asked) -> None:
    for row in rows:
        desk._do(requests.asked(desk.desk, "s", row))


def asked(desk: BenchDesk, peer: str = "p") -> list[Request]:
    return [message for message in desk.sent[peer] if isinstance(message, Request)]


def answer(desk: BenchDesk, session: str, request: str, word: str, peer: str = "p") -> Any:
    head = {"type": "answer", "session": session, "slide": "s", "request": request, "answer": word}
    before = len(desk.sent[peer])
    desk.say(peer, None, **head)
    desk.work()
    return desk.sent[peer][-1] if len(desk.sent[peer]) > before else None


def pass_time(desk: BenchDesk, seconds: float) -> None:
    """As the daemon does it: often enough, while the driver is heard."""
    for _ in range(2):
        desk._do(requests.lapse(desk.desk, desk.now_s))
    desk.now_s += seconds
    for session in desk.desk.sessions._live.values():
        session.heard_s = desk.now_s
    desk._do(requests.lapse(desk.desk, desk.now_s))
    desk.work()


def close(desk: BenchDesk, session: str, committed: list[int]) -> None:
    desk.say("p", desk.manifest(committed), type="close_slide", session=session, slide="s")


def test_a_request_says_what_where_why_until_when_and_what_it_is_worth(desk: BenchDesk) -> None:
    opened(desk)
    ask(desk, RESCAN, ADD, STOP)
    rescan, add, stop = asked(desk)
    assert (rescan.id, rescan.kind, rescan.field, rescan.plane) == ("r1", "rescan", 0, None)
    assert (rescan.why, rescan.within_ms, rescan.worth) == ("overexposed", 30_000, 9)
    assert rescan.words == "Send field 0 again (overexposed)"
    assert (add.kind, add.field, add.plane) == ("add_plane", 1, 1)
    assert (stop.kind, stop.field, stop.why) == ("stop_early", None, "category_stands")
    assert "HSIL" in stop.words
    assert [told.body["answer"] for told in desk.told] == ["", "", ""]


def test_a_request_is_repeated_in_the_next_session_until_it_is_answered(desk: BenchDesk) -> None:
    session = opened(desk)
    ask(desk, RESCAN, ADD)
    assert not answer(desk, session, "r1", "accepted").late
    again = desk.hello("q")
    assert not asked(desk, "q")  # nothing before the slide is opened
    desk.open("q", again)
    assert isinstance(desk.sent["q"][-2], SlideOpened)
    assert [request.id for request in asked(desk, "q")] == ["r2"]
    assert asked(desk, "q") == asked(desk, "p")[1:]


def test_a_request_without_a_live_session_waits_for_one(desk: BenchDesk) -> None:
    session = opened(desk)
    desk.say("p", type="bye", session=session)
    ask(desk, RESCAN)
    for _ in range(3):
        desk.now_s += 3_600
        desk._do(requests.lapse(desk.desk, desk.now_s))
    assert not asked(desk)
    assert not desk.jobs
    opened(desk, "q", "e")
    assert [request.id for request in asked(desk, "q")] == ["r1"]


@pytest.mark.parametrize(
    ("word", "end"), [("done", RequestEnd.DONE), ("refused", RequestEnd.REFUSED)]
)
def test_a_last_word_is_durable_before_it_is_heard_and_heard_once(
    desk: BenchDesk, word: str, end: RequestEnd
) -> None:
    session = opened(desk)
    ask(desk, RESCAN)
    head = {"type": "answer", "session": session, "slide": "s", "request": "r1", "answer": word}
    assert desk.say("p", None, **head) is None
    desk.work()
    heard = desk.sent["p"][-1]
    assert isinstance(heard, AnsweredMessage)
    assert not heard.late
    assert desk.rows == [Answered(1, end)]
    assert not answer(desk, session, "r1", word).late  # the same again, as after a lost answer
    other = "refused" if word == "done" else "done"
    assert answer(desk, session, "r1", other).late
    assert desk.rows == [Answered(1, end)]
    assert desk.desk.late_answers == 1


@pytest.mark.parametrize("accepted", [True, False])
def test_what_is_not_done_in_time_lapses_and_a_late_answer_is_told_so(
    desk: BenchDesk, accepted: bool
) -> None:
    session = opened(desk)
    ask(desk, RESCAN)
    if accepted:
        answer(desk, session, "r1", "accepted")
    pass_time(desk, 29.9)
    assert not desk.rows
    pass_time(desk, 0.2)
    assert desk.rows == [Answered(1, RequestEnd.LAPSED)]
    assert answer(desk, session, "r1", "done").late
    assert desk.rows == [Answered(1, RequestEnd.LAPSED)]
    assert desk.told[-1].body["answer"] == "lapsed"


def test_an_answer_to_what_was_never_asked_is_refused(desk: BenchDesk) -> None:
    session = opened(desk)
    refused = answer(desk, session, "r1", "done")
    assert isinstance(refused, Refused)
    assert (refused.code, refused.key, refused.retry) == (Code.NOT_ASKED, "request", False)


def test_nothing_is_asked_after_the_close_came(desk: BenchDesk) -> None:
    session = opened(desk)
    desk.field("p", session, 0)
    close(desk, session, [0])  # closing: an image is in hand
    ask(desk, RESCAN)
    late = answer(desk, session, "r1", "done")
    assert not asked(desk)
    assert isinstance(late, SlideClosed)  # the last to be sent: what was in hand was finished
    assert any(isinstance(m, AnsweredMessage) and m.late for m in desk.sent["p"])
    ask(desk, ADD)
    assert not asked(desk)


def test_a_slide_that_goes_on_after_a_wrong_manifest_is_asked_again(desk: BenchDesk) -> None:
    session = opened(desk)
    close(desk, session, [1])
    desk.work()
    closed = desk.sent["p"][-1]
    assert isinstance(closed, SlideClosed)
    assert closed.state is SlideStatus.OPEN
    ask(desk, RESCAN)
    assert [request.id for request in asked(desk)] == ["r1"]


def test_a_plane_that_the_plan_has_not_is_taken_only_where_it_was_asked_for(
    desk: BenchDesk,
) -> None:
    session = opened(desk)
    refused = desk.field("p", session, 1, plane=1)
    assert isinstance(refused, Refused)
    assert refused.code is Code.NOT_PLANNED
    ask(desk, ADD)
    assert desk.field("p", session, 1, plane=1) is None
    desk.work()
    assert isinstance(desk.sent["p"][-1], Committed)
    assert isinstance(desk.field("p", session, 2, plane=1), Refused)


def test_what_a_driver_takes_is_known_from_its_hello(desk: BenchDesk) -> None:
    opened(desk)
    assert desk.takes == {"s": frozenset()}
    desk.say("p", type="hello", v=[1], driver="d", boot="b", takes=["refocus", "stop_early"])
    welcome = desk.sent["p"][-1]
    assert isinstance(welcome, Welcome)
    desk.open("p", welcome.session)
    assert desk.takes == {"s": frozenset({"refocus", "stop_early"})}


def test_a_close_that_fails_becomes_a_list_of_what_to_do(desk: BenchDesk) -> None:
    session = opened(desk)
    desk.field("p", session, 0)
    desk.work()
    close(desk, session, [1])
    desk.work()
    told = desk.told[-1]
    assert told.kind is EventKind.TO_DO
    assert told.body["to_do"] == [
        "Field 1: an image is in the driver's manifest and did not reach the daemon. "
        "Send it again, or close without it",
        "Field 0: the daemon has an image that the driver's manifest does not name. "
        "Take it into the manifest",
        "Fields 1-2: planned, never sent and not skipped. Send or skip them",
    ]
    assert told.body["missing"]["committed"] == [{"field": 1, "capture": 1, "plane": 0}]
