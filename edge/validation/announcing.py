"""How false findings come on negative slides, and whether that allows announcements.

r and b are those of whole slides, at the edge of what the slides allow: fields of one slide are
more alike than slides are, and a rate that is known from few slides is hardly known.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import floor, lgamma, log
from typing import Final

import numpy as np
import numpy.typing as npt

from edge.detection.grade import Bar
from edge.slide.basis import AnnouncingNumbers
from edge.validation.course import Course, Ints
from edge.verdict.announcement import bar as bar_of
from edge.verdict.announcement import milli_log10_e, unearned
from engines.tables import MOST_R_MILLI, Announcing

ODDS: Final = 100
"""1 / alpha, where there are slides enough to tell: alpha is never below 1 / (slides + 1)."""
ALLOWED: Final = 1.92
"""How far the log likelihood may fall in a 95 % region: half of chi-square's 3.84."""
_LEAST_R, _MOST_R = 1e-3, MOST_R_MILLI / 1_000
_GRID: Final = np.geomspace(_LEAST_R, _MOST_R, 120)
_STEPS: Final = 50
"""Halvings of a logarithm's range: beyond what a milli can show."""
_ALL: Final = 1 << 30

Floats = npt.NDArray[np.float64]


def announcing(
    category: str, bar: Bar, negatives: Sequence[Course], *, are_whole: bool
) -> Announcing:
    """A category's numbers, from negative slides; or why nothing is to be announced of it.

    Args:
        category: Its name.
        bar: What a finding must show to reach it.
        negatives: How the scans of the negative slides went.
        are_whole: Whether they are slides, and not some fields of slides.
    """
    found = [course.found(bar) for course in negatives]
    numbers = AnnouncingNumbers(
        category=category,
        r_milli=0,
        b_points=0,
        odds=max(2, min(ODDS, len(negatives) + 1)),
        findings=sum(int(course.found(bar, _ALL)[-1]) for course in negatives),
        maxima=0,
        refused="",
    )
    edge = region_edge(
        np.array([each[-1] for each in found], np.int64),
        np.array([course.points[-1] for course in negatives], np.int64),
    )
    if not are_whole:
        numbers = replace(numbers, refused="its negative slides are not whole")
    elif edge is None:
        why = "its negative slides do not show how rates of false findings differ between slides"
        numbers = replace(numbers, refused=why)
    else:
        r_milli, b_points = edge
        numbers = replace(numbers, r_milli=r_milli, b_points=b_points)
        ever = (
            _maximum(each, course.points, numbers)
            for each, course in zip(found, negatives, strict=True)
        )
        maxima = sum(each >= bar_of(numbers.odds) for each in ever)
        numbers = replace(numbers, maxima=maxima)
        numbers = replace(numbers, refused=unearned(numbers, len(negatives)))
    return Announcing(**{name: getattr(numbers, name) for name in numbers.__dataclass_fields__})


def _maximum(found: Ints, points: Sequence[int], numbers: AnnouncingNumbers) -> int:
    """The highest E in scan order, as `milli_log10_e`."""
    seen = set(zip(found.tolist(), points, strict=True))
    return max(milli_log10_e(a, n, numbers.r_milli, numbers.b_points) for a, n in seen)


def region_edge(findings: Ints, points: Ints) -> tuple[int, int] | None:
    """The r in 1/1,000 and the b in lattice points, rounded down, at the edge of the 95 % region.

    The edge is the smallest r and the largest rate that lose no more than `ALLOWED` of the log
    likelihood against the best pair; each is looked for with the other free.

    Args:
        findings: A of each negative slide, whole: int64, shape (slides,).
        points: N of each.

    Returns:
        None where the region has no such edge: the slides do not tell.

    Source:
        Cox and Hinkley, Theoretical Statistics (1974), chapter 9: likelihood regions. That they are
        of whole slides: fitted by field, 1 % of false announcements became 9.6 %.
    """
    if not findings.any() or not points.all():
        return None
    a, n = findings.astype(np.float64), points.astype(np.float64)
    profile = [_likelihood(float(r), _rate(float(r), a, n), a, n) for r in _GRID]
    best = int(np.argmax(profile))
    bar = profile[best] - ALLOWED
    if profile[0] >= bar:
        return None

    def r_is_possible(r: float) -> bool:
        return _likelihood(r, _rate(r, a, n), a, n) >= bar

    def rate_is_possible(rate: float) -> bool:
        return max(_likelihood(float(r), rate, a, n) for r in _GRID) >= bar

    r = _boundary(_LEAST_R, float(_GRID[best]), r_is_possible)
    likeliest = _rate(float(_GRID[best]), a, n)
    rate = _boundary(likeliest * 1e4, likeliest, rate_is_possible)
    r_milli, b_points = floor(1_000 * r), floor(floor(1_000 * r) / 1_000 / rate)
    return (r_milli, b_points) if r_milli and b_points else None


def _likelihood(r: float, rate: float, a: Floats, n: Floats) -> float:
    """Of Gamma-Poisson counts, without what depends on the counts alone."""
    b = r / rate
    ways = sum(lgamma(r + each) for each in a.tolist()) - len(a) * lgamma(r)
    return float(ways + (r * np.log(b / (b + n)) + a * np.log(n / (b + n))).sum())


def _rate(r: float, a: Floats, n: Floats) -> float:
    """The likeliest rate, for an r: where the likelihood's slope, which only falls, is 0."""
    low, high = log(a.sum() / n.sum()) - 20, log(a.sum() / n.sum()) + 20
    for _ in range(_STEPS):
        middle = (low + high) / 2
        expected = np.exp(middle) * n
        slope = (a - (a + r) * expected / (r + expected)).sum()
        low, high = (middle, high) if slope > 0 else (low, middle)
    return float(np.exp(low))


def _boundary(outside: float, inside: float, is_possible: Callable[[float], bool]) -> float:
    """The last value outside, between one that is not possible and one that is."""
    out, within = log(outside), log(inside)
    for _ in range(_STEPS):
        middle = (out + within) / 2
        out, within = (out, middle) if is_possible(float(np.exp(middle))) else (middle, within)
    return float(np.exp(out))
