"""Whether there are enough squamous cells: a ratio estimator, in exact arithmetic.

No float is used at all. The total and its variance are fractions of integers, and the limits are
rounded down once, by integer square roots: the same on every machine, and comparing a limit that
was rounded down with an integer minimum gives the same answer as comparing the limit itself.
"""

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from math import isqrt, lcm
from typing import Final

from edge.evidence.summary import Area, Summary, Sums
from edge.slide.basis import AdequacyNumbers
from edge.verdict.spot import spot_points

LEAST_FIELDS: Final = 30
"""Fields that an interval needs: with fewer, the ratio's distribution is too far from normal.

Source: Cochran, Sampling Techniques, 3rd edition (1977), chapter 6: its working rule for ratios.
"""

Z: Final = Fraction(196, 100)
"""Standard errors on either side of a 95 % interval."""


class AdequacyState(StrEnum):
    """What is known of the number of squamous cells."""

    ADEQUATE = "adequate"
    UNSATISFACTORY = "unsatisfactory"
    """Said only at the end, with complete coverage, and where nothing asks for a review."""
    UNDECIDED = "undecided"
    NOT_ESTABLISHED = "not_established"
    """No interval: too few fields, or no numbers for the preparation."""


@dataclass(frozen=True, slots=True)
class Adequacy:
    """True squamous cells, rounded down; None where nothing is known.

    In mid-scan only of the ground that was seen; at the end of the whole spot.
    """

    cells: int | None
    low: int | None
    """Lower 95 % limit."""
    high: int | None
    """Upper 95 % limit."""
    minimum: int | None
    state: AdequacyState


@dataclass(frozen=True, slots=True)
class Estimate:
    """The cells of the whole spot, and the variance of that figure."""

    cells: Fraction
    variance: Fraction

    @property
    def limits(self) -> tuple[int, int]:
        """The 95 % interval, both limits rounded down; none is under 0."""
        squared = Z**2 * self.variance
        q = lcm(self.cells.denominator, squared.denominator)
        middle, reach_squared = int(self.cells * q), int(squared * q * q)
        reach = isqrt(reach_squared)
        reach_up = reach + (reach * reach < reach_squared)
        return max(0, (middle - reach_up) // q), (middle + reach) // q


def estimate(sums: Sums, spot: int, numbers: AdequacyNumbers) -> Estimate:
    """The cells of a spot, from the fields that were seen.

    Args:
        sums: Over two or more fields that own usable ground.
        spot: Lattice points to speak for, at least `sums.points`.
        numbers: The card's, for the preparation.

    Source:
        Cochran, Sampling Techniques, 3rd edition (1977), chapter 6: the variance of a ratio
        estimate, with the correction for a finite population. The error of k is independent of it.
    """
    scale = Fraction(spot, sums.points)
    k = Fraction(numbers.true_per_counted_milli, 1_000)
    k_error = Fraction(numbers.true_per_counted_error_milli, 1_000)
    unseen = 1 - Fraction(sums.points, spot)
    variance = scale**2 * unseen * sums.n * _scatter(sums)
    total = sums.cells * scale
    return Estimate(k * total, k**2 * variance + (total * k_error) ** 2)


def unseen_in_one_piece(sums: Sums, spot: int, numbers: AdequacyNumbers) -> Fraction:
    """The variance of the cells on ground that was not seen, were it as dense everywhere.

    `estimate` takes the fields that were seen for a random choice. What is lost is none: a patch
    out of focus lies at one end of a gradient, and all its fields err from the mean alike. Then
    their errors add up, and not their squares.
    Source: `docs/decisions/0014-lost-ground-is-no-random-sample.md`.
    """
    k = Fraction(numbers.true_per_counted_milli, 1_000)
    fields = Fraction((spot - sums.points) * sums.n, sums.points)
    return (k * fields) ** 2 * _scatter(sums)


def _scatter(sums: Sums) -> Fraction:
    """The variance of a field's cells around the mean density."""
    ratio = Fraction(sums.cells, sums.points)
    squares = sums.cells_cells - 2 * ratio * sums.cells_points + ratio**2 * sums.points_points
    return squares / (sums.n - 1)


def adequacy(summary: Summary, coverage_is_complete: bool, abnormal_seen: bool) -> Adequacy:
    """What is known of the squamous cells of a slide.

    Args:
        summary: The evidence.
        coverage_is_complete: Whether the scan ended without a gap. While it has not, only cells
            that were seen make a slide adequate: a projection from a part is no evidence.
        abnormal_seen: Whether a category reached its count for a review: such a specimen is never
            unsatisfactory.
    """
    preparation = summary.opening.preparation
    for numbers in summary.opening.basis.adequacy:
        if numbers.preparation == preparation:
            break
    else:
        return Adequacy(None, None, None, None, AdequacyState.NOT_ESTABLISHED)
    seen = _of_seen_ground(summary.sums.cells, numbers)
    if summary.end is None:
        return seen
    sums = summary.sums
    if sums.n < LEAST_FIELDS:
        return Adequacy(seen.cells, None, None, numbers.minimum, AdequacyState.NOT_ESTABLISHED)
    spot = spot_points(summary.opening, summary.area.planned)
    spot = _points_to_speak_for(spot, summary.area, sums)
    whole = estimate(sums, spot, numbers)
    variance = whole.variance + unseen_in_one_piece(sums, spot, numbers)
    low, high = Estimate(whole.cells, variance).limits
    state = AdequacyState.UNDECIDED
    if not coverage_is_complete:
        state = seen.state
    elif low >= numbers.minimum:
        state = AdequacyState.ADEQUATE
    elif high < numbers.minimum and not abnormal_seen:
        state = AdequacyState.UNSATISFACTORY
    return Adequacy(int(whole.cells), low, high, numbers.minimum, state)


def _of_seen_ground(counted: int, numbers: AdequacyNumbers) -> Adequacy:
    cells = counted * numbers.true_per_counted_milli // 1_000
    low = counted * numbers.certain_per_counted_milli // 1_000
    enough = counted * numbers.certain_per_counted_milli >= numbers.minimum * 1_000
    state = AdequacyState.ADEQUATE if enough else AdequacyState.UNDECIDED
    return Adequacy(cells, low, None, numbers.minimum, state)


def _points_to_speak_for(spot: int, area: Area, sums: Sums) -> int:
    """The spot without the ground that was seen to be empty: there are no cells there."""
    seen_to_be_empty = area.usable + area.empty - sums.points
    return max(spot - seen_to_be_empty, sums.points)
