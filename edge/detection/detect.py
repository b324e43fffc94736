"""A picture's cells, placed on the slide.

The engine's floats are rounded here, once; behind this border all is integers.
"""

from dataclasses import dataclass

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
from engines.tiles import cuts

_ONE = 10_000
_EMBEDDED_ONE = 1_000


@dataclass(frozen=True, slots=True)
class Seen:
    """The cells of one picture."""

    findings: Findings
    embeddings: npt.NDArray[np.int16]
    """int16, shape (n, `EMBEDDING`), in 1/1,000; what lies beyond int16 is cut off."""
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
    placed = _placed(cells, (height, width), place, card, bars)
    best = _best_first(placed)[:MAX_FINDINGS]
    truncated = candidates.truncated or len(placed) > MAX_FINDINGS
    return Seen(placed[best], _embedded(cells.embeddings[best]), truncated)


def _located(scaled: Rgb, detector: Detector, card: ModelCard) -> Candidates:
    """All candidates in the picture's pixels; each tile answers for its core."""
    height, width = card.tile_px
    found = []
    for top, *core_y in cuts(scaled.shape[0], height):
        for left, *core_x in cuts(scaled.shape[1], width):
            seen = detector.locate(scaled[top : top + height, left : left + width])
            centres = seen.centres_px + np.array((left, top), np.float32)
            first, last = np.array([core_x, core_y]).T
            is_inside = ((centres >= first) & (centres < last)).all(axis=1)
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
    """Cells as findings, in the order of `cells`."""
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
    return findings


def _best_first(findings: Findings) -> npt.NDArray[np.intp]:
    """The order of a record: best score first, equal ones by their place."""
    order = (findings[:, Column.Y_NM], findings[:, Column.X_NM], -findings[:, Column.SCORE])
    return np.lexsort(order)


def _embedded(embeddings: npt.NDArray[np.float32]) -> npt.NDArray[np.int16]:
    limits = np.iinfo(np.int16)
    scaled = np.rint(embeddings.astype(np.float64) * _EMBEDDED_ONE)
    return np.clip(scaled, limits.min, limits.max).astype(np.int16)
