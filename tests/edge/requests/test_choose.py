"""What is asked for, when, and when not."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from edge.evidence.fold import fold
from edge.evidence.summary import Area, Need
from edge.requests.choose import MAX_OPEN, PATIENCE, TRIES, choose
from edge.slide.request import Answered, Asked, RequestEnd, RequestKind, Requests
from edge.verdict.decide import decide
from edge.verdict.system import load
from edge.verdict.verdict import Outcome, Verdict, to_json
from tests.edge.requests.loop import ALL, Case, Loop
from tests.edge.verdict.conftest import changed

FIELDS = 100
POINTS = 500
RUNNING = replace(
    decide(changed(end=None)),
    area=Area(
        planned=50_000, usable=20_000, empty=0, pending=29_500, lost=(("out_of_focus", 500),),
        largest_lost_patch=500, field=621,
    ),
)  # fmt: skip


def need(field: int = 7, why: str = "out_of_focus", lost: int = POINTS, **changed: Any) -> Need:
    base = Need(field, POINTS, ((why, lost),), (0,) * 16, images=1, plane=1)
    return replace(base, **changed)


def chosen(
    *needs: Need,
    verdict: Verdict = RUNNING,
    asked: Sequence[Asked] = (),
    ends: Sequence[RequestEnd] = (),
    takes: frozenset[str] | set[str] = ALL,
    percent: int = 10,
) -> list[Asked]:
    answered = tuple(Answered(n, end) for n, end in enumerate(ends, 1))
    return choose(verdict, needs, Requests(tuple(asked), answered), takes, FIELDS, percent)


def before(number: int = 1, field: int | None = 7, images: int = 1, **changed: Any) -> Asked:
    row = Asked(number, RequestKind.REFOCUS, field, None, images, "out_of_focus", POINTS)
    return replace(row, **changed)


def test_a_blurred_field_is_focused_anew() -> None:
    assert chosen(need()) == [before()]


@pytest.mark.parametrize(
    ("why", "kind"),
    [
        ("overexposed", "rescan"),
        ("underexposed", "rescan"),
        ("frozen", "rescan"),
        ("misplaced", "rescan"),
        ("not_covered", "rescan"),
        ("missing", "rescan"),
    ],
)
def test_each_reason_has_its_remedy(why: str, kind: str) -> None:
    (row,) = chosen(need(why=why, images=0))
    assert (row.kind, row.why) == (kind, why)


@pytest.mark.parametrize("why", ["badly_stained", "unprocessed", "skipped"])
def test_what_no_new_image_can_mend_is_not_asked_for(why: str) -> None:
    assert chosen(need(why=why)) == []


def test_a_field_that_is_sharp_in_part_keeps_its_focus_and_gets_a_plane() -> None:
    part = need(lost=POINTS // 3, plane=3)
    (row,) = chosen(part)
    assert (row.kind, row.plane) == (RequestKind.ADD_PLANE, 3)
    (row,) = chosen(replace(part, images=2), asked=[row], ends=[RequestEnd.DONE])
    assert (row.kind, row.plane) == (RequestKind.REFOCUS, None)


def test_a_plane_that_was_left_out_is_asked_for_by_its_number() -> None:
    (row,) = chosen(need(why="missing", images=1, plane=2))
    assert (row.kind, row.plane) == (RequestKind.ADD_PLANE, 2)


def test_a_scanner_is_asked_only_for_what_it_takes() -> None:
    assert [row.kind for row in chosen(need(), takes={"rescan"})] == [RequestKind.RESCAN]
    assert chosen(need(), takes={"stop_early"}) == []
    assert chosen(need(), takes=frozenset()) == []


def test_a_field_of_suspicious_findings_with_lost_ground_is_revisited_first() -> None:
    doubted = replace(RUNNING, not_excluded=("HSIL",))
    severity = load("bethesda").category("HSIL").severity
    reached = tuple(int(s == severity) for s in range(16))
    suspicious = need(9, lost=10, reached=reached)
    rows = chosen(need(), suspicious, verdict=doubted)
    assert [(row.field, row.kind) for row in rows] == [(9, RequestKind.REVISIT), (7, "refocus")]
    assert rows[0].worth == 10 + POINTS
    assert [row.field for row in chosen(need(), suspicious)] == [7]  # 10 points are too few


def test_worth_is_ground_and_twice_that_where_coverage_hangs_on_it() -> None:
    assert [row.worth for row in chosen(need(lost=400))] == [400]
    torn = replace(RUNNING, area=replace(RUNNING.area, largest_lost_patch=900))
    assert [row.worth for row in chosen(need(lost=400), verdict=torn)] == [800]


def test_the_most_worth_comes_first_and_few_at_a_time() -> None:
    needs = [need(n, lost=300 + n) for n in range(8)]
    assert [row.field for row in chosen(*needs)] == [7, 6, 5]
    assert MAX_OPEN == 3
    assert [row.number for row in chosen(*needs, asked=[before(1, 20), before(2, 21)])] == [3]
    assert chosen(*needs, asked=[before(n, 20 + n) for n in range(1, 4)]) == []


def test_a_field_is_asked_for_again_only_with_a_new_image_and_only_so_often() -> None:
    done = RequestEnd.DONE
    assert chosen(need(images=2), asked=[before()]) == []  # it is being done
    assert chosen(need(images=1), asked=[before()], ends=[done]) == []
    assert chosen(need(images=2), asked=[before()], ends=[done]) == [before(2, images=2)]
    assert chosen(need(images=2), asked=[before()], ends=[RequestEnd.REFUSED]) == []
    tries = [before(n, images=n) for n in range(1, TRIES + 1)]
    assert chosen(need(images=TRIES + 1), asked=tries, ends=[done] * TRIES) == []


def test_no_more_fields_are_asked_for_than_the_budget_has() -> None:
    done = [RequestEnd.DONE] * 10
    asked = [before(n, 20 + n) for n in range(1, 11)]
    assert chosen(need(), asked=asked, ends=done) == []
    assert len(chosen(need(), asked=asked, ends=done, percent=11)) == 1
    assert len(chosen(need(21, images=2), need(), asked=asked, ends=done)) == 1  # a second try
    assert chosen(need(), percent=0) == []


def test_a_scanner_that_never_answers_is_left_alone() -> None:
    asked = [before(n, 20 + n) for n in range(1, PATIENCE + 1)]
    lapsed = [RequestEnd.LAPSED] * PATIENCE
    assert chosen(need(), asked=asked, ends=lapsed) == []
    assert len(chosen(need(), asked=asked, ends=[*lapsed[1:], RequestEnd.REFUSED])) == 1


def test_a_stop_is_asked_for_once_and_only_where_a_high_grade_category_stands() -> None:
    stands = replace(RUNNING, outcome=Outcome.CATEGORY, category="HSIL")
    (stop,) = chosen(need(), verdict=stands)
    assert (stop.kind, stop.field, stop.why) == (RequestKind.STOP_EARLY, None, "HSIL")
    assert stop.worth == stands.area.pending
    refused = [RequestEnd.REFUSED]
    assert chosen(need(), verdict=stands, asked=[stop], ends=refused) == []
    assert chosen(need(), verdict=stands, takes=ALL - {"stop_early"}) == []
    nearly = replace(stands, area=replace(stands.area, pending=4_999))
    assert chosen(need(), verdict=nearly) == []
    for category in ("LSIL", "NILM"):
        milder = replace(stands, category=category)
        assert [row.kind for row in chosen(need(), verdict=milder)] == [RequestKind.REFOCUS]


# The loop, small ----------------------------------------------------------------------------------

SMALL: dict[str, Any] = {"columns": 12, "rows": 10}


@pytest.mark.parametrize("manner", ["obey", "worse"])
def test_closed_loop_brings_lost_ground_back_within_the_budget(manner: str) -> None:
    lost = left = 0
    for seed in range(3):
        told = Loop(Case(seed, manner=manner, **SMALL)).run()
        left += told.lost
        lost += Loop(Case(seed, takes=(), **SMALL)).run().lost
        tries = Counter(row.field for row in told.asked)
        assert len(tries) <= 12
        assert max(tries.values()) <= TRIES
        assert told.most_open <= MAX_OPEN
    assert left < 0.25 * lost


@pytest.mark.parametrize("manner", ["refuse", "ignore"])
def test_i3_closed_loop_a_scanner_that_does_nothing_changes_nothing_but_the_notes(
    manner: str,
) -> None:
    told = Loop(Case(5, manner=manner, **SMALL)).run()
    alone = Loop(Case(5, takes=(), **SMALL)).run()
    assert told.asked
    assert "requests" in {note.code for note in told.verdict.notes}
    assert to_json(replace(told.verdict, notes=alone.verdict.notes)) == to_json(alone.verdict)


def test_i1_closed_loop_requests_follow_from_the_rows_whatever_their_order() -> None:
    told = Loop(Case(2, **SMALL)).run()
    opening = Loop(Case(2, **SMALL)).opening
    again = fold([*reversed(told.rows), opening, *told.rows])
    assert to_json(decide(again)) == to_json(told.verdict)


def test_i3_without_what_the_requests_brought_the_verdict_is_as_if_none_was_made() -> None:
    """Requests are no evidence: their rows alone move nothing but the note."""
    told = Loop(Case(2, manner="obey", **SMALL)).run()
    loop = Loop(Case(2, takes=(), **SMALL))
    alone = loop.run()
    for row in told.rows:
        if isinstance(row, Asked | Answered):
            loop.evidence.add(row)
    with_rows = decide(loop.evidence.summary())
    assert with_rows.notes != alone.verdict.notes
    assert replace(with_rows, notes=alone.verdict.notes) == alone.verdict


def test_a_standing_high_grade_category_stops_the_scan() -> None:
    told = Loop(Case(4, abnormal=16, **SMALL)).run()
    kinds = [row.kind for row in told.asked]
    assert kinds[-1] is RequestKind.STOP_EARLY
    assert kinds.count(RequestKind.STOP_EARLY) == 1
