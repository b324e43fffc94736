"""The fold: which rows it takes, and what the summary says beside counts and areas."""

from dataclasses import replace

import pytest

from edge.evidence.fold import Evidence, fold
from edge.evidence.gallery import GALLERY_SIZE
from edge.slide.finding import Findings
from edge.slide.plan import PlannedField
from edge.slide.record import (
    Closing,
    End,
    Image,
    Incident,
    IncidentKind,
    Record,
    Row,
    Skip,
    Withdrawal,
)
from tests.properties.slides import grid, opening, packed, record

START = opening(grid(2, 1, 600_000, 600_000, 60_000))


def _image(field: int, findings: Findings, capture: int = 1, plane: int = 0) -> Record:
    return record(Image(field, capture, plane), START.plan.rectangle(field), findings)


def _row_of(n: int, score: int = 1_000, severity: int = 1) -> Findings:
    """n findings, far from each other and from the seam."""
    places = [(-200_000 + 20_000 * (i % 20), -200_000 + 20_000 * (i // 20)) for i in range(n)]
    return packed(*((x, y, 12_000, severity, score + i) for i, (x, y) in enumerate(places)))


def test_the_opening_may_come_last_and_again() -> None:
    rows: list[Row] = [_image(0, _row_of(3)), Skip(1, "lamp"), START]
    assert fold(rows) == fold([START, START, *rows])


def test_rows_without_an_opening_are_refused_and_so_is_another_one() -> None:
    with pytest.raises(ValueError, match="without its opening"):
        fold([Skip(0, "lamp")])
    with pytest.raises(ValueError, match="opened otherwise"):
        fold([START, replace(START, purpose="clinical")])


def test_an_image_of_a_field_that_is_not_planned_is_refused() -> None:
    stranger = replace(_image(0, _row_of(1)), image=Image(7, 1, 0))
    evidence = Evidence(START)
    with pytest.raises(KeyError):
        evidence.add(stranger)
    assert evidence.summary() == fold([START])


def test_a_skip_or_a_withdrawal_of_a_field_that_is_not_planned_changes_no_count() -> None:
    summary = fold([START, Skip(7, "lamp"), Withdrawal(7, 1)])
    assert summary == replace(fold([START]), withdrawn_captures=1)


def test_fields_and_images_are_told_apart_by_what_became_of_them() -> None:
    plan = grid(4, 1, 600_000, 600_000, 60_000)
    rows: list[Row] = [
        opening(plan),
        _image(0, _row_of(1)),
        replace(_image(0, _row_of(1), capture=3), truncated=True),
        _image(1, _row_of(0)),
        Withdrawal(1, 1),
        Skip(2, "lamp"),
        Skip(2, "stage"),
    ]
    summary = fold(rows)
    assert (summary.unsettled_fields, summary.missing_fields, summary.skipped_fields) == (2, 2, 1)
    assert (summary.truncated_images, summary.withdrawn_captures) == (1, 1)
    assert (summary.end, summary.end_why) == (None, "")


def test_incidents_are_told_once_in_order() -> None:
    jump = Incident(IncidentKind.CLOCK_JUMP, "3 s")
    cpu, later = Incident(IncidentKind.ON_CPU, "a"), Incident(IncidentKind.ON_CPU, "b")
    assert fold([START, later, jump, cpu, jump]).incidents == (jump, cpu, later)


def test_an_abort_is_told_before_an_orderly_end() -> None:
    closed, aborted = Closing(End.CLOSED, "", "ab"), Closing(End.ABORTED, "lamp", "")
    summary = fold([START, closed, aborted])
    assert (summary.end, summary.end_why) == (End.ABORTED, "lamp")
    assert summary.unsettled_fields == 0
    assert fold([START, closed]).end is End.CLOSED


def test_reached_counts_findings_of_each_severity_and_those_of_none() -> None:
    findings = packed((0, 0, 9, 0, 9), (50_000, 0, 9, 1, 9), (100_000, 0, 9, 3, 9))
    findings[0, 7], findings[1, 7], findings[2, 7] = 0, 0b10, 0b1110
    assert fold([START, _image(0, findings)]).reached == (1, 2, 1, 1, *(0,) * 12)


def test_planes_may_come_with_different_captures() -> None:
    plan = replace(START.plan, fields=(PlannedField(0, 0, 0, 2), START.plan.fields[1]))
    rows: list[Row] = [opening(plan), _image(0, _row_of(1)), _image(0, _row_of(1), 2, 1)]
    assert fold(rows[:2]).unsettled_fields == 2
    assert fold(rows).unsettled_fields == 1


def test_the_gallery_holds_the_best_findings_that_have_a_crop() -> None:
    best = replace(_image(0, _row_of(120)), crops=_image(0, _row_of(110)).crops)
    gallery = fold([START, best]).gallery
    assert [entry.score for entry in gallery] == list(range(1_109, 1_009, -1))
    assert gallery[0].name == "f0.c1.p0.i109"


def test_the_gallery_takes_severity_before_score_and_the_lower_index_of_equals() -> None:
    findings = packed((0, 0, 9, 1, 900), (50_000, 0, 9, 2, 100), (100_000, 0, 9, 1, 900))
    assert [entry.finding for entry in fold([START, _image(0, findings)]).gallery] == [1, 0, 2]


def test_others_move_up_when_the_best_of_the_gallery_go() -> None:
    evidence = Evidence(START)
    evidence.add(_image(0, _row_of(90, score=5_000)))
    evidence.summary()
    right = _row_of(90)
    right[:, 0] += 540_000
    evidence.add(_image(1, right))
    before = evidence.summary().gallery
    assert len(before) == GALLERY_SIZE
    evidence.add(_image(0, _row_of(30, score=9_000), capture=2))
    evidence.summary()
    evidence.add(Withdrawal(0, 1))
    assert [e.score for e in evidence.summary().gallery[:31:30]] == [9_029, 1_089]
    assert len(evidence.summary().gallery) == GALLERY_SIZE
    evidence.add(Withdrawal(0, 2))
    assert len(evidence.summary().gallery) == 90


def test_larger_boxes_than_the_card_told_are_still_twins() -> None:
    """Two fields that do not meet, and one cell as large as the gap between them."""
    plan = replace(grid(2, 1, 100_000, 100_000, -40_000), placement_nm=0)
    left, right = packed((49_000, 0, 90_000, 3, 9)), packed((91_000, 0, 90_000, 3, 8))
    rows: list[Row] = [
        record(Image(field, 1, 0), plan.rectangle(field), findings)
        for field, findings in enumerate((left, right))
    ]
    evidence = Evidence(opening(plan))
    for row in rows:
        evidence.add(row)
        evidence.summary()
    assert evidence.summary() == fold([opening(plan), *reversed(rows)])
    assert [str(entry.image) for entry in evidence.summary().gallery] == ["f0.c1.p0"]


def test_many_captures_of_one_field_fit() -> None:
    rows = [_image(0, _row_of(1, score=i), capture=i) for i in range(1, 30)]
    summary = fold([START, *rows])
    assert [str(entry.image) for entry in summary.gallery] == ["f0.c29.p0"]
    assert fold([START, *rows, *(Withdrawal(0, i) for i in range(2, 30))]).gallery[0].score == 1
