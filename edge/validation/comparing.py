"""Two models beside each other on the cells that this machine kept: what would another one say."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from edge.detection.crops import CROP_NM
from edge.journal import shelf
from edge.journal.durable import StoreFault
from engines.card import ModelCard
from engines.crops import Rgb
from engines.detect import detect
from engines.detector import Detector
from engines.golden import halved

MOST = 2_000
"""Cells that are compared: of the slides that were scanned last."""
GAP_PX = 16
"""Of white between two crops."""
NEAR_UM = 3.0
"""What is found further from a crop's middle is another cell."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What two models say of the same kept cells."""

    cells: int
    same: int
    """Of them, how many both put into one category."""
    moved: dict[tuple[str, str], int]
    """How many went from one category to another; `none` is no cell."""


def kept_crops(state_dir: Path, most: int = MOST) -> list[Rgb]:
    """Kept pictures of cells, uint8 (side, side, 3), of the newest slides first.

    Slides that cannot be read are left out: `cytoedge verify` names them.
    """
    return list(islice(_all_crops(state_dir), most))


def _all_crops(state_dir: Path) -> Iterator[Rgb]:
    files = [(shelf.path(state_dir, slide), slide) for slide in shelf.slides(state_dir)]
    for _, slide in sorted(files, key=lambda one: -one[0].stat().st_mtime):
        try:
            store = shelf.read(state_dir, slide)
            if store is None:
                continue
            with closing(store):
                for kept in store.records(with_pictures=True):
                    for crop in kept.record.crops:
                        content = np.frombuffer(crop.jpeg, np.uint8)
                        picture = cv2.imdecode(content, cv2.IMREAD_COLOR_RGB)
                        if picture is not None:
                            yield picture.astype(np.uint8, copy=False)
        except (StoreFault, sqlite3.Error, ValueError, KeyError):
            continue


def compare(
    crops: list[Rgb], old: tuple[Detector, ModelCard], new: tuple[Detector, ModelCard]
) -> Comparison:
    """Let two models judge the same pictures.

    Raises:
        EngineFault: An engine failed.
    """
    before, after = (_categories(crops, *each) for each in (old, new))
    pairs = list(zip(before, after, strict=True))
    changed = [pair for pair in pairs if pair[0] != pair[1]]
    moved = {pair: changed.count(pair) for pair in sorted(set(changed))}
    return Comparison(len(pairs), len(pairs) - len(changed), moved)


def _categories(crops: list[Rgb], engine: Detector, card: ModelCard) -> list[str]:
    """The category of the cell in each crop's middle; `none` where none is found."""
    side = round(CROP_NM * 1_000 / card.crop_pm_per_px)
    step = side + GAP_PX
    rows, columns = (2 * most // step for most in card.tile_px)
    said: list[str] = []
    for first in range(0, len(crops), rows * columns):
        some = crops[first : first + rows * columns]
        sheet = np.full((2 * card.tile_px[0], 2 * card.tile_px[1], 3), 255, np.uint8)
        for place, crop in enumerate(some):
            top, left = step * (place // columns), step * (place % columns)
            scaled = cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA)
            sheet[top : top + side, left : left + side] = scaled
        found = detect(engine, card, *halved(sheet, card))
        for place in range(len(some)):
            top, left = step * (place // columns), step * (place % columns)
            middle = np.array([left + side / 2, top + side / 2]) / 2
            apart_um = np.hypot(*(found.centres_px - middle).T) * card.pm_per_px / 1e6
            if not len(apart_um) or apart_um.min() > NEAR_UM:
                said.append(card.classes[0])
            else:
                class_ = int(found.class_scores[apart_um.argmin(), 1:].argmax()) + 1
                said.append(card.categories_of_classes[class_])
    return said
