"""What is usable, empty, pending or lost, and why."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.evidence.fold import Evidence, fold
from edge.evidence.ground import Ground
from edge.evidence.patches import largest_patch as largest_of_runs
from edge.evidence.patches import lost_runs
from edge.evidence.summary import Area
from edge.slide.place import Rectangle
from edge.slide.plan import Plan, PlannedField
from edge.slide.record import (
    Cell,
    Closing,
    Disposition,
    End,
    Image,
    Record,
    Row,
    Skip,
    Withdrawal,
)
from tests.properties.oracle import Oracle, largest_patch
from tests.properties.slides import Slide, grid, opening, packed, record, scans, seeded

ONE = replace(grid(1, 1, 160_000, 160_000, 0, 70_000, 70_000), placement_nm=40_000)
"""One field: 8 x 8 lattice points, one in each cell of a capture at its place."""

TWO = replace(ONE, fields=(*ONE.fields, PlannedField(1, 230_000, 70_000)))
"""Two fields side by side, 8 x 8 points each."""

END = Closing(End.CLOSED, "", "")


def _image(
    field: int = 0, cells: tuple[int, ...] = (0,) * 64, capture: int = 1, x: int = 0
) -> Record:
    place = Rectangle(70_000 + 160_000 * field + x, 70_000, 160_000, 160_000)
    return record(Image(field, capture, 0), place, packed(), cells)


def _area(*rows: Row, plan: Plan = ONE) -> Area:
    return fold([opening(plan), *rows]).area


def test_before_anything_came_all_is_pending() -> None:
    assert _area() == Area(64, 0, 0, 64, (), 0, 64)


def test_a_cell_is_usable_empty_or_lost() -> None:
    cells = (int(Cell.EMPTY),) * 8 + (int(Cell.OUT_OF_FOCUS),) * 3 + (0,) * 53
    assert _area(_image(cells=cells)) == Area(64, 53, 8, 0, (("out_of_focus", 3),), 3, 64)


def test_a_cell_with_several_flags_is_lost_by_the_lowest() -> None:
    flags = int(Cell.BADLY_STAINED | Cell.OVEREXPOSED | Cell.EMPTY)
    assert _area(_image(cells=(flags,) * 64)).lost == (("overexposed", 64),)


@pytest.mark.parametrize("flag", [flag for flag in Cell if flag > Cell.EMPTY])
def test_every_flag_has_its_reason(flag: Cell) -> None:
    assert _area(_image(cells=(int(flag),) * 64)).lost == ((str(flag.name).lower(), 64),)


def test_the_latest_capture_says_why_a_point_is_lost() -> None:
    first = _image(cells=(int(Cell.OUT_OF_FOCUS),) * 64)
    again = _image(cells=(int(Cell.BADLY_STAINED),) * 64, capture=2)
    assert _area(again, first).lost == (("badly_stained", 64),)


def test_a_skipped_field_is_lost_as_skipped_and_one_that_never_came_as_missing() -> None:
    assert _area(Skip(0, "lamp")).lost == (("skipped", 64),)
    assert _area(END).lost == (("missing", 64),)


def test_ground_that_no_capture_of_a_field_covers_is_lost_as_not_covered() -> None:
    assert _area(_image(x=40_000)).lost == (("not_covered", 16),)
    assert _area(_image(x=40_000), Skip(0, "lamp")).lost == (("skipped", 16),)


def test_the_neighbour_sees_what_a_field_lost() -> None:
    lost = _image(cells=(int(Cell.UNDEREXPOSED),) * 64)
    area = _area(lost, _image(1, x=-40_000), plan=TWO)
    assert area == Area(
        128, 64 - 16 + 16, 0, 0, (("not_covered", 16), ("underexposed", 48)), 48, 64
    )


def test_a_field_is_in_the_sums_while_it_owns_a_neighbours_ground() -> None:
    lost = _image(cells=(int(Cell.UNDEREXPOSED),) * 64)
    two_columns = tuple(0 if i % 8 < 2 else 2 for i in range(64))
    evidence = Evidence(opening(TWO))
    evidence.add(_image(1, two_columns, x=-40_000))
    assert evidence.summary().sums.n == 0
    evidence.add(lost)
    sums = evidence.summary().sums
    assert (sums.n, sums.points, sums.points_points) == (1, 16, 16**2)
    evidence.add(_image(capture=2))
    sums = evidence.summary().sums
    assert (sums.n, sums.points, sums.points_points) == (1, 64, 64**2)


def test_a_lost_patch_is_followed_across_fields_but_not_over_corners() -> None:
    right = tuple(2 if i % 8 >= 6 and i < 16 else 0 for i in range(64))
    left = tuple(2 if (i % 8 < 1 and 8 <= i < 24) or i == 25 else 0 for i in range(64))
    area = _area(_image(cells=right), _image(1, left), plan=TWO)
    assert area.lost == (("out_of_focus", 7),)
    assert area.largest_lost_patch == 6


def test_a_lost_patch_shrinks_when_a_rescan_sees_it() -> None:
    evidence = Evidence(opening(ONE))
    evidence.add(_image(cells=(2,) * 64))
    assert evidence.summary().area.largest_lost_patch == 64
    evidence.add(_image(cells=(0,) * 32 + (4,) * 32, capture=2))
    assert evidence.summary().area.largest_lost_patch == 32
    evidence.add(Withdrawal(0, 1))
    assert evidence.summary().area.lost == (("overexposed", 32),)
    evidence.add(_image(capture=3))
    assert evidence.summary().area == Area(64, 64, 0, 0, (), 0, 64)


def test_a_picture_that_repeats_another_fields_is_frozen_until_that_is_withdrawn() -> None:
    same, genuine = (replace(_image(field), checksum="5a5a5a5a") for field in (1, 0))
    evidence = Evidence(opening(TWO))
    evidence.add(same)
    assert evidence.summary().area.lost == ()
    evidence.add(genuine)
    area = evidence.summary().area
    assert (area.usable, area.lost) == (64, (("frozen", 64),))
    evidence.add(Withdrawal(0, 1))
    assert evidence.summary().area == Area(128, 64, 0, 64, (), 0, 64)


def test_a_rescan_with_the_same_pixels_is_not_frozen() -> None:
    again = replace(_image(capture=2), checksum=_image().checksum)
    assert _area(_image(), again).usable == 64


def test_what_was_not_processed_completes_its_field_and_sees_nothing() -> None:
    image = _image(cells=(int(Cell.UNPROCESSED),) * 64)
    summary = fold([opening(ONE), replace(image, disposition=Disposition.UNPROCESSED)])
    assert (summary.unsettled_fields, summary.unprocessed_images) == (0, 1)
    assert summary.area.lost == (("unprocessed", 64),)


def test_a_field_that_touches_no_lattice_point_has_none() -> None:
    plan = grid(1, 1, 8_000, 8_000, 0, 10_000, 10_000)
    assert fold([opening(plan), END]).area == Area(0, 0, 0, 0, (), 0, 0)


@given(scans)
def test_every_planned_point_is_at_home_in_one_field(slide: Slide) -> None:
    plan = slide.opening.plan
    homes = []
    for home in Ground(plan).homes:
        rows, columns = home.lattice()
        assert len(rows) == home.points
        homes += list(
            zip((rows + home.row).tolist(), (columns + home.column).tolist(), strict=True)
        )
    planned = {(y // 20_000, x // 20_000) for x, y in Oracle(slide.rows).planned_points()}
    assert len(homes) == len(set(homes))
    assert set(homes) == planned


@given(st.integers(0, 2**32), st.sampled_from([0.3, 0.5, 0.6, 0.8]))
def test_the_largest_patch_is_what_a_flood_fill_finds(seed: int, share: float) -> None:
    chance = np.random.default_rng(seed)
    lost = chance.random((24, 24)) < share
    homes = Ground(grid(3, 3, 160_000, 160_000, 0, 80_000 - 320_000, 80_000)).homes
    runs = []
    for home in homes:
        rows, columns = home.lattice()
        here = lost[rows + home.row, columns + home.column + 16]
        runs.append(lost_runs(home, rows[here], columns[here]))
    seeded(seed).shuffle(runs)
    points = {(20_000 * int(x), 20_000 * int(y)) for y, x in np.argwhere(lost)}
    assert largest_of_runs(runs) == largest_patch(points)
