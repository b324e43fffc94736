"""Simulated slides for announcements: findings a field, on equal fields, in scan order.

E here is the shipped formula on arrays; the tests compare it with the shipped function.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import log
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from edge.evidence.counts import MOST_A_FIELD
from edge.verdict.announcement import RHO

Counts = npt.NDArray[np.int64]
"""int64, shape (slides, fields): findings of each field."""
Floats = npt.NDArray[np.float64]
Chance = np.random.Generator

FIELDS: Final = 500
FIELD_POINTS: Final = 600
"""Lattice points that a field owns."""
POINTS: Final = FIELDS * FIELD_POINTS
MOST: Final = 10**9
"""No cap."""


@dataclass(frozen=True, slots=True)
class Model:
    """Negative slides' rates of false findings: Gamma, per slide, by its r and mean."""

    r: float
    mean: float
    """False findings of a whole slide."""

    @property
    def b(self) -> float:
        """In lattice points."""
        return self.r / self.mean * POINTS

    def rates(self, chance: Chance, slides: int) -> Floats:
        """Of each slide, whole: shape (slides, 1)."""
        return chance.gamma(self.r, self.mean / self.r, (slides, 1))

    def negatives(self, chance: Chance, slides: int) -> Counts:
        """As modelled: each slide one rate all over."""
        return chance.poisson(np.repeat(self.rates(chance, slides) / FIELDS, FIELDS, axis=1))


def log_e(found: Counts, points: Counts | Floats, r: float, b: float) -> Floats:
    """ln E(A, N), of arrays that can stand beside each other."""
    terms = [
        found * log(rho) - (r + found) * np.log1p((rho - 1) * points / (b + points)) for rho in RHO
    ]
    most = np.maximum.reduce(terms)
    return np.asarray(most + np.log(sum(np.exp(each - most) for each in terms) / len(RHO)))


def seen(counts: Counts, most: int = MOST_A_FIELD) -> Counts:
    """A after each field."""
    return np.cumsum(np.minimum(counts, most), axis=1)


GROUND: Final = np.arange(1, FIELDS + 1) * FIELD_POINTS
"""N after each field."""


def first(
    counts: Counts,
    r: float,
    b: float,
    odds: int,
    most: int = MOST_A_FIELD,
    ground: Counts | Floats = GROUND,
) -> Counts:
    """The field after which each slide is announced, looked at after every one; -1: it never is."""
    found = [
        _first(log_e(seen(part, most), ground, r, b) >= log(odds))
        for part in np.array_split(counts, max(1, len(counts) // 1_000))
    ]
    return np.concatenate(found)


def _first(is_announced: npt.NDArray[np.bool_]) -> Counts:
    found: Counts = np.where(is_announced.any(axis=1), is_announced.argmax(axis=1), -1)
    return found


def share(counts: Counts, r: float, b: float, odds: int, **how: Any) -> float:
    """The slides that are ever announced."""
    return float((first(counts, r, b, odds, **how) >= 0).mean())


Making = Callable[[Chance, int], Counts]
"""Negative slides of a kind: so many."""


def clumped(model: Model, of_slides: float, size: int) -> Making:
    """As modelled; and so large a share of slides has one field with so many more."""

    def make(chance: Chance, slides: int) -> Counts:
        counts = model.negatives(chance, slides)
        has = np.flatnonzero(chance.random(slides) < of_slides)
        counts[has, chance.integers(0, FIELDS, len(has))] += size
        return counts

    return make


def graded(model: Model, share_first: float, at: float) -> Making:
    """Of all false findings, so large a share lies in the first part of the scan."""
    early = np.arange(FIELDS) < at * FIELDS
    weight = np.where(early, share_first / early.sum(), (1 - share_first) / (~early).sum())

    def make(chance: Chance, slides: int) -> Counts:
        counts: Counts = chance.poisson(model.rates(chance, slides) * weight)
        return counts

    return make


def planted(chance: Chance, counts: Counts, cells: int) -> Counts:
    """The slides with so many more findings, each in a field by chance."""
    more = chance.multinomial(cells, np.full(FIELDS, 1 / FIELDS), len(counts))
    both: Counts = counts + more
    return both
