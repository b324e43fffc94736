"""One training crop of a field: turned, scaled, re-stained, blurred, with its targets."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from engines.detector import Tile
from engines.fields import AnnotatedField

CROP_PX = 384
"""Side of a training crop."""
STRIDE = 4
SIGMA_CELLS = 1.25
"""Spread of a nucleus' target: 2.5 um, about how far annotated points lie from the middle."""
NO_TIER = -1
_DENSITY = -np.log((np.arange(256, dtype=np.float32) + 1) / 256)
"""Optical density of each grey level, to base e."""


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


def example(field: AnnotatedField, chance: np.random.Generator) -> Example:
    """A random crop of a field, at random changes that leave its labels true."""
    placement = _placement(field, chance)
    border = int(chance.choice([255, 255, 240, 0]))
    crop = cv2.warpAffine(
        field.picture,
        placement,
        (CROP_PX, CROP_PX),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(border, border, border),
    )
    points = field.points_px @ placement[:, :2].T.astype(np.float32) + placement[:, 2]
    heat, tiers = targets(points, field.tiers, CROP_PX // STRIDE, CROP_PX // STRIDE)
    known = _known(field, placement)
    return Example(_restained(crop.astype(np.uint8, copy=False), chance), heat, known, tiers)


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


def _placement(field: AnnotatedField, chance: np.random.Generator) -> npt.NDArray[np.float64]:
    """The affine map, float64 (2, 3), from the field to a crop: scaled by +-10 %, turned, flipped.

    Half of the crops are around a cell of a tier drawn evenly, so that rare tiers are seen.
    """
    height, width = field.picture.shape[:2]
    inner = CROP_PX / 4
    middle = chance.uniform((inner, inner), (width - inner, height - inner))
    present = np.unique(field.tiers)
    if present.size and chance.random() < 0.5:
        of_tier = np.flatnonzero(field.tiers == chance.choice(present))
        middle = field.points_px[chance.choice(of_tier)] + chance.normal(0, CROP_PX / 6, 2)
    turns = int(chance.integers(4))
    cos, sin = ((1, 0), (0, 1), (-1, 0), (0, -1))[turns]
    flip = int(chance.choice([-1, 1]))
    scale = float(np.exp(chance.uniform(-0.1, 0.1)))
    linear = scale * np.array([[cos * flip, -sin], [sin * flip, cos]], np.float64)
    offset = CROP_PX / 2 - linear @ np.asarray(middle, np.float64)
    return np.concatenate([linear, offset[:, None]], axis=1)


def _known(field: AnnotatedField, placement: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    height, width = field.picture.shape[:2]
    known = np.zeros((height, width), np.uint8)
    right, bottom = field.annotated_px
    known[: int(bottom), : int(right)] = 1
    outside = 1  # beyond the field is nothing, and that is known
    moved = cv2.warpAffine(
        known,
        placement,
        (CROP_PX, CROP_PX),
        flags=cv2.INTER_NEAREST,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(outside,),
    )
    return moved[STRIDE // 2 :: STRIDE, STRIDE // 2 :: STRIDE] > 0


def _restained(crop: Tile, chance: np.random.Generator) -> Tile:
    """Another stain, lamp, focus and sensor: jitter of optical density, blur, noise."""
    mixing = np.eye(3) + chance.normal(0, 0.06, (3, 3))
    mixing *= np.exp(chance.normal(0, 0.2)) * np.exp(chance.normal(0, 0.08, 3))
    offsets = chance.normal(0, 0.07, (3, 1))
    density = cv2.transform(_DENSITY[crop], np.concatenate([mixing, offsets], axis=1))
    light = 256 * cv2.exp(-np.maximum(density, -0.1).astype(np.float32)).astype(np.float32) - 1
    if chance.random() < 0.3:
        sigma_px = float(chance.uniform(0.3, 1.3))
        light = cv2.GaussianBlur(light, (0, 0), sigma_px).astype(np.float32)
    elif chance.random() < 0.3:
        soft = cv2.GaussianBlur(light, (0, 0), 1.0)
        light = light + float(chance.uniform(0.2, 0.9)) * (light - soft)
    if chance.random() < 0.5:
        noise = chance.standard_normal(light.shape, np.float32)
        light = light + np.float32(chance.uniform(1, 6)) * noise
    restained: Tile = np.clip(light + 0.5, 0, 255).astype(np.uint8)
    return restained
