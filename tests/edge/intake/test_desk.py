import json
from typing import Any

import pytest

from drivers.scanner.lists import DifferenceList, ResumeList
from drivers.scanner.messages import (
    Committed,
    Error,
    FieldSkipped,
    Refused,
    SlideAborted,
    SlideClosed,
    SlideOpened,
    Welcome,
    Withdrawn,
)
from drivers.scanner.words import Code, SlideStatus
from edge.slide.record import Closing, End, Image, Skip, Withdrawal
from tests.edge.intake.bench_desk import PIXELS, BenchDesk, plan_list


@pytest.fixture
def desk() -> BenchDesk:
    return BenchDesk()


def opened(desk: BenchDesk, fields: int = 3) -> str:
    session = desk.hello("p")
    desk.open("p", session, fields=fields)
    desk.work()
    return session


def test_an_image_is_committed_once_and_a_repeat_gets_the_first_answer(desk: BenchDesk) -> None:
    session = opened(desk)
    assert desk.field("p", session, 0) is None
    desk.work()
    first = desk.sent["p"][-1]
    again = desk.field("p", session, 0)
    assert isinstance(first, Committed)
    assert isinstance(again, Committed)
    assert not first.again
    assert again.again
    assert again.disposition == first.disposition
    assert not desk.jobs


def test_a_repeat_of_what_is_in_hand_waits_for_the_same_judgement(desk: BenchDesk) -> None:
    session = opened(desk)
    desk.field("p", session, 0, id="first")
    desk.field("p", session, 0, id="second")
    desk.work()
    answers = [m for m in desk.sent["p"] if isinstance(m, Committed)]
    assert [answer.re for answer in answers] == ["second"]


def test_other_pixels_under_the_same_key_are_a_conflict(desk: BenchDesk) -> None:
    session = opened(desk)
    desk.field("p", session, 0)
    answer = desk.field("p", session, 0, pixels=PIXELS[::-1])
    assert isinstance(answer, Refused)
    assert answer.code is Code.CONFLICT
    assert not answer.retry


def test_a_new_session_gets_the_answers_of_the_replaced_one(desk: BenchDesk) -> None:
    old = opened(desk)
    desk.field("p", old, 0)
    new = desk.hello("q")
    desk.open("q", new)
    resume = desk.parts["q"][-1]
    assert isinstance(resume, ResumeList)
    assert [key.field for key in resume.in_hand] == [0]
    desk.work()
    assert isinstance(desk.sent["q"][-1], Committed)
    late = desk.field("p", old, 1)
    assert isinstance(late, Error)
    assert late.code is Code.SESSION


def test_a_session_keeps_to_its_connection(desk: BenchDesk) -> None:
    session = opened(desk)
    stolen = desk.field("thief", session, 1)
    assert isinstance(stolen, Error)
    assert stolen.code is Code.SESSION
    assert not desk.jobs


def test_a_full_window_refuses_and_leaves_no_trace() -> None:
    desk = BenchDesk(window=2)
    session = opened(desk)
    desk.field("p", session, 0)
    desk.field("p", session, 1)
    answer = desk.field("p", session, 2)
    assert isinstance(answer, Refused)
    assert (answer.code, answer.retry) == (Code.WINDOW, True)
    desk.work()
    assert desk.field("p", session, 2) is None
    desk.work()
    assert len(desk.desk.books["s"].images) == 3


def test_a_damaged_image_is_refused_forgotten_and_may_come_again(desk: BenchDesk) -> None:
    session = opened(desk)
    desk.field("p", session, 0)
    desk.damage()
    answer = desk.sent["p"][-1]
    assert isinstance(answer, Refused)
    assert (answer.code, answer.retry, answer.field) == (Code.CHECKSUM, True, 0)
    assert not desk.in_hand
    assert desk.field("p", session, 0) is None


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"field": 9}, Code.NOT_PLANNED),
        ({"plane": 1}, Code.NOT_PLANNED),
        ({"slide": "other"}, Code.UNKNOWN_SLIDE),
        ({"stride": 15}, Code.FORMAT),
        ({"height_px": 17}, Code.FORMAT),
    ],
)
def test_what_cannot_be_taken_is_refused(
    desk: BenchDesk, changed: dict[str, Any], code: Code
) -> None:
    session = opened(desk)
    answer = desk.field("p", session, int(str(changed.pop("field", 0))), **changed)
    assert isinstance(answer, Refused)
    assert answer.code is code
    assert not desk.jobs


def test_closing_waits_for_what_is_in_hand_and_takes_nothing_new(desk: BenchDesk) -> None:
    session = opened(desk)
    desk.field("p", session, 0)
    manifest = desk.manifest([0])
    assert desk.say("p", manifest, type="close_slide", session=session, slide="s") is None
    late = desk.field("p", session, 1)
    assert isinstance(late, Refused)
    assert late.code is Code.CLOSED
    desk.work()
    closed = desk.sent["p"][-1]
    assert isinstance(closed, SlideClosed)
    assert closed.state is SlideStatus.CLOSED
    assert closed.verdict == {"outcome": "review"}
    assert desk.rows == [Closing(End.CLOSED, "", desk.ended["s"].digest)]


def test_the_same_close_again_gets_the_same_answer_and_another_is_refused(desk: BenchDesk) -> None:
    session = opened(desk)
    close: dict[str, Any] = {"type": "close_slide", "session": session, "slide": "s"}
    desk.say("p", desk.manifest([]), **close)
    desk.work()
    again = desk.say("p", desk.manifest([]), **close)
    other = desk.say("p", desk.manifest([1]), **close)
    assert isinstance(again, SlideClosed)
    assert again.verdict == {"outcome": "review"}
    assert isinstance(other, Refused)
    assert other.code is Code.CLOSED


def test_a_wrong_manifest_is_answered_with_the_differences_and_the_slide_goes_on(
    desk: BenchDesk,
) -> None:
    session = opened(desk)
    desk.field("p", session, 0)
    desk.work()
    desk.say("p", desk.manifest([1], (2,)), type="close_slide", session=session, slide="s")
    closed, differences = desk.sent["p"][-1], desk.parts["p"][-1]
    assert isinstance(closed, SlideClosed)
    assert isinstance(differences, DifferenceList)
    assert closed.state is SlideStatus.OPEN
    assert [key.field for key in differences.missing.committed] == [1]
    assert differences.missing.skipped == [2]
    assert [key.field for key in differences.unexpected.committed] == [0]
    assert desk.field("p", session, 1) is None


def test_skips_and_withdrawals_are_answered_when_they_are_on_the_disk(desk: BenchDesk) -> None:
    session = opened(desk)
    skip: dict[str, Any] = {
        "type": "skip_field",
        "session": session,
        "slide": "s",
        "field": 1,
        "why": "lamp",
    }
    assert desk.say("p", **skip) is None
    withdraw: dict[str, Any] = {
        "type": "withdraw",
        "session": session,
        "slide": "s",
        "field": 0,
        "capture": 1,
    }
    assert desk.say("p", **withdraw) is None
    desk.work()
    assert [type(message) for message in desk.sent["p"][-2:]] == [FieldSkipped, Withdrawn]
    assert desk.rows == [Skip(1, "lamp"), Withdrawal(0, 1)]
    answer = desk.field("p", session, 0)
    assert isinstance(answer, Refused)
    assert answer.code is Code.WITHDRAWN


def test_an_image_withdrawn_in_hand_is_committed_all_the_same(desk: BenchDesk) -> None:
    session = opened(desk)
    desk.field("p", session, 0)
    desk.say("p", type="withdraw", session=session, slide="s", field=0, capture=1)
    desk.work()
    assert any(isinstance(message, Committed) for message in desk.sent["p"])
    assert Image(0, 1, 0) in desk.desk.books["s"].images


def test_aborting_ends_the_slide(desk: BenchDesk) -> None:
    session = opened(desk)
    desk.field("p", session, 0)
    desk.say("p", type="abort_slide", session=session, slide="s", why="glass broke")
    desk.work()
    assert isinstance(desk.sent["p"][-1], SlideAborted)
    assert desk.rows == [Closing(End.ABORTED, "glass broke", "")]


def test_another_driver_waits_until_the_first_is_silent(desk: BenchDesk) -> None:
    opened(desk)
    other = desk.hello("q", driver="e")
    desk.open("q", other)
    answer = desk.sent["q"][-1]
    assert isinstance(answer, Refused)
    assert (answer.code, answer.retry) == (Code.BUSY, True)
    desk.now_s = 31.0
    desk.open("q", other)
    assert isinstance(desk.sent["q"][-1], SlideOpened)


def test_a_new_slide_that_two_drivers_ask_for_at_once_is_opened_once(desk: BenchDesk) -> None:
    first, second = desk.hello("p"), desk.hello("q", driver="e")
    desk.open("p", first)
    desk.open("q", second)
    refused = desk.sent["q"][-1]
    assert isinstance(refused, Refused)
    assert (refused.code, refused.retry) == (Code.BUSY, True)
    desk.work()
    assert isinstance(desk.sent["p"][-1], SlideOpened)
    assert desk.field("p", first, 0) is None
    desk.work()
    assert len(desk.desk.books["s"].images) == 1


def test_another_driver_takes_over_after_bye(desk: BenchDesk) -> None:
    session = opened(desk)
    desk.say("p", type="bye", session=session)
    other = desk.hello("q", driver="e")
    desk.open("q", other)
    assert isinstance(desk.sent["q"][-1], SlideOpened)


def test_the_same_slide_with_another_plan_is_a_conflict(desk: BenchDesk) -> None:
    session = opened(desk)
    desk.open("p", session, fields=2)
    answer = desk.sent["p"][-1]
    assert isinstance(answer, Refused)
    assert answer.code is Code.CONFLICT


def test_a_field_planned_twice_is_refused(desk: BenchDesk) -> None:
    session = desk.hello("p")
    plan = plan_list(2)
    plan["fields"][1]["field"] = 0
    answer = desk.say(
        "p", json.dumps(plan).encode(), type="open_slide", session=session, slide="s",
        purpose="simulation", specimen="cervical", preparation="thinprep",
        optics={"pm_per_px": 250_000},
    )  # fmt: skip
    assert isinstance(answer, Refused)
    assert answer.key == "fields"


def test_the_ninth_driver_is_refused_until_one_is_silent(desk: BenchDesk) -> None:
    for n in range(8):
        desk.hello(f"p{n}", driver=f"d{n}")
    ninth = desk.say("p9", type="hello", v=[1], driver="d9", boot="b")
    assert isinstance(ninth, Error)
    assert ninth.code is Code.BUSY
    desk.now_s = 31.0
    assert isinstance(desk.say("p9", type="hello", v=[1], driver="d9", boot="b"), Welcome)


def test_nothing_is_taken_before_the_engine_was_tried() -> None:
    desk = BenchDesk()
    desk.desk.readiness.is_judging = False
    session = desk.hello("p")
    desk.open("p", session)
    answer = desk.sent["p"][-1]
    assert isinstance(answer, Refused)
    assert (answer.code, answer.retry) == (Code.NOT_READY, True)
    assert desk.desk.window().fields == 0


def test_two_drivers_share_the_window(desk: BenchDesk) -> None:
    opened(desk)
    other = desk.hello("q", driver="e")
    desk.open("q", other, slide="t")
    desk.work()
    assert desk.desk.window().fields == 4
