"""What the locator learns from: crops of whole fields, with the middles of nuclei as targets."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engines.detector import Tile
from engines.fields import TIERS, AnnotatedField, at_scale
from engines.train.augment import Placement, cropped, moved, placement, restained
from engines.train.mixing import mixed

UM_PER_PX = 0.5
STRIDE = 4
"""Tile pixels a cell of the locator's output is wide and high."""
CROP_PX = 384
"""Side of a training crop."""
SIGMA_CELLS = 1.25
"""Spread of a nucleus' target: 2.5 um, about how far annotated points lie from the middle."""
NO_TIER = -1


@dataclass(frozen=True, slots=True)
class Seen:
    """A field at the locator's scale. Shapes and meanings as in `AnnotatedField`."""

    folder: str
    picture: Tile
    points_px: npt.NDArray[np.float32]
    tiers: npt.NDArray[np.int64]
    annotated_px: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Example:
    """A crop and what the network should say of it; cells are 4 x 4 px."""

    crop: Tile
    heat: npt.NDArray[np.float32]
    """float32, shape (h, w): 1 at the middle of a nucleus, falling off around it."""
    is_known: npt.NDArray[np.bool_]
    """bool, shape (h, w): whether the annotation covers the cell."""
    tiers: npt.NDArray[np.int64]
    """int64, shape (h, w): index of the tier near a nucleus' middle, else `NO_TIER`."""


def at_half(field: AnnotatedField) -> Seen:
    """A field as the locator sees it."""
    factor = field.um_per_px / UM_PER_PX
    right, bottom = field.annotated_px
    return Seen(
        field.folder,
        at_scale(field.picture, field.um_per_px, UM_PER_PX),
        field.points_px * np.float32(factor),
        field.tiers,
        (right * factor, bottom * factor),
    )


def example(field: Seen, chance: np.random.Generator) -> Example:
    """A random crop of a field, at random changes that leave its labels true."""
    by = placement(_middle(field, chance), np.exp(chance.uniform(-0.1, 0.1)), CROP_PX, chance)
    crop = cropped(field.picture, by, CROP_PX, chance)
    side = CROP_PX // STRIDE
    heat, tiers = targets(moved(field.points_px, by), field.tiers, side, side)
    return Example(restained(crop, UM_PER_PX, chance), heat, _known(field, by), tiers)


def targets(
    points_px: npt.NDArray[np.floating], tiers: npt.NDArray[np.int64], height: int, width: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """The heat map and tier map of a crop of `height` x `width` cells, given its nuclei."""
    heat = np.zeros((height, width), np.float32)
    tier_map = np.full((height, width), NO_TIER, np.int64)
    rows, columns = np.mgrid[0:height, 0:width]
    for (x, y), tier in zip(points_px, tiers, strict=True):
        column, row = int(x // STRIDE), int(y // STRIDE)
        if not (0 <= row < height and 0 <= column < width):
            continue
        window = np.s_[max(row - 5, 0) : row + 6, max(column - 5, 0) : column + 6]
        squares = (rows[window] - row) ** 2 + (columns[window] - column) ** 2
        spread = np.exp(-squares / (2 * SIGMA_CELLS**2)).astype(np.float32)
        heat[window] = np.maximum(heat[window], spread)
        near = tier_map[window]
        near[squares <= 2] = np.maximum(near[squares <= 2], tier)
    return heat, tier_map


def sampling_shares(fields: Sequence[Seen]) -> npt.NDArray[np.float64]:
    """How often each field is drawn, float64, sum 1.

    Every folder by the root of its size; within a folder, fields with rarer tiers more often. Real
    and rendered fields by fixed shares.
    """
    having = np.array([[np.any(field.tiers == t) for t in range(len(TIERS))] for field in fields])
    rarity = np.sqrt(len(fields) / np.maximum(having.sum(0), 1))
    worth: npt.NDArray[np.float64] = np.where(having, rarity, 1.0).max(1)
    for folder in {field.folder for field in fields}:
        is_here = np.array([field.folder == folder for field in fields])
        worth[is_here] *= np.sqrt(is_here.sum()) / worth[is_here].sum()
    return mixed(worth, np.array([field.folder for field in fields]))


def tier_weights(fields: Sequence[Seen]) -> npt.NDArray[np.float32]:
    """Weight of each tier in the loss: the inverse root of its share, float32, mean 1."""
    counts = np.bincount(np.concatenate([f.tiers for f in fields]), minlength=len(TIERS))
    weights = 1 / np.sqrt(np.maximum(counts, 1))
    evened: npt.NDArray[np.float32] = (weights / weights.mean()).astype(np.float32)
    return evened


def _middle(field: Seen, chance: np.random.Generator) -> npt.NDArray[np.float64]:
    """Where a crop is taken: half of them around a cell of a tier drawn evenly."""
    height, width = field.picture.shape[:2]
    inner = CROP_PX / 4
    present = np.unique(field.tiers)
    if present.size and chance.random() < 0.5:
        of_tier = np.flatnonzero(field.tiers == chance.choice(present))
        near = field.points_px[chance.choice(of_tier)] + chance.normal(0, CROP_PX / 6, 2)
        return np.asarray(near, np.float64)
    return chance.uniform((inner, inner), (width - inner, height - inner))


def _known(field: Seen, by: Placement) -> npt.NDArray[np.bool_]:
    """The cells that the annotation covers: beyond the field is nothing, and that is known."""
    height, width = field.picture.shape[:2]
    right, bottom = field.annotated_px
    side = CROP_PX // STRIDE
    middles = np.stack(np.meshgrid(*[(np.arange(side) + 0.5) * STRIDE] * 2), axis=-1)
    x, y = ((middles - by[:, 2]) @ np.linalg.inv(by[:, :2]).T).transpose(2, 0, 1)
    is_inside = (x >= 0) & (y >= 0) & (x < width) & (y < height)
    return np.asarray(~is_inside | ((x < right) & (y < bottom)))
