"""A picture's cells, placed on the slide.

The engine's floats are rounded here, once; behind this border all is integers.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from edge.detection.grade import Bar, reached, severity
from edge.slide.finding import MAX_FINDINGS, Column, Findings, no_findings
from edge.slide.place import Rectangle
from engines.card import ModelCard
from engines.detector import Detector

HALO_PX = 128
"""Tiles of a picture that is larger than one overlap by this on each side: over the network's
reach, so that a cell looks the same to both."""
_ONE = 10_000


@dataclass(frozen=True, slots=True)
class Seen:
    """The cells of one picture."""

    findings: Findings
    truncated: bool
    """There were more than `MAX_FINDINGS`; the best were kept."""


def detect(
    scaled: npt.NDArray[np.uint8],
    place: Rectangle,
    detector: Detector,
    card: ModelCard,
    bars: tuple[Bar, ...],
) -> Seen:
    """The cells of a picture.

    Args:
        scaled: uint8, shape (h, w, 3), RGB, near the card's um/px.
        place: The ground that the picture shows.
        detector: The engine.
        card: Its card.
        bars: What a finding must show to reach a category.

    Raises:
        EngineFault: The engine failed.
    """
    height, width = scaled.shape[:2]
    parts = [
        _place(scaled[top : top + h, left : left + w], (left, top), core, detector)
        for top, h, core_y in _cuts(height, card.tile_px[0])
        for left, w, core_x in _cuts(width, card.tile_px[1])
        for core in [(core_x, core_y)]
    ]
    centres = np.concatenate([part[0] for part in parts])
    scores = np.concatenate([part[1] for part in parts])
    class_scores = np.concatenate([part[2] for part in parts])
    if not len(scores):
        return Seen(no_findings(len(card.classes)), truncated=False)
    findings = np.empty((len(scores), Column.CLASSES + class_scores.shape[1]), np.int32)
    nm = np.array([place.w_nm / width, place.h_nm / height])
    corner = np.array([place.left_nm, place.top_nm])
    findings[:, : Column.W_NM] = corner + np.rint(centres.astype(np.float64) * nm).astype(np.int64)
    findings[:, Column.W_NM : Column.CLASS] = card.box_nm
    findings[:, Column.CLASSES :] = np.rint(class_scores.astype(np.float64) * _ONE)
    findings[:, Column.CLASS] = class_scores.argmax(axis=1)
    findings[:, Column.SCORE] = np.rint(scores.astype(np.float64) * _ONE)
    findings[:, Column.REACHED] = reached(findings[:, Column.CLASSES :], bars)
    findings[:, Column.SEVERITY] = severity(findings[:, Column.REACHED])
    findings[:, Column.AREA_UM2] = 0
    best_first = np.lexsort(
        (findings[:, Column.Y_NM], findings[:, Column.X_NM], -findings[:, Column.SCORE])
    )
    return Seen(findings[best_first[:MAX_FINDINGS]], truncated=len(findings) > MAX_FINDINGS)


_Part = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.float32]]


def _place(
    piece: npt.NDArray[np.uint8],
    corner: tuple[int, int],
    core: tuple[tuple[int, int], tuple[int, int]],
    detector: Detector,
) -> _Part:
    """Centres in the picture's pixels, scores and class scores of what lies in a tile's core."""
    seen = detector.detect(piece)
    centres = seen.centres_px + np.array(corner, np.float32)
    is_inside = np.ones(len(centres), bool)
    for axis, (low, high) in enumerate(core):
        is_inside &= (centres[:, axis] >= low) & (centres[:, axis] < high)
    return centres[is_inside], seen.scores[is_inside], seen.class_scores[is_inside]


def _cuts(size: int, tile: int) -> Iterator[tuple[int, int, tuple[int, int]]]:
    """How one side is cut: (start, length, the core that this cut answers for)."""
    if size <= tile:
        yield 0, size, (0, size)
        return
    count = -(-(size - 2 * HALO_PX) // (tile - 2 * HALO_PX))
    starts = [(size - tile) * i // (count - 1) for i in range(count)]
    edges = [
        0,
        *((a + tile + b) // 2 for a, b in pairwise(starts)),
        size,
    ]
    for start, core in zip(starts, pairwise(edges), strict=True):
        yield start, tile, core
