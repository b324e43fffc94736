"""Thresholds and counts for all categories at once, from counts on whole slides: pure arithmetic.

What is chosen, and why so: `docs/decisions/0007-thresholds-from-whole-slides.md`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product

from drivers.problem import Problem, Refusal
from edge.validation.candidates import Counted, Setting, Wanted, settings
from engines.tables import Category


@dataclass(frozen=True, slots=True)
class Choice:
    """Numbers of all categories, fitted together."""

    categories: tuple[Category, ...]
    slides_for_review: int
    """Negative slides that reach any category's `review_from`."""


def allowed(negatives: int, share_percent: int) -> int:
    """Of so many negative slides, how many may reach a review.

    A threshold that lets m of n slides pass lets a slide that was not among them pass with a
    probability of (m + 1) / (n + 1) at most: it is that which must not be over the share.
    Source: order statistics; Vovk et al., Algorithmic Learning in a Random World (2005), 2.2.
    """
    return max(0, share_percent * (negatives + 1) // 100 - 1)


def choose(
    negatives: Sequence[Counted],
    positives: Sequence[Counted],
    wanted: Sequence[Wanted],
    share_percent: int,
    reference_area_um2: int,
) -> Choice:
    """The numbers with which the most positive slides are told for what they are.

    At most `allowed` of the negative slides reach any review, taken together, and none comes near a
    category. Given that, in this order: the most positive slides are named their own category or
    worse, are named just that, are named so with twice the count that is needed; and then every
    count is as far over its bars as can be.

    Raises:
        Refusal: There is no such choice.
    """
    budget = allowed(len(negatives), share_percent)
    possible = [
        _best(settings(category, negatives, positives, budget, reference_area_um2))
        for category in wanted
    ]
    targets = [_target(positive, wanted) for positive in positives]
    fitting = (each for each in product(*possible) if _union(each).bit_count() <= budget)
    chosen = max(fitting, key=lambda each: _worth(each, targets), default=None)
    if chosen is None:
        value, share = f"{len(negatives)} negative slides", f"{share_percent} % of reviews"
        problem = f"no thresholds keep them within {share} ({budget} slides)"
        raise Refusal(Problem("fit", value, problem, "Replay more negative slides, or train again"))
    return Choice(tuple(each.numbers for each in chosen), _union(chosen).bit_count())


def _union(combination: Sequence[Setting]) -> int:
    union = 0
    for setting in combination:
        union |= setting.reaching
    return union


def _target(positive: Counted, wanted: Sequence[Wanted]) -> int:
    """The severity of the worst wanted category that is truly there."""
    return max((w.severity for w in wanted if w.severity <= positive.worst), default=0)


def _worth(combination: Sequence[Setting], targets: Sequence[int]) -> tuple[float, ...]:
    named = exactly = surely = 0
    for number, target in enumerate(targets):
        standing = [setting for setting in combination if setting.times[number] >= 1]
        worst = max((setting.severity for setting in standing), default=-1)
        named += worst >= target
        exactly += worst == target
        surely += any(s.severity >= target and s.times[number] >= 2 for s in standing)
    preferences = [setting.preference for setting in combination]
    sums = [sum(parts) for parts in zip(*preferences, strict=True)]
    return (named, exactly, surely, *sums)


def _best(found: Iterable[Setting]) -> list[Setting]:
    """For each set of slides that they let pass or name, the best one."""
    best: dict[tuple[int, int], Setting] = {}
    for setting in found:
        key = (setting.reaching, setting.named)
        rival = best.setdefault(key, setting)
        if setting.preference > rival.preference:
            best[key] = setting
    return list(best.values())
