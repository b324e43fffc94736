"""From a picture to its cells: locate, cut, grade, keep. The same for every engine and use."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from engines.card import ModelCard
from engines.detector import (
    EMBEDDING,
    Candidates,
    Crops,
    Detections,
    Detector,
    Grades,
    Tile,
)

Cut = Callable[[npt.NDArray[np.float32]], Crops]
"""Gives the crops, (n, crop_px, crop_px, 3), around n centres, float32 (n, 2), of the picture."""


def detect(engine: Detector, card: ModelCard, tile: Tile, cut: Cut) -> Detections:
    """The cells of a picture of at most a tile's size.

    Args:
        engine: The engine.
        card: Its card.
        tile: uint8, shape (h, w, 3), RGB, at the card's `pm_per_px`.
        cut: Cuts crops around centres in the tile's pixels.

    Raises:
        EngineFault: The engine failed.
    """
    candidates = engine.locate(tile)
    return kept(card, candidates, graded(engine, card, candidates, cut))


def graded(engine: Detector, card: ModelCard, candidates: Candidates, cut: Cut) -> Grades:
    """Every candidate's grade. Memory: one batch of crops.

    Raises:
        EngineFault: The engine failed.
    """
    count = len(candidates.located)
    class_scores = np.empty((count, len(card.classes)), np.float32)
    embeddings = np.empty((count, EMBEDDING), np.float32)
    for first in range(0, count, card.batch):
        batch = slice(first, first + card.batch)
        grades = engine.grade(cut(candidates.centres_px[batch]), candidates.located[batch])
        class_scores[batch], embeddings[batch] = grades.class_scores, grades.embeddings
    return Grades(class_scores, embeddings)


def kept(card: ModelCard, candidates: Candidates, grades: Grades) -> Detections:
    """The candidates that are cells: the first class, none, leaves them the card's `min_score`."""
    scores = 1 - grades.class_scores[:, 0]
    x, y = candidates.centres_px.T
    order = np.lexsort((x, y, -scores))
    order = order[scores[order] >= np.float32(card.min_score / 10_000)]
    return Detections(
        candidates.centres_px[order],
        scores[order],
        grades.class_scores[order],
        grades.embeddings[order],
    )
