"""How false findings come on negative slides, and whether that allows announcements.

r and b are those of whole slides, at the edge of what the slides allow: fields of one slide are
more alike than slides are, and a rate that is known from few slides is hardly known.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from math import exp, floor, lgamma, log
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
_FAR: Final = 1e9
"""No rate is looked for so many times off the mean one."""
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
        numbers = replace(numbers, r_milli=edge[0], b_points=edge[1])
        ever = (
            _maximum(each, course.points, numbers)
            for each, course in zip(found, negatives, strict=True)
        )
        numbers = replace(numbers, maxima=sum(each >= bar_of(numbers.odds) for each in ever))
    return Announcing(**asdict(numbers) | {"refused": unearned(numbers, len(negatives))})


def _maximum(found: Ints, points: Sequence[int], numbers: AnnouncingNumbers) -> int:
    """The highest E in scan order, as `milli_log10_e`: of equal A, that on the least ground."""
    least: dict[int, int] = {}
    for a, n in zip(found.tolist(), points, strict=True):
        least[a] = min(n, least.get(a, n))
    return max(milli_log10_e(a, n, numbers.r_milli, numbers.b_points) for a, n in least.items())


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
    (a, n), times = np.unique(np.stack([findings, points]), axis=1, return_counts=True)
    slides = _Slides(a.astype(np.float64), n.astype(np.float64), times)
    profile = [slides.likelihood(float(r), slides.rate(float(r))) for r in _GRID]
    likeliest = float(_GRID[np.argmax(profile)])
    least = max(profile) - ALLOWED
    if profile[0] >= least:
        return None

    def r_is_possible(r: float) -> bool:
        return slides.likelihood(r, slides.rate(r)) >= least

    def rate_is_possible(rate: float) -> bool:
        return max(slides.likelihood(float(r), rate) for r in _GRID) >= least

    r = _boundary(_LEAST_R, likeliest, r_is_possible)
    rate = slides.rate(likeliest)
    rate = _boundary(rate * _FAR, rate, rate_is_possible)
    r_milli = floor(1_000 * r)
    b_points = floor(r_milli / 1_000 / rate)
    return (r_milli, b_points) if r_milli and b_points else None


@dataclass(frozen=True, slots=True)
class _Slides:
    """Gamma-Poisson counts; equal slides stand together."""

    a: Floats
    n: Floats
    times: Ints
    """How many slides are so."""

    def likelihood(self, r: float, rate: float) -> float:
        """Its logarithm, without what depends on the counts alone."""
        b = r / rate
        ways = np.array([lgamma(r + each) for each in self.a.tolist()]) - lgamma(r)
        each = ways + r * np.log(b / (b + self.n)) + self.a * np.log(self.n / (b + self.n))
        return float((self.times * each).sum())

    def rate(self, r: float) -> float:
        """The likeliest, for an r: where the likelihood's slope, which only falls, is 0."""
        middle = log((self.times * self.a).sum() / (self.times * self.n).sum())
        low, high = middle - log(_FAR), middle + log(_FAR)
        for _ in range(_STEPS):
            middle = (low + high) / 2
            expected = exp(middle) * self.n
            slope = self.times * (self.a - (self.a + r) * expected / (r + expected))
            low, high = (middle, high) if slope.sum() > 0 else (low, middle)
        return exp(low)


def _boundary(outside: float, inside: float, is_possible: Callable[[float], bool]) -> float:
    """The last value outside, between one that is not possible and one that is."""
    out, within = log(outside), log(inside)
    for _ in range(_STEPS):
        middle = (out + within) / 2
        out, within = (out, middle) if is_possible(exp(middle)) else (middle, within)
    return exp(out)
