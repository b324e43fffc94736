"""How often negative slides are announced, whatever their cards were fitted on; and power."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any, Final

import numpy as np
import pytest

from edge.detection.grade import Bar
from edge.evidence.counts import MOST_A_FIELD
from edge.validation import announcing as shipped
from edge.validation.announcing import ODDS, region_edge
from edge.validation.course import Course
from engines.tables import Announcing
from tests.announcements.slides import (
    FIELD_POINTS,
    FIELDS,
    GROUND,
    MOST,
    POINTS,
    Chance,
    Counts,
    Making,
    Model,
    clumped,
    first,
    graded,
    planted,
    share,
)

ALPHAS: Final = {20: "0.05", 100: "0.01"}
"""By 1 / alpha."""
MODELS: Final = (
    Model(0.5, 0.5),
    Model(0.5, 1),
    Model(2, 0.1),
    Model(2, 0.5),
    Model(2, 1),
    Model(8, 1),
)
USUAL: Final = Model(2, 0.5)
UNEVEN: Final = Model(0.5, 0.8)
PLANTED: Final = (1, 2, 5, 10, 20, 50)
SCANT: Final = 0.1
"""Of a usual slide's cells."""
_BAR: Final = Bar(4, (1,), 9_000)
_SCORE: Final = np.array([[0, 9_500]], np.int32)

Fit = Callable[[Counts], tuple[int, int] | None]
"""r in 1/1,000 and b in lattice points from a card's negative slides."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is simulated."""

    slides: int
    """Negative ones of a model; of each row's cards together."""
    cards: int
    positives: int


@dataclass(frozen=True, slots=True)
class Way:
    """One way to break it, and what keeps it from happening."""

    name: str
    guard: str
    slides: int
    """Negative ones of each card."""
    unguarded: float
    """Negative slides announced at alpha 0.01 without guards: the likeliest r and b, unchecked."""
    refused: float
    """Of the cards, as shipped."""
    false: float
    """Negative slides that are announced as shipped; by refused cards, none is."""
    alpha: float

    @property
    def let_pass(self) -> float | None:
        """As `false`, by the cards that are not refused; None where all are."""
        return None if self.refused == 1 else self.false / (1 - self.refused)

    def is_held(self, size: Size) -> bool:
        """Whether no more than alpha are announced, within the bound of chance."""
        return self.false <= at_most(self.alpha, size.slides)


def at_most(alpha: float, slides: int) -> float:
    """What a share alpha of so many may look like: its one-sided 95 % bound."""
    return alpha + 1.645 * sqrt(alpha * (1 - alpha) / slides)


def as_modelled(chance: Chance, size: Size) -> Iterator[tuple[Model, dict[int, float]]]:
    """The share of negative slides that is ever announced, by 1 / alpha."""
    for model in MODELS:
        counts = model.negatives(chance, size.slides)
        yield model, {odds: share(counts, model.r, model.b, odds) for odds in ALPHAS}


def ways(chance: Chance, size: Size) -> Iterator[Way]:
    """Every way that is known."""
    even, uneven = USUAL.negatives, UNEVEN.negatives
    rows: list[tuple[str, str, int, Making, Fit, dict[str, Any]]] = [
        *(
            (f"rate estimated from {slides} slides", guard, slides, uneven, whole, {})
            for slides, guard in ((10, "at least 20 slides"), (20, "edge of the region"))
        ),
        ("dispersion grouped by field", "whole slides; edge", 200, uneven, by_field, {}),
        *(
            (f"a clump of {many} on 5 % of slides", "3 a field; edge", 200,
             clumped(USUAL, 0.05, many), uncapped, {"most": MOST})
            for many in (5, 10)
        ),
        *(
            (f"gradient: {early:.0%} in the first tenth", "replay in scan order", 200,
             graded(USUAL, early, 0.1), whole, {})
            for early in (0.5, 0.8)
        ),
        ("scant slides, 10 % of the cells", "exposure is area", 200, even, whole,
         {"ground": GROUND * SCANT}),
    ]  # fmt: skip
    for name, guard, slides, make, fit, how in rows:
        yield _way(chance, size, (name, guard, slides), make, fit, how)


def _way(
    chance: Chance,
    size: Size,
    told: tuple[str, str, int],
    make: Making,
    fit: Fit,
    how: dict[str, Any],
) -> Way:
    """Cards of one kind, without guards and as shipped, each on fresh slides."""
    each, unguarded, false, refused = size.slides // size.cards, 0.0, 0.0, 0
    odds = ODDS
    for _ in range(size.cards):
        known, fresh = make(chance, told[2]), make(chance, each)
        fitted = likeliest(fit, known)
        if fitted is not None:
            unguarded += share(fresh, fitted[0] / 1_000, fitted[1], ODDS, **how)
        numbers = card(known)
        odds = numbers.odds
        if numbers.refused:
            refused += 1
        else:
            false += share(fresh, numbers.r_milli / 1_000, numbers.b_points, odds)
    cards = size.cards
    return Way(*told, unguarded / cards, refused / cards, false / cards, 1 / odds)


def likeliest(fit: Fit, counts: Counts) -> tuple[int, int] | None:
    """The best pair, as if it were known."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shipped, "ALLOWED", 0.0)
        return fit(counts)


def whole(counts: Counts, most: int = MOST_A_FIELD) -> tuple[int, int] | None:
    """Whole slides."""
    found = np.minimum(counts, most).sum(axis=1)
    return region_edge(found, np.full(len(found), POINTS))


def uncapped(counts: Counts) -> tuple[int, int] | None:
    """Whole slides, and all findings of a field."""
    return whole(counts, MOST)


def by_field(counts: Counts) -> tuple[int, int] | None:
    """As if each field were a slide."""
    found = np.minimum(counts, MOST_A_FIELD).ravel()
    return region_edge(found, np.full(len(found), FIELD_POINTS))


def card(counts: Counts) -> Announcing:
    """As shipped, from negative slides."""
    return shipped.announcing("HSIL", _BAR, list(map(course, counts)), are_whole=True)


def course(counts: Counts) -> Course:
    """One slide's scan: int64, shape (fields,)."""
    found = [(field + 1, field, int(counts[field])) for field in np.flatnonzero(counts).tolist()]
    scores = [np.repeat(_SCORE, many, axis=0) for _, _, many in found]
    return Course([0, *GROUND.tolist()], found, scores)


@dataclass(frozen=True, slots=True)
class Power:
    """What becomes of slides with so many planted cells."""

    announced: float
    coverage: float | None
    """Median share of the slide that was seen when it was; None where none was."""


def power(
    chance: Chance, size: Size, model: Model, numbers: Sequence[tuple[float, float]]
) -> Mapping[int, Power]:
    """By planted cells, each of which counts.

    Args:
        chance: Seeded.
        size: How many slides.
        model: Of the false findings beside them.
        numbers: r and b of cards: each judges its part of the slides.
    """
    found = {}
    each = max(1, size.positives // max(1, len(numbers)))
    for cells in PLANTED:
        slides = (planted(chance, model.negatives(chance, each), cells) for _ in numbers)
        when = [first(s, r, b, ODDS) for s, (r, b) in zip(slides, numbers, strict=True)]
        fields = np.concatenate(when) if when else np.zeros(0, np.int64)
        is_announced = fields >= 0
        middle = float(np.median(fields[is_announced] + 1)) if is_announced.any() else None
        coverage = None if middle is None else middle / FIELDS
        found[cells] = Power(float(is_announced.mean()) if len(fields) else 0.0, coverage)
    return found


def fitted_numbers(
    chance: Chance, model: Model, slides: int, cards: int
) -> list[tuple[float, float]]:
    """r and b of the cards that are not refused."""
    made = (card(model.negatives(chance, slides)) for _ in range(cards))
    return [(each.r_milli / 1_000, each.b_points) for each in made if not each.refused]
