"""A picture's cells, placed on the slide.

The engine's floats are rounded here, once; behind this border all is integers.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from edge.detection.grade import Bar, reached, severity
from edge.picture import Picture, Rgb, at_scale
from edge.slide.finding import MAX_FINDINGS, Column, Findings
from edge.slide.place import Rectangle
from engines.card import ModelCard
from engines.crops import Source, crops
from engines.detect import graded, kept
from engines.detector import Candidates, Crops, Detections, Detector

HALO_PX = 128
"""Tiles of a picture that is larger than one overlap by this on each side: over the locator's
reach, so that a cell looks the same to both."""
_ONE = 10_000


@dataclass(frozen=True, slots=True)
class Seen:
    """The cells of one picture."""

    findings: Findings
    truncated: bool
    """There were more than are kept; the best were."""


def detect(
    picture: Picture,
    pm_per_px: int,
    place: Rectangle,
    detector: Detector,
    card: ModelCard,
    bars: tuple[Bar, ...],
) -> Seen:
    """The cells of a picture: located in the half picture, graded in crops of full colour.

    Args:
        picture: A field.
        pm_per_px: Picometres a pixel at full size.
        place: The ground that the picture shows.
        detector: The engine.
        card: Its card.
        bars: What a finding must show to reach a category.

    Raises:
        EngineFault: The engine failed.
    """
    scaled = at_scale(picture.half, 2 * pm_per_px, card.pm_per_px)
    height, width = scaled.shape[:2]
    candidates = _located(scaled, detector, card)
    source = Source(picture.size_px, pm_per_px, picture.crop)
    full_px = np.array([2 * picture.half.shape[1] / width, 2 * picture.half.shape[0] / height])

    def cut(centres_px: npt.NDArray[np.float32]) -> Crops:
        return crops(source, centres_px * full_px, card.crop_px, card.crop_pm_per_px)

    cells = kept(card, candidates, graded(detector, card, candidates, cut))
    findings = _placed(cells, (height, width), place, card, bars)
    truncated = candidates.truncated or len(findings) > MAX_FINDINGS
    return Seen(findings[:MAX_FINDINGS], truncated)


def _located(scaled: Rgb, detector: Detector, card: ModelCard) -> Candidates:
    """All candidates in the picture's pixels; each tile answers for its core."""
    found = []
    for top, h, core_y in _cuts(scaled.shape[0], card.tile_px[0]):
        for left, w, core_x in _cuts(scaled.shape[1], card.tile_px[1]):
            seen = detector.locate(scaled[top : top + h, left : left + w])
            centres = seen.centres_px + np.array((left, top), np.float32)
            is_inside = np.ones(len(centres), bool)
            for axis, (low, high) in enumerate((core_x, core_y)):
                is_inside &= (centres[:, axis] >= low) & (centres[:, axis] < high)
            found.append(Candidates(centres[is_inside], seen.located[is_inside], seen.truncated))
    return Candidates(
        np.concatenate([part.centres_px for part in found]),
        np.concatenate([part.located for part in found]),
        any(part.truncated for part in found),
    )


def _placed(
    cells: Detections,
    size_px: tuple[int, int],
    place: Rectangle,
    card: ModelCard,
    bars: tuple[Bar, ...],
) -> Findings:
    """Cells as findings, best score first, equal ones by their place."""
    findings = np.empty((len(cells.scores), Column.CLASSES + len(card.classes)), np.int32)
    nm = np.array([place.w_nm / size_px[1], place.h_nm / size_px[0]])
    corner = np.array([place.left_nm, place.top_nm])
    centres = np.rint(cells.centres_px.astype(np.float64) * nm).astype(np.int64)
    findings[:, : Column.W_NM] = corner + centres
    findings[:, Column.W_NM : Column.CLASS] = card.box_nm
    findings[:, Column.CLASSES :] = np.rint(cells.class_scores.astype(np.float64) * _ONE)
    # A finding is a cell, however unsure: its class is never the first, which is none.
    findings[:, Column.CLASS] = 1 + cells.class_scores[:, 1:].argmax(axis=1)
    findings[:, Column.SCORE] = np.rint(cells.scores.astype(np.float64) * _ONE)
    findings[:, Column.REACHED] = reached(findings[:, Column.CLASSES :], bars)
    findings[:, Column.SEVERITY] = severity(findings[:, Column.REACHED])
    findings[:, Column.AREA_UM2] = 0
    order = (findings[:, Column.Y_NM], findings[:, Column.X_NM], -findings[:, Column.SCORE])
    return findings[np.lexsort(order)]


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
