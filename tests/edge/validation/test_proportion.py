"""Exact limits, against published ones."""

from fractions import Fraction
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.validation.proportion import SCALE, Proportion


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [
        (0, 10, 0.0, 0.3085),
        (10, 10, 0.6915, 1.0),
        (1, 20, 0.0013, 0.2487),
        (5, 10, 0.1871, 0.8129),
        (15, 20, 0.5090, 0.9134),
        (10, 100, 0.0490, 0.1762),
        (0, 100, 0.0, 0.0362),
        (81, 263, 0.2527, 0.3676),
    ],
)
def test_the_limits_are_those_of_clopper_and_pearson(
    part: int, whole: int, low: float, high: float
) -> None:
    found = Proportion.of(part, whole)
    assert found.low / SCALE == pytest.approx(low, abs=1.01e-4)
    assert found.high / SCALE == pytest.approx(high, abs=1.01e-4)
    assert found.low / SCALE <= low + 5e-5
    assert found.high / SCALE >= high - 5e-5


def tail(part: int, whole: int, p: int) -> Fraction:
    """How often `part` or more of `whole` come up."""
    share = Fraction(p, SCALE)
    terms = (comb(whole, n) * share**n * (1 - share) ** (whole - n) for n in range(part, whole + 1))
    return sum(terms, Fraction(0))


@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_a_limit_is_the_last_one_beyond_which_a_fortieth_of_samples_lie(
    case: tuple[int, int],
) -> None:
    part, whole = case
    found, rare = Proportion.of(part, whole), Fraction(1, 40)
    if part:
        assert tail(part, whole, found.low) <= rare < tail(part, whole, found.low + 1)
    if part < whole:
        other = whole - part
        below = SCALE - found.high
        assert tail(other, whole, below) <= rare < tail(other, whole, below + 1)
    assert found.low <= SCALE * part / whole <= found.high


def test_of_nothing_nothing_is_known() -> None:
    assert Proportion.of(0, 0) == Proportion(part=0, whole=0, low=0, high=SCALE)
    assert str(Proportion.of(0, 0)) == "none"
    assert str(Proportion.of(15, 20)) == "15 of 20: 75.0 % (50.89 to 91.35)"


def test_a_thousand_slides_are_counted_at_once() -> None:
    found = Proportion.of(950, 1_000)
    assert (found.low, found.high) == (9346, 9627)
