"""E, the conditions under which it announces, and what a verdict says of it."""

import json
import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from edge.evidence.summary import Summary
from edge.slide.basis import AnnouncingNumbers
from edge.slide.record import Announcement, End, Incident, IncidentKind
from edge.verdict import announcement
from edge.verdict.announcement import bar, due, milli_log10_e, unearned
from edge.verdict.decide import decide
from edge.verdict.verdict import to_json

Slide = Callable[..., Summary]

HIGH = AnnouncingNumbers("HSIL", 2_000, 40_000, 41, 3, 0, "")
"""Earned by the 40 negative slides of the fixture."""
AT = 4
"""Severity of HSIL."""
FOUND = {"capped": (0,) * AT + (3, 0, 0, 0, 0), "end": None}


def numbers(**changed: int | str) -> AnnouncingNumbers:
    return replace(HIGH, **changed)  # type: ignore[arg-type]


def running(slide: Slide, *announcing: AnnouncingNumbers, **changed: object) -> Summary:
    """A scan in its middle: 1,000 usable points, 3 findings that reach high grade."""
    basis = {"announcing": announcing or (HIGH,)}
    return slide(**{"basis": basis, "area": {"usable": 1_000}, **FOUND, **changed})


@pytest.mark.parametrize(
    ("r_milli", "b", "a", "n", "milli"),
    [
        (2_000, 40_000, 0, 0, 0),
        (2_000, 40_000, 1, 0, 1_447),
        (2_000, 40_000, 0, 50_000, -1_293),
        (2_000, 40_000, 3, 1_000, 3_054),
        (2_000, 40_000, 3, 50_000, -748),
        (2_000, 40_000, 10, 50_000, 559),
        (2_000, 40_000, 20, 50_000, 2_562),
        (500, 2_500, 5, 20_000, -301),
        (1_500, 7_500, 50, 50_000, 1_128),
        (500, 500, 500, 80_000, 620),
    ],
)
def test_i1_e_is_as_the_vectors_say(r_milli: int, b: int, a: int, n: int, milli: int) -> None:
    assert milli_log10_e(a, n, r_milli, b) == milli
    assert announcement._exactly(a, n, r_milli, b) == milli


def test_i1_floats_and_fifty_digits_agree_wherever_floats_are_asked() -> None:
    chance = random.Random(1)  # noqa: S311
    for _ in range(400):
        most = chance.choice([3, 60, 60_000])
        a, n = chance.randint(0, most), chance.randint(0, 8_000_000)
        r_milli, b = chance.randint(1, 1_000_000), chance.randint(1, 10**9)
        assert milli_log10_e(a, n, r_milli, b) == announcement._exactly(a, n, r_milli, b)


def test_i1_a_float_near_a_bound_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """E = 1 exactly: a float in logs may give either side of 0."""
    asked: list[int] = []

    def exactly(findings: int, points: int, r_milli: int, b_points: int) -> int:
        asked.append(b_points)
        return 7

    monkeypatch.setattr(announcement, "_exactly", exactly)
    assert milli_log10_e(0, 0, 2_000, 40_000) == 7
    assert milli_log10_e(1, 0, 2_000, 40_000) == 1_447
    assert asked == [40_000]


@pytest.mark.parametrize(("odds", "least"), [(2, 302), (20, 1_302), (41, 1_613), (100, 2_000)])
def test_the_bar_is_never_under_one_over_alpha(odds: int, least: int) -> None:
    assert bar(odds) == least


@pytest.mark.parametrize(
    ("changed", "slides", "why"),
    [
        ({}, 40, ""),
        ({"odds": 20}, 20, ""),
        ({"odds": 20}, 19, "19 negative slides, at least 20 are needed"),
        ({"refused": "gradients"}, 40, "gradients"),
        ({"odds": 42}, 40, "alpha 1/42 is under 1/41"),
        ({"findings": 40}, 40, ""),
        ({"findings": 41}, 40, "41 false findings on 40 negative slides: over 1 each"),
        ({"odds": 20, "maxima": 2}, 40, ""),
        (
            {"odds": 20, "maxima": 3},
            40,
            "E reached 20 on 3 of 40 negative slides, replayed in scan order: more than its share",
        ),
        ({"maxima": 1}, 40, "E reached 41 on 1 of 40"),
        ({"r_milli": 0}, 40, "r and b must be 1 or more"),
        ({"b_points": 0}, 40, "r and b must be 1 or more"),
    ],
)
def test_i3_a_card_that_does_not_earn_it_announces_nothing(
    changed: dict[str, int | str], slides: int, why: str, slide: Slide
) -> None:
    found = unearned(numbers(**changed), slides)
    assert found.startswith(why)
    assert bool(found) == bool(why)
    basis = {"announcing": (numbers(**changed),), "negative_slides": slides}
    summary = slide(basis=basis, area={"usable": 1_000}, **FOUND)
    assert bool(due(summary)) == (not why)
    said = json.loads(to_json(decide(summary)))["announcement"]
    assert said["not_established"].get("HSIL", "") == found
    assert ("HSIL" in said["milli_log10_e"]) == (not why)


def test_a_category_is_announced_once_with_what_spoke_for_it(slide: Slide) -> None:
    summary = running(slide)
    (row,) = due(summary)
    assert row == Announcement("HSIL", 3_054, 3, 1_000)
    told = json.loads(to_json(decide(summary)))["announcement"]
    assert told["milli_log10_e"] == {"HSIL": 3_054}
    assert due(replace(summary, announcements=(row,))) == ()
    assert due(running(slide, area={"usable": 50_000})) == ()


def test_e_is_asked_of_findings_capped_by_field_and_of_usable_ground_alone(slide: Slide) -> None:
    assert due(running(slide, reached={AT: 90}, capped=(0,) * 9)) == ()
    assert due(running(slide, area={"usable": 1_000, "empty": 10**6, "pending": 10**6}))


def test_nothing_is_announced_after_the_end_nor_of_findings_in_doubt(slide: Slide) -> None:
    assert due(running(slide, end=End.CLOSED)) == ()
    unproved = (Incident(IncidentKind.ENGINE_UNPROVED, "golden"),)
    assert due(running(slide, incidents=unproved)) == ()
    assert due(running(slide, opening={"specimen": "urine"})) == ()


def said(summary: Summary) -> tuple[str, list[tuple[str, bool | None]], list[str]]:
    verdict = json.loads(to_json(decide(summary)))
    told = verdict["announcement"]
    made = [(each["category"], each["borne_out"]) for each in told["announced"]]
    return told["state"], made, [each["code"] for each in verdict["notes"]]


HIGH_ROW, LOW_ROW = Announcement("HSIL", 3_054, 3, 1_000), Announcement("LSIL", 3_054, 3, 1_000)
NOT = "announcement_not_borne_out"


def test_a_verdict_says_what_was_announced_and_whether_it_bears_it_out(slide: Slide) -> None:
    both = {"announcements": (HIGH_ROW, LOW_ROW), "basis": {"announcing": (HIGH,)}}
    assert said(slide(**both, end=None)) == ("announced", [("HSIL", None), ("LSIL", None)], [])
    high = {"reached": {2: 30, AT: 30}}
    assert said(slide(**both, **high)) == ("announced", [("HSIL", True), ("LSIL", True)], [])
    low = said(slide(**both, reached={2: 30}))
    assert low == ("announced", [("HSIL", False), ("LSIL", True)], [NOT])
    assert said(slide(**both)) == ("announced", [("HSIL", False), ("LSIL", False)], [NOT, NOT])
    unproved = (Incident(IncidentKind.ENGINE_UNPROVED, "golden"),)
    assert said(slide(**both, **high, incidents=unproved))[1:] == (
        [("HSIL", False), ("LSIL", False)], [NOT, NOT],
    )  # fmt: skip


def test_a_verdict_says_where_nothing_could_be_announced(slide: Slide) -> None:
    assert said(slide())[0] == "not established"
    assert said(slide(basis={"announcing": (HIGH,)}))[0] == "none"
    never = json.loads(to_json(decide(slide(basis={"announcing": (HIGH,)}))))["announcement"]
    assert never["not_established"] == {"LSIL": "the model card has no numbers for it"}


@pytest.mark.parametrize("reached", [{}, {2: 5}, {AT: 30}])
@pytest.mark.parametrize("end", [None, End.CLOSED, End.ABORTED])
def test_i5_no_outcome_depends_on_an_announcement(
    slide: Slide, end: End | None, reached: dict[int, int]
) -> None:
    without = decide(slide(end=end, reached=reached))
    after = decide(slide(end=end, reached=reached, announcements=(HIGH_ROW, LOW_ROW)))
    kept = {"announcements": without.announcements, "notes": without.notes}
    assert replace(after, **kept) == without  # type: ignore[arg-type]
