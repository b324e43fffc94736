"""What the ranges of activations are taken from: fields of all stains, sharp and blurred."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from engines.card import ModelCard
from engines.detect import Cut
from engines.detector import Detector, Located, Tile
from engines.fields import AnnotatedField, at_scale
from engines.golden import halved
from engines.int8.quantise import Feed

FIELDS = 32
STRATA = 4
"""Of stain; in each, fields are taken evenly from the most blurred to the sharpest."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A field as an engine takes it."""

    tile: Tile
    cut: Cut


def chosen(fields: Sequence[AnnotatedField], many: int = FIELDS) -> list[AnnotatedField]:
    """So many fields, spread over stain, and over focus within like stain."""
    by_stain = sorted(fields, key=lambda field: stain(field.picture))
    strata = np.array_split(np.arange(len(by_stain)), min(STRATA, len(by_stain)))
    taken: list[AnnotatedField] = []
    for number, stratum in enumerate(strata):
        of_stain = sorted((by_stain[i] for i in stratum), key=lambda field: focus(field.picture))
        wanted = many // len(strata) + (number < many % len(strata))
        places = np.unique(np.linspace(0, len(of_stain) - 1, wanted).round().astype(int))
        taken.extend(of_stain[place] for place in places)
    return taken


def stain(picture: Tile) -> float:
    """How much redder than blue what lies on the glass is: log ratio of mean densities."""
    density = -np.log((picture.reshape(-1, 3)[::16].astype(np.float64) + 1) / 256)
    red, _, blue = density.mean(axis=0)
    return float(np.log((red + 0.01) / (blue + 0.01)))


def focus(picture: Tile) -> float:
    """How sharp a field is: the spread of green's Laplacian beside that of green."""
    green = picture[:, :, 1].astype(np.float32)
    return float(cv2.Laplacian(green, cv2.CV_32F).std() / (green.std() + 1))


def tiles(shown: Sequence[Shown], card: ModelCard) -> Iterator[Feed]:
    """What the locator is fed."""
    for one in shown:
        tile = np.full((1, *card.tile_px, 3), 255, np.uint8)
        tile[0, : one.tile.shape[0], : one.tile.shape[1]] = one.tile
        yield {"tile": tile}


def crops(shown: Sequence[Shown], card: ModelCard, engine: Detector) -> Iterator[Feed]:
    """What the grader is fed: one batch a field, candidates from the surest to the least sure.

    Args:
        shown: The fields.
        card: The card.
        engine: The networks in floating point.
    """
    for one in shown:
        found = engine.locate(one.tile)
        order = np.argsort(-found.located[:, 0], kind="stable")
        spread = np.linspace(0, len(order) - 1, min(card.batch, len(order))).round().astype(int)
        rows = order[spread]
        batch = np.full((card.batch, card.crop_px, card.crop_px, 3), 255, np.uint8)
        batch[: len(rows)] = one.cut(found.centres_px[rows])
        located: Located = np.zeros((card.batch, found.located.shape[1]), np.float32)
        located[: len(rows)] = found.located[rows]
        yield {"crops": batch, "located": located}


def shown(field: AnnotatedField, card: ModelCard) -> Shown:
    """A field at the crops' scale, cut to what a tile holds."""
    picture = at_scale(field.picture, field.um_per_px, card.crop_pm_per_px / 1e6)
    height, width = (2 * side for side in card.tile_px)
    return Shown(*halved(picture[:height, :width], card))
