"""What stands against a negative verdict, on both sides of each bound."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from edge.evidence.summary import Summary
from edge.slide.place import Rectangle
from edge.slide.record import Cell, End, Incident, IncidentKind
from edge.verdict.decide import decide
from edge.verdict.gaps import coverage_is_complete, gaps, lost_ground, notes
from edge.verdict.reasons import ReasonCode
from edge.verdict.spot import plan_covers, spot_points
from edge.verdict.verdict import Outcome

Slide = Callable[..., Summary]
THINPREP_POINTS = 785_398  # pi / 4 x (20 mm)^2 at 400 um2
SUREPATH_POINTS = 331_830


@pytest.mark.parametrize(
    ("area", "complete"),
    [
        ({}, True),
        ({"usable": 8_500}, True),
        ({"usable": 8_499}, False),
        ({"usable": 0, "empty": 9_500}, True),
        ({"usable": 8_999, "pending": 1}, False),
        ({"largest_lost_patch": 621}, True),
        ({"largest_lost_patch": 622}, False),
        ({"planned": 0, "usable": 0, "empty": 0}, False),
    ],
)
def test_i3_coverage_is_complete_when_nearly_all_was_seen_and_no_field_is_lost_whole(
    slide: Slide, area: dict[str, int], complete: bool
) -> None:
    summary = slide(area=area)
    assert coverage_is_complete(summary.area) is complete
    assert (decide(summary).category == "NILM") is complete


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"missing_fields": 1}, "missing"),
        ({"area": {"lost": (("missing", 1),)}}, "missing"),
        ({"unprocessed_images": 1}, "unprocessed"),
        ({"area": {"lost": (("unprocessed", 1),)}}, "unprocessed"),
        ({"end": End.ABORTED, "end_why": "operator"}, "aborted"),
        ({"end": End.ABORTED}, "aborted"),
        ({"incidents": (Incident(IncidentKind.MANIFEST_LOST, "boot"),)}, "manifest_lost"),
        ({"area": {"usable": 8_000}}, "coverage_incomplete"),
    ],
)
def test_i3_every_gap_makes_a_slide_incomplete(
    slide: Slide, changes: dict[str, Any], code: str
) -> None:
    summary = slide(**changes)
    assert [each.code for each in gaps(summary)] == [code]
    assert decide(summary).outcome is Outcome.INCOMPLETE


@pytest.mark.parametrize(
    ("changes", "points"),
    [
        ({"purpose": "simulation"}, 7),
        ({"purpose": "replay", "preparation": "conventional"}, 7),
        ({"purpose": "clinical"}, THINPREP_POINTS),
        ({"purpose": "clinical", "preparation": "surepath"}, SUREPATH_POINTS),
        ({"purpose": "clinical", "preparation": "conventional"}, 10_000),
        ({"purpose": "clinical", "preparation": "cytospin"}, 10_000),
    ],
)
def test_the_spot_is_the_preparations_where_a_patient_is_concerned(
    slide: Slide, changes: dict[str, str], points: int
) -> None:
    assert spot_points(slide(opening=changes).opening, 7) == points


def test_i3_a_clinical_plan_covers_nearly_all_of_the_spot_or_the_slide_is_incomplete(
    slide: Slide,
) -> None:
    clinical = {"purpose": "clinical", "preparation": "conventional"}
    least = 9_500
    for planned in (least, least - 1):
        area = {"planned": planned, "usable": planned - 1_000}
        (card,) = slide().opening.basis.adequacy
        numbers = replace(card, preparation="conventional")
        summary = slide(opening=clinical, area=area, basis={"adequacy": (numbers,)})
        assert plan_covers(summary.opening, planned) is (planned >= least)
        assert (decide(summary).category == "NILM") is (planned >= least)
    assert [each.code for each in gaps(summary)] == ["plan_does_not_cover"]
    assert "9,499 of the 10,000" in gaps(summary)[0].text


def test_a_declared_smear_may_be_any_rectangle(slide: Slide) -> None:
    larger = replace(slide().opening.plan, spot=Rectangle(0, 0, 20_000_000, 40_000_000))
    opening = slide(
        opening={"purpose": "clinical", "preparation": "conventional", "plan": larger}
    ).opening
    assert spot_points(opening, 0) == 2_000_000


@pytest.mark.parametrize(
    "flag",
    [each for each in Cell if each not in (Cell.EMPTY, Cell.UNPROCESSED)],
    ids=lambda flag: str(flag.name),
)
def test_lost_ground_is_told_by_its_reason_also_where_it_is_little(
    slide: Slide, flag: Cell
) -> None:
    code = str(flag.name).lower()
    verdict = decide(slide(area={"usable": 8_900, "lost": ((code, 100),)}))
    assert verdict.category == "NILM"
    assert [each.code for each in verdict.reasons] == ["nilm", code]
    assert "100 of 10,000 planned lattice points (1.0 %)" in verdict.reasons[1].text


def test_every_reason_for_an_unusable_cell_has_its_code() -> None:
    flags = {str(flag.name).lower() for flag in Cell if flag is not Cell.EMPTY}
    assert flags <= {code.value for code in ReasonCode}
    assert {kind.value for kind in IncidentKind} <= {code.value for code in ReasonCode}


def test_skipped_fields_are_told_even_where_their_neighbours_saw_their_ground(
    slide: Slide,
) -> None:
    assert [each.code for each in lost_ground(slide(skipped_fields=1))] == ["skipped"]
    (told,) = lost_ground(slide(skipped_fields=2, area={"lost": (("skipped", 300),)}))
    assert told.text == (
        "2 planned fields were skipped by the driver; 300 lattice points are lost by it."
    )


@pytest.mark.parametrize(("overlap_nm", "is_told"), [(52_000, True), (52_001, False)])
def test_i9_an_overlap_that_cuts_cells_is_told(
    slide: Slide, overlap_nm: int, is_told: bool
) -> None:
    other = replace(slide().opening.plan, overlap_nm=overlap_nm)
    told = [each.code for each in notes(slide(opening={"plan": other}))]
    assert (told == ["cut_cells"]) is is_told


def test_i9_what_a_reader_must_know_is_told_and_forbids_nothing(slide: Slide) -> None:
    verdict = decide(
        slide(
            truncated_images=2,
            withdrawn_captures=3,
            incidents=(
                Incident(IncidentKind.CLOCK_JUMP, "2 s"),
                Incident(IncidentKind.CLOCK_JUMP, "9 s"),
                Incident(IncidentKind.ON_CPU, "no GPU"),
            ),
        )
    )
    assert verdict.category == "NILM"
    assert [each.text for each in verdict.notes] == [
        "The engine ran on the CPU: no GPU.",
        "The clock jumped: 2 s; 9 s.",
        "2 images had more findings than are kept; the best were kept.",
        "3 captures were withdrawn.",
    ]
