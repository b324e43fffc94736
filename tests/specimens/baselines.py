"""Detectors that know nothing of cells, and one that knows all: what must fail, and what must not.

Each is an engine like any other, and is shown the same pictures by the same stages.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from drivers.scanner.lists import ImageKey
from drivers.sources.simulated.render import SimulatedSlide
from engines.card import ModelCard
from engines.detector import EMBEDDING, Candidates, Crops, Grades, Located, Tile


class FindsNothing:
    """Sees no cell, anywhere."""

    identity = "finds nothing"

    def __init__(self, card: ModelCard) -> None:
        self._classes = len(card.classes)

    def locate(self, tile: Tile) -> Candidates:
        del tile
        return candidates(np.zeros((0, 2)), np.zeros(0))

    def grade(self, crops: Crops, located: Located) -> Grades:
        del crops, located
        return grades(np.zeros((0, self._classes)))


class FiresAtRandom:
    """Sees cells as dense as there are any, at random places, each of a random class.

    Scores are drawn evenly, or so unevenly that a class is mostly named without a doubt.
    """

    identity = "fires at random"

    def __init__(self, card: ModelCard, seed: int, cells_per_mm2: int, evenness: float) -> None:
        self._chance = np.random.default_rng(seed)
        self._classes, self._evenness = len(card.classes), evenness
        self._cells_per_px = cells_per_mm2 * (card.pm_per_px / 1e9) ** 2

    def locate(self, tile: Tile) -> Candidates:
        height, width = tile.shape[:2]
        many = int(self._chance.poisson(self._cells_per_px * height * width))
        places = self._chance.uniform(0, 1, (many, 2)) * (width, height)
        return candidates(places, np.zeros(many))

    def grade(self, crops: Crops, located: Located) -> Grades:
        del crops
        evenness = np.full(self._classes, self._evenness)
        return grades(self._chance.dirichlet(evenness, len(located)))


class KnowsTheTruth:
    """Names every cell for what it is: shows that the claims can be met.

    It is told the slide, whose images must be shown to it whole and in the plan's order.
    """

    identity = "knows the truth"

    def __init__(self, card: ModelCard, slide: SimulatedSlide) -> None:
        self._classes, self._slide = card.classes, slide
        self._fields = iter(slide.facts.plan.fields)

    def locate(self, tile: Tile) -> Candidates:
        key = ImageKey(field=next(self._fields).field, capture=1, plane=0)
        height, width = tile.shape[:2]
        marks = [
            mark
            for mark in self._slide.marks(key)
            if mark.x_px < 2 * width and mark.y_px < 2 * height
        ]
        places = np.array([(mark.x_px, mark.y_px) for mark in marks]).reshape(-1, 2) / 2
        named = [self._classes.index(mark.cell.kind.label or "none") for mark in marks]
        return candidates(places, np.array(named))

    def grade(self, crops: Crops, located: Located) -> Grades:
        del crops
        return grades(np.eye(len(self._classes))[located[:, 0].astype(int)])


def candidates(places: npt.NDArray[Any], told: npt.NDArray[Any]) -> Candidates:
    """Candidates, each with one number that its grading is told."""
    located = np.zeros((len(places), 4), np.float32)
    located[:, 0] = told
    return Candidates(places.astype(np.float32), located, truncated=False)


def grades(class_scores: npt.NDArray[np.float64]) -> Grades:
    """Grades with these scores, and no embedding."""
    embeddings = np.zeros((len(class_scores), EMBEDDING), np.float32)
    return Grades(class_scores.astype(np.float32), embeddings)
