"""How counted cells become true squamous cells: fitted on slides whose cells are known."""

from collections.abc import Sequence
from math import ceil, floor, sqrt
from statistics import fmean, stdev
from typing import Final

from engines.tables import Adequacy

LEAST_SLIDES: Final = 3
LEAST_COUNTED: Final = 500
"""Cells of a slide that its ratio needs: with fewer, chance alone moves it by 5 % and more."""
MINIMUM: Final = {"thinprep": 5_000, "surepath": 5_000, "conventional": 8_000}
"""Well preserved squamous cells that make a specimen adequate.

Source: Solomon et al., The 2001 Bethesda System, JAMA 287 (2002) 2114: 5,000 on liquid-based
preparations, 8,000 to 12,000 on smears.
"""


def adequacy(preparation: str, slides: Sequence[tuple[int, int]]) -> Adequacy | None:
    """k, its error and p of a preparation; None where too few slides tell.

    The unit is the slide: k is the mean of their ratios. Its error is that of one more slide, not
    of the mean, since the next one is what it will be used for, and so much larger as so few slides
    tell it badly; p is two such errors below k, and not over the lowest ratio seen.

    Args:
        preparation: As `open_slide` names it.
        slides: For each slide its true squamous cells and its counted ones, on the ground seen.
    """
    ratios = [1_000 * true / counted for true, counted in slides if counted >= LEAST_COUNTED]
    minimum = MINIMUM.get(preparation)
    if minimum is None or len(ratios) < LEAST_SLIDES:
        return None
    k, error = fmean(ratios), stdev(ratios) * sqrt(1 + 1 / len(ratios)) * _widening(len(ratios) - 1)
    return Adequacy(
        preparation=preparation,
        minimum=minimum,
        true_per_counted_milli=round(k),
        true_per_counted_error_milli=ceil(error),
        certain_per_counted_milli=max(0, floor(min(k - 2 * error, *ratios))),
        source=(
            f"{len(ratios)} rendered slides with known truth: {floor(min(ratios))} to "
            f"{ceil(max(ratios))} true squamous cells for 1,000 counted"
        ),
    )


def _widening(freedom: int) -> float:
    """How much wider 95 % of Student's t reaches than of the normal distribution.

    Within 3 % of it at 2 degrees of freedom, within 1 % from 3 on.
    Source: Abramowitz and Stegun, Handbook of Mathematical Functions (1964), 26.7.5.
    """
    z = 1.96
    return (
        1
        + (z**2 + 1) / (4 * freedom)
        + (5 * z**4 + 16 * z**2 + 3) / (96 * freedom**2)
        + (3 * z**6 + 19 * z**4 + 17 * z**2 - 15) / (384 * freedom**3)
    )
