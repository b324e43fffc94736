"""The estimate of cellularity, by a worked example and by properties."""

from collections.abc import Callable
from fractions import Fraction
from math import sqrt
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edge.evidence.summary import Summary, Sums
from edge.slide.basis import AdequacyNumbers
from edge.slide.record import End
from edge.verdict.adequacy import (
    Adequacy,
    AdequacyState,
    Estimate,
    adequacy,
    estimate,
    unseen_in_one_piece,
)

Slide = Callable[..., Summary]
CELLS, POINTS = (12, 7, 0, 9, 15, 4), (64, 64, 40, 64, 64, 32)


def sums_of(cells: tuple[int, ...], points: tuple[int, ...]) -> Sums:
    pairs = list(zip(cells, points, strict=True))
    return Sums(
        n=len(pairs),
        cells=sum(cells),
        points=sum(points),
        cells_cells=sum(c * c for c in cells),
        cells_points=sum(c * p for c, p in pairs),
        points_points=sum(p * p for p in points),
    )


def card(k_milli: int = 1_000, error_milli: int = 0, minimum: int = 5_000) -> AdequacyNumbers:
    return AdequacyNumbers("thinprep", minimum, k_milli, error_milli, 900)


def test_the_worked_example() -> None:
    sums = sums_of(CELLS, POINTS)
    assert sums == Sums(6, 47, 328, 515, 2_880, 19_008)
    plain = estimate(sums, 1_200, card())
    assert float(plain.cells) == pytest.approx(171.951, abs=5e-4)
    assert sqrt(plain.variance) == pytest.approx(30.542, abs=5e-4)
    assert plain.limits == (112, 231)
    with_k = estimate(sums, 1_200, card(1_050, 80))
    assert float(with_k.cells) == pytest.approx(180.55, abs=5e-3)
    assert sqrt(with_k.variance) / float(with_k.cells) == pytest.approx(0.19327, abs=5e-6)
    assert with_k.limits == (112, 248)


def test_a_spot_that_was_seen_whole_leaves_only_the_error_of_k() -> None:
    sums = sums_of(CELLS, POINTS)
    assert estimate(sums, sums.points, card()).variance == 0
    whole = estimate(sums, sums.points, card(1_050, 80))
    assert sqrt(whole.variance) / float(whole.cells) == pytest.approx(0.0762, abs=5e-5)


def test_no_cells_are_no_cells_with_certainty() -> None:
    none = estimate(sums_of((0, 0), (64, 64)), 1_200, card(1_050, 80))
    assert none.cells == 0
    assert none.limits == (0, 0)


def test_lost_ground_may_be_as_far_from_the_mean_as_a_field_is(slide: Slide) -> None:
    # 30 fields of 100 points with 30 or 10 cells each; as much ground as 10 of them is lost.
    sums = sums_of((30, 10) * 15, (100,) * 30)
    assert unseen_in_one_piece(sums, 4_000, card()) == 10**2 * Fraction(3_000, 29)
    assert unseen_in_one_piece(sums, 3_000, card()) == 0
    lost = {"planned": 4_000, "usable": 3_000, "empty": 0, "lost": (("out_of_focus", 1_000),)}
    got = of(slide, complete=False, sums=sums, area=lost)
    random_choice = estimate(sums, 4_000, card()).variance
    reach = 1.96 * sqrt(random_choice + 10**2 * 3_000 / 29 + (800 * 0.02) ** 2)
    assert (got.low, got.high) == (int(800 - reach), int(800 + reach))


@given(st.fractions(0, 10**6, max_denominator=10**4), st.fractions(0, 10**9, max_denominator=10**6))
@example(3 + Fraction(1_732, 625), Fraction(2))  # the lower limit is 2.9993
def test_limits_are_the_real_ones_rounded_down(cells: Fraction, variance: Fraction) -> None:
    low, high = Estimate(cells, variance).limits
    reach_squared = Fraction(196, 100) ** 2 * variance
    assert high <= cells or (high - cells) ** 2 <= reach_squared
    assert high + 1 > cells
    assert (high + 1 - cells) ** 2 > reach_squared
    assert low == 0 or (cells - low >= 0 and (cells - low) ** 2 >= reach_squared)
    assert low + 1 > cells or (cells - low - 1) ** 2 < reach_squared


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(1, 621)), min_size=2, max_size=60))
def test_an_estimate_grows_with_the_spot_and_is_never_surer(
    fields: list[tuple[int, int]],
) -> None:
    sums = sums_of(tuple(c for c, _ in fields), tuple(p for _, p in fields))
    near, far = (estimate(sums, times * sums.points, card(1_050, 80)) for times in (2, 3))
    assert near.cells <= far.cells
    assert 0 <= near.variance <= far.variance


def of(slide: Slide, complete: bool = True, abnormal: bool = False, **changes: Any) -> Adequacy:
    return adequacy(slide(**changes), complete, abnormal)


def cells_of(n: int, cells: int) -> dict[str, Any]:
    """Fields alike, so that only the error of k is left."""
    points = 9_000 // n
    area = {"usable": n * points, "empty": 10_000 - n * points}
    return {"sums": sums_of((cells,) * n, (points,) * n), "area": area}


def test_ground_seen_to_be_empty_is_given_no_cells(slide: Slide) -> None:
    half_empty = {"usable": 4_500, "empty": 5_500}
    assert of(slide, sums=sums_of((100,) * 30, (150,) * 30), area=half_empty).cells == 3_000
    half_lost = {"usable": 4_500, "empty": 0}
    assert of(slide, sums=sums_of((100,) * 30, (150,) * 30), area=half_lost).cells == 6_666


@pytest.mark.parametrize(
    ("cells", "minimum", "state"),
    [
        (174, 5_000, AdequacyState.ADEQUATE),
        (173, 5_000, AdequacyState.UNDECIDED),
        (173, 4_987, AdequacyState.UNDECIDED),
        (173, 4_986, AdequacyState.ADEQUATE),
        (161, 5_000, AdequacyState.UNDECIDED),
        (160, 5_000, AdequacyState.UNSATISFACTORY),
        (160, 4_989, AdequacyState.UNSATISFACTORY),
        (160, 4_988, AdequacyState.UNDECIDED),
    ],
)
def test_the_whole_interval_lies_on_one_side_of_the_minimum_or_it_is_undecided(
    slide: Slide, cells: int, minimum: int, state: AdequacyState
) -> None:
    # 30 fields alike, k = 1 +- 0.02: 173 each is 4,986.55 to 5,393.4; 160 is 4,611.8 to 4,988.16.
    got = of(slide, **cells_of(30, cells), basis={"adequacy": (card(1_000, 20, minimum),)})
    low, high = 30 * cells * 9_608 // 10_000, 30 * cells * 10_392 // 10_000
    assert got == Adequacy(30 * cells, low, high, minimum, state)


def test_under_thirty_fields_there_is_no_interval(slide: Slide) -> None:
    got = of(slide, **cells_of(29, 900))
    assert got == Adequacy(26_100, None, None, 5_000, AdequacyState.NOT_ESTABLISHED)
    assert of(slide, **cells_of(30, 900)).state is AdequacyState.ADEQUATE


def test_a_card_without_the_preparation_establishes_nothing(slide: Slide) -> None:
    got = of(slide, opening={"preparation": "cytospin"})
    assert got == Adequacy(None, None, None, None, AdequacyState.NOT_ESTABLISHED)


@pytest.mark.parametrize(("counted", "enough"), [(5_555, False), (5_556, True)])
def test_before_the_end_only_cells_that_were_seen_count(
    slide: Slide, counted: int, enough: bool
) -> None:
    sums = sums_of((counted,) * 1 + (0,) * 39, (10,) * 40)
    got = of(slide, complete=False, sums=sums, end=None)
    state = AdequacyState.ADEQUATE if enough else AdequacyState.UNDECIDED
    assert got == Adequacy(counted, counted * 9 // 10, None, 5_000, state)


@pytest.mark.parametrize(("cells", "state"), [(185, "undecided"), (186, "adequate")])
def test_a_projection_from_part_of_a_slide_makes_it_neither_adequate_nor_scant(
    slide: Slide, cells: int, state: str
) -> None:
    half = {"usable": 4_500, "empty": 0, "lost": (("missing", 5_500),)}
    sums = sums_of((cells,) * 30, (150,) * 30)
    aborted = of(slide, complete=False, sums=sums, area=half, end=End.ABORTED)
    assert (aborted.state, aborted.cells) == (state, cells * 30 * 10_000 // 4_500)
    few = of(slide, complete=False, sums=sums_of((1,) * 30, (150,) * 30), area=half)
    assert few.state is AdequacyState.UNDECIDED
    assert few.high is not None
    assert few.high < 5_000


def test_a_specimen_with_abnormal_cells_is_never_unsatisfactory(slide: Slide) -> None:
    assert of(slide, **cells_of(30, 10)).state is AdequacyState.UNSATISFACTORY
    assert of(slide, abnormal=True, **cells_of(30, 10)).state is AdequacyState.UNDECIDED


def test_a_clinical_slide_speaks_for_its_whole_spot(slide: Slide) -> None:
    area = {"planned": 750_000, "usable": 740_000, "empty": 0}
    sums = sums_of((10,) * 1_000, (740,) * 1_000)
    got = of(slide, opening={"purpose": "clinical"}, sums=sums, area=area)
    assert got.cells == 10_000 * 785_398 // 740_000
    larger_than_the_spot = {"planned": 900_000, "usable": 900_000, "empty": 0}
    sums = sums_of((10,) * 1_000, (900,) * 1_000)
    got = of(slide, opening={"purpose": "clinical"}, sums=sums, area=larger_than_the_spot)
    assert got.cells == 10_000
