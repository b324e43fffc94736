"""The vectors of ownership, twins and area, with their figures."""

import pytest

from edge.evidence.fold import Evidence, fold
from edge.slide.finding import Findings
from edge.slide.place import Rectangle
from edge.slide.plan import Plan, PlannedField
from edge.slide.record import Cell, Closing, End, Image, Opening, Record, Row, Skip, Withdrawal
from tests.properties.slides import SIDE_NM, grid, opening, packed, record

W_NM, H_NM = 612_000, 512_000
CENTRES_NM = (0, 550_000)

FIRST_COLUMNS = tuple(0 if i % 8 < 4 else int(Cell.OUT_OF_FOCUS) for i in range(64))
"""Usable in columns 0 to 3 only."""


@pytest.fixture(params=[0, 6_000], ids=["t=0", "t=6000"])
def start(request: pytest.FixtureRequest) -> Opening:
    return opening(_plan(1), request.param)


def _plan(planes: int) -> Plan:
    fields = tuple(PlannedField(field, x, 0, planes) for field, x in enumerate(CENTRES_NM))
    return Plan(Rectangle(275_000, 0, 1_162_000, H_NM), W_NM, H_NM, 62_000, 15_500, fields)


def _found(*findings: tuple[int, int] | tuple[int, int, int]) -> Findings:
    """Findings as (x, score) or (x, score, severity), on y = 0."""
    rows = [finding if len(finding) == 3 else (*finding, 3) for finding in findings]
    return packed(*((x, 0, SIDE_NM, severity, score) for x, score, severity in rows))


def _image(
    field: int,
    *findings: tuple[int, int] | tuple[int, int, int],
    capture: int = 1,
    plane: int = 0,
    cells: tuple[int, ...] = (0,) * 64,
    sharpness: int = 1,
) -> Record:
    place = Rectangle(CENTRES_NM[field], 0, W_NM, H_NM)
    image = Image(field, capture, plane)
    return record(image, place, _found(*findings), cells, (sharpness,) * 64)


def _counted(*rows: Row) -> list[tuple[int, int, int]]:
    """Counted findings as (field, capture, score), by rising score."""
    summary = fold(rows)
    assert (
        summary.sums.cells == sum(summary.reached[:1]) + summary.reached[1] == len(summary.gallery)
    )
    return sorted(((e.image.field, e.image.capture, e.score) for e in summary.gallery), key=_score)


def _score(counted: tuple[int, int, int]) -> int:
    return counted[2]


def test_v1_of_twins_that_each_lie_in_the_others_ground_the_better_one_counts(
    start: Opening,
) -> None:
    rows: list[Row] = [start, _image(0, (275_700, 9_000)), _image(1, (274_400, 9_500))]
    assert _counted(*rows) == [(1, 1, 9_500)]


def test_v2_of_twins_that_each_lie_in_their_own_ground_the_better_one_counts(
    start: Opening,
) -> None:
    rows: list[Row] = [start, _image(0, (274_400, 9_000)), _image(1, (275_700, 9_500))]
    assert _counted(*rows) == [(1, 1, 9_500)]


def test_v3_a_true_neighbour_of_a_twin_counts_too(start: Opening) -> None:
    rows: list[Row] = [
        start,
        _image(0, (271_000, 9_000), (274_900, 7_000)),
        _image(1, (276_500, 8_000)),
    ]
    assert _counted(*rows) == [(1, 1, 8_000), (0, 1, 9_000)]


def test_v4_the_lower_field_owns_what_is_equally_far(start: Opening) -> None:
    assert _counted(start, _image(0, (275_000, 9_000)), _image(1)) == [(0, 1, 9_000)]
    assert _counted(start, _image(0), _image(1, (275_000, 9_000))) == []


def test_v5_what_is_nearer_to_a_field_to_come_is_pending(start: Opening) -> None:
    evidence = Evidence(start)
    evidence.add(_image(0, (280_000, 9_000)))
    assert evidence.summary().sums.cells == 0
    evidence.add(Skip(1, "stage"))
    assert evidence.summary().sums.cells == 1
    assert _counted(start, _image(0, (280_000, 9_000)), _image(1)) == []


def test_v6_a_rescan_takes_over_where_it_is_usable_and_nowhere_else(start: Opening) -> None:
    first = _image(0, (100_000, 9_000), (-100_000, 8_000))
    again = _image(0, (-100_500, 7_000, 2), capture=2, cells=FIRST_COLUMNS)
    assert _counted(start, first, again) == [(0, 2, 7_000), (0, 1, 9_000)]


def test_v7_severity_ranks_above_score(start: Opening) -> None:
    rows: list[Row] = [start, _image(0, (274_400, 9_900, 2)), _image(1, (275_700, 6_000, 4))]
    assert _counted(*rows) == [(1, 1, 6_000)]


def test_v8_a_withdrawn_capture_does_not_count_whether_it_came_or_not(start: Opening) -> None:
    first, again = _image(0, (0, 9_000)), _image(0, (0, 7_000), capture=2)
    assert _counted(start, first, again) == [(0, 2, 7_000)]
    assert _counted(start, first, again, Withdrawal(0, 2)) == [(0, 1, 9_000)]
    assert _counted(start, first, Withdrawal(0, 2), again) == [(0, 1, 9_000)]


@pytest.mark.parametrize("registration_nm", [0, 6_000])
def test_v9_a_field_waits_for_all_its_planes_and_the_sharpest_counts(registration_nm: int) -> None:
    start = opening(_plan(2), registration_nm)
    evidence = Evidence(start)
    evidence.add(_image(0, (0, 9_000)))
    before = evidence.summary()
    assert (before.sums.cells, before.unsettled_fields) == (0, 2)
    assert before.area.pending == before.area.planned
    evidence.add(_image(0, plane=1, sharpness=2))
    after = evidence.summary()
    assert (after.sums.cells, after.unsettled_fields) == (0, 1)
    assert after.area.usable > 0
    softer: list[Row] = [start, _image(0, (0, 9_000)), _image(0, plane=1, sharpness=0)]
    assert _counted(*softer) == [(0, 1, 9_000)]


def test_area_a_field_owns_621_points_and_nine_own_5727() -> None:
    plan = grid(5, 5, W_NM, H_NM, 0)
    fields = tuple(
        PlannedField(5 * j + i, 306_000 + 550_000 * (i - 1), 256_000 + 460_000 * (j - 1))
        for j in range(5)
        for i in range(5)
    )
    plan = Plan(plan.spot, W_NM, H_NM, 52_000, 13_000, fields)
    evidence = Evidence(opening(plan))
    owned = {}
    for field in fields:
        # A field alone is usable, all others are empty ground: then sums are of this one.
        rows = [_planned_image(other, 0 if other is field else int(Cell.EMPTY)) for other in fields]
        if field.field in (6, 7, 8, 11, 12, 13, 16, 17, 18):
            owned[field.field] = fold([opening(plan), *rows]).sums.points
        evidence.add(rows[field.field])
    assert owned[12] == 621
    assert sum(owned.values()) == 5_727
    summary = evidence.summary()
    assert summary.sums.n == 25
    assert summary.area.usable == summary.area.planned == summary.sums.points


def _planned_image(planned: PlannedField, cell: int) -> Record:
    place = Rectangle(planned.x_nm, planned.y_nm, W_NM, H_NM)
    return record(Image(planned.field, 1, 0), place, packed(), (cell,) * 64)


def test_a_slide_may_be_closed_before_its_last_field_came(start: Opening) -> None:
    rows: list[Row] = [start, _image(0, (280_000, 9_000)), Closing(End.CLOSED, "", "")]
    assert _counted(*rows) == [(0, 1, 9_000)]
