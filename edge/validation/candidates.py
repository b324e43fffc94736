"""One category's numbers that could be chosen, and what each would do to the slides."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import Final

import numpy as np
import numpy.typing as npt

from edge.verdict.decide import review_bar, scaled
from edge.verdict.spot import POINT_UM2
from engines.tables import Category

LEAST_THRESHOLD: Final = 5_000
"""A finding that reaches a category is more likely it or worse than not."""
LEAST_CATEGORY_FROM: Final = 3
"""Findings in the reference area that make a category: a single field's doubt makes none."""
REVIEWS: Final = (1, 2, 3, 5, 8, 12, 20)
"""Values of `review_from` that are tried where it need not be 1."""

Sums = npt.NDArray[np.int64]
"""int64, shape (n,), falling: for each counted finding the sum of its class scores for a category
and worse, in 1/10,000."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted on a slide."""

    planned: int
    """Its planned area, in lattice points."""
    sums: Mapping[str, Sums]
    """By category."""
    worst: int
    """Severity of the worst that is truly there; 0 is a negative slide."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A category to find numbers for."""

    name: str
    severity: int
    is_high_grade: bool


@dataclass(frozen=True, slots=True)
class Setting:
    """One category's numbers, and what comes of them."""

    numbers: Category
    severity: int
    reaching: int
    """Bit i is set where negative slide i reaches `review_from`."""
    times: tuple[float, ...]
    """For each positive slide: its count over the count that makes the category."""
    preference: tuple[float, ...]
    """Among settings of one `reaching` and `named`, the largest is the best."""

    @property
    def named(self) -> int:
        """Bit i is set where positive slide i has the count that makes the category."""
        return sum(1 << i for i, times in enumerate(self.times) if times >= 1)


def settings(
    category: Wanted,
    negatives: Sequence[Counted],
    positives: Sequence[Counted],
    budget: int,
    reference_area_um2: int,
) -> Iterator[Setting]:
    """For every `review_from` the lowest thresholds that let 0, 1, ... `budget` slides reach it.

    And those that just keep a milder positive slide from being named so.
    """

    def bar(count: int, slide: Counted) -> int:
        return scaled(count, slide.planned, reference_area_um2)

    def asks(count: int, slide: Counted) -> int:
        is_high_grade = category.is_high_grade
        return review_bar(count, slide.planned, reference_area_um2, is_high_grade=is_high_grade)

    milder = [
        _top(each, category.name, bar(LEAST_CATEGORY_FROM, each)) + 1
        for each in positives
        if each.worst < category.severity
    ]
    for review_from in (1,) if category.is_high_grade else REVIEWS:
        tops = [_top(each, category.name, asks(review_from, each)) for each in negatives]
        lowest = list(_thresholds(tops, budget))
        above = (each for each in milder if lowest and lowest[-1] < each <= 10_000)
        for threshold in sorted({*lowest, *above}):
            numbers = Category(
                category=category.name,
                threshold=threshold,
                category_from=max(
                    review_from, _category_from(category, threshold, negatives, reference_area_um2)
                ),
                review_from=review_from,
            )
            yield _setting(numbers, category, tops, positives, (bar, asks))


def _setting(
    numbers: Category,
    category: Wanted,
    tops: Sequence[int],
    positives: Sequence[Counted],
    bars: tuple[Callable[[int, Counted], int], Callable[[int, Counted], int]],
) -> Setting:
    times, sensitivity, (bar, asks) = [], 0.0, bars
    for each in positives:
        found = _reaching(each, category.name, numbers.threshold)
        times.append(found / bar(numbers.category_from, each))
        if each.worst >= category.severity:
            sensitivity += 2 * log(found + 0.5)
            sensitivity -= log(bar(numbers.category_from, each) * asks(numbers.review_from, each))
    return Setting(
        numbers,
        category.severity,
        sum(1 << i for i, top in enumerate(tops) if top >= numbers.threshold),
        tuple(times),
        (sensitivity, -numbers.review_from, -numbers.threshold),
    )


def _thresholds(tops: Sequence[int], budget: int) -> Iterator[int]:
    """The lowest thresholds that at most 0, 1, ... `budget` of these values reach, falling."""
    falling = sorted(tops, reverse=True)
    for reaching in range(budget + 1):
        first_out = falling[reaching] if reaching < len(falling) else -1
        threshold = max(first_out + 1, LEAST_THRESHOLD)
        if threshold <= 10_000:
            yield threshold
        if threshold == LEAST_THRESHOLD:
            return


def _category_from(
    category: Wanted, threshold: int, negatives: Sequence[Counted], reference_area_um2: int
) -> int:
    """Over twice what any negative slide has, at that slide's own scale."""
    least = LEAST_CATEGORY_FROM
    for each in negatives:
        found = _reaching(each, category.name, threshold)
        if found:
            area_um2 = each.planned * POINT_UM2
            least = max(least, -(-(1 + 2 * found) * reference_area_um2 // area_um2))
    return least


def _top(slide: Counted, category: str, bar: int) -> int:
    """The lowest of the `bar` largest sums: a threshold up to it is reached. -1: none is."""
    sums = slide.sums[category]
    return int(sums[bar - 1]) if len(sums) >= bar else -1


def _reaching(slide: Counted, category: str, threshold: int) -> int:
    """Findings that reach a threshold."""
    return int(np.searchsorted(-slide.sums[category], -threshold, side="right"))
