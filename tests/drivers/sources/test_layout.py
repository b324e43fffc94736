"""Where fields are planned."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.problem import Refusal
from drivers.scanner.lists import CircleSpot, RectangleSpot
from drivers.sources.layout import Tiling, rectangle, round_spot

TILING = Tiling(w_nm=612_000, h_nm=512_000, overlap_nm=51_200)


@given(fields=st.integers(1, 400))
def test_a_rectangle_has_exactly_the_fields_asked_for_and_is_near_square(fields: int) -> None:
    plan = rectangle(TILING, fields)
    assert [planned.field for planned in plan.fields] == list(range(fields))
    assert len({(planned.x_nm, planned.y_nm) for planned in plan.fields}) == fields
    assert isinstance(plan.spot, RectangleSpot)
    if fields >= 20:
        assert 0.7 < plan.spot.w_nm / plan.spot.h_nm < 1.4


@given(fields=st.integers(2, 100))
def test_each_step_of_a_serpentine_goes_to_a_neighbour_that_overlaps(fields: int) -> None:
    planned = rectangle(TILING, fields).fields
    for before, after in pairwise(planned):
        step = abs(after.x_nm - before.x_nm), abs(after.y_nm - before.y_nm)
        assert step in {(TILING.step_x_nm, 0), (0, TILING.step_y_nm)}


def test_a_round_spot_is_covered_and_nothing_far_from_it_is_planned() -> None:
    plan = round_spot(TILING, 13_000_000)
    assert isinstance(plan.spot, CircleSpot)
    for turn in range(0, 360, 3):
        for share in (0.0, 0.4, 0.7, 0.999):
            angle, radius = math.radians(turn), share * plan.spot.diameter_nm / 2
            x, y = (
                plan.spot.x_nm + radius * math.cos(angle),
                plan.spot.y_nm + radius * math.sin(angle),
            )
            assert any(
                abs(planned.x_nm - x) <= plan.w_nm / 2 and abs(planned.y_nm - y) <= plan.h_nm / 2
                for planned in plan.fields
            )
    full = math.ceil(13_000_000 / TILING.step_x_nm) * math.ceil(13_000_000 / TILING.step_y_nm)
    assert len(plan.fields) < 0.9 * full


def test_a_thinprep_spot_takes_as_many_fields_as_the_arithmetic_says() -> None:
    plan = round_spot(TILING, 20_000_000)
    assert 1_200 < len(plan.fields) < 1_500  # 314 mm2 / (0.56 x 0.46 mm2), and the edge


@pytest.mark.parametrize("fields", [0, -1, 20_001])
def test_a_number_of_fields_that_no_plan_may_have_is_refused(fields: int) -> None:
    with pytest.raises(Refusal, match="fields"):
        rectangle(TILING, fields)


def test_a_spot_that_takes_too_many_fields_is_refused() -> None:
    with pytest.raises(Refusal, match="spot_nm"):
        round_spot(Tiling(64_000, 64_000, 16_000), 20_000_000)


@pytest.mark.parametrize("overlap_nm", [-1, 256_000])
def test_an_overlap_that_is_none_or_half_a_field_is_refused(overlap_nm: int) -> None:
    with pytest.raises(Refusal, match="overlap_nm"):
        Tiling(612_000, 512_000, overlap_nm)
