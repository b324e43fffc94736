"""An engine looks at an annotated field: what it would find, and what it says of each nucleus."""

import cv2
import numpy as np
import numpy.typing as npt

from engines.card import ModelCard
from engines.crops import crops, of_array
from engines.decode import TIERS, CellMap, PeakMap, decode, located
from engines.detect import graded
from engines.detector import BadModel, Candidates, Crops, Tile
from engines.evaluation.controls import COLOURS, CROP_PX, UM_PER_PX, colours_of, dark_area_um2
from engines.evaluation.looked import CLASSES, Looked
from engines.fields import AnnotatedField, at_scale
from engines.network_engine import NetworkEngine
from engines.tables import of_source
from engines.tiles import cuts


def look(
    engine: NetworkEngine, field: AnnotatedField, threshold: float, high_grade_bar: float
) -> Looked:
    """Locate and grade a field's candidates, and grade its annotated nuclei where they are.

    Of an annotated nucleus the grader is told the highest peak of the map's cells around
    it, and the tiers just there.

    Args:
        engine: The engine.
        field: At its file's own scale; of any size.
        threshold: A candidate of at least this score is a finding.
        high_grade_bar: What a finding's high-grade score must reach.

    Raises:
        EngineFault: The engine failed.
    """
    card = engine.card
    um_per_px = card.pm_per_px / 1e6
    factor = um_per_px / field.um_per_px
    source = of_array(field.picture, field.um_per_px * 1e6)

    def cut(centres_px: npt.NDArray[np.float32]) -> Crops:
        return crops(source, centres_px * factor, card.crop_px, card.crop_pm_per_px)

    peaks, cells, stride = whole_maps(engine, at_scale(field.picture, field.um_per_px, um_per_px))
    candidates = decode(peaks, cells, stride, card.min_candidate / 10_000)
    centres = (candidates.centres_px * factor).astype(np.float32)
    is_inside = (centres < np.array(field.annotated_px)).all(axis=1)
    candidates = Candidates(
        candidates.centres_px[is_inside], candidates.located[is_inside], candidates.truncated
    )
    class_scores = graded(engine, card, candidates, cut).class_scores.astype(np.float64)

    points = (field.points_px / factor).astype(np.float32)
    near = cv2.dilate(peaks[0, 0], np.ones((3, 3), np.uint8))
    x, y = np.clip((points // stride).astype(int).T, 0, np.array([near.shape[::-1]]).T - 1)
    nuclei = Candidates(points, located(near[y, x], cells[0][TIERS, y, x].T), truncated=False)
    seen = crops(source, field.points_px, CROP_PX, round(UM_PER_PX * 1e6))
    return Looked(
        folder=field.folder,
        name=field.name,
        number=field.number,
        um_per_px=field.um_per_px,
        annotated_px=field.annotated_px,
        labels=field.labels,
        points_px=field.points_px,
        at_points=graded(engine, card, nuclei, cut).class_scores.astype(np.float64),
        colours=np.array([colours_of(crop) for crop in seen]).reshape(-1, COLOURS),
        areas_um2=np.array([dark_area_um2(crop) for crop in seen], np.float64),
        centres_px=centres[is_inside],
        scores=1 - class_scores[:, 0],
        class_scores=class_scores,
        threshold=threshold,
        high_grade_bar=high_grade_bar,
    )


def thresholds_of(card: ModelCard) -> tuple[float, float]:
    """The card's threshold of findings, and the bar of its least severe high-grade category.

    The bar is that for real slides, if the card has one, else that for rendered ones.

    Raises:
        BadModel: The card's classes or categories are not those that fields are annotated with.
    """
    if card.classes != CLASSES:
        raise BadModel(
            f"{card.folder}: classes",
            ", ".join(card.classes),
            "annotated fields can't be compared with them",
            f"Evaluate a model whose classes are {', '.join(CLASSES)}",
        )
    table = of_source(card.tables, "public") or of_source(card.tables, "rendered")
    bars = {one.category: one.threshold for one in table.categories} if table else {}
    for category in CLASSES[4:]:
        if category in bars:
            return card.min_score / 10_000, bars[category] / 10_000
    raise BadModel(
        f"{card.folder}: tables.categories",
        ", ".join(bars),
        "no high-grade category has a threshold",
        f"Name one of {', '.join(CLASSES[4:])}",
    )


def whole_maps(engine: NetworkEngine, picture: Tile) -> tuple[PeakMap, CellMap, int]:
    """The locator's maps of a picture of any size, and how many pixels a cell is wide.

    Raises:
        EngineFault: The engine failed.
    """
    height, width = picture.shape[:2]
    tile_height, tile_width = engine.card.tile_px
    rows = []
    for top, *core_y in cuts(height, tile_height):
        parts = []
        for left, *core_x in cuts(width, tile_width):
            maps = engine.maps(picture[top : top + tile_height, left : left + tile_width])
            stride = tile_height // maps[0].shape[2]
            y, x = (
                slice((first - start) // stride, -(-(last - start) // stride))
                for start, (first, last) in ((top, core_y), (left, core_x))
            )
            parts.append([whole[:, :, y, x].copy() for whole in maps])
        rows.append([np.concatenate(of_kind, axis=3) for of_kind in zip(*parts, strict=True)])
    peaks, cells = (np.concatenate(of_kind, axis=2) for of_kind in zip(*rows, strict=True))
    return peaks, cells, stride
