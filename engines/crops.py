"""Small pictures at the grader's scale, cut around centres from a picture at full size."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from engines.detector import Crops

Rgb: TypeAlias = npt.NDArray[np.uint8]
SAME_SCALE = 0.01
"""Scales this close are taken as one: a crop of 96 px moves by half a pixel at its edge."""


@dataclass(frozen=True, slots=True)
class Source:
    """A picture at full size, of which rectangles can be read."""

    size_px: tuple[int, int]
    """Height and width."""
    pm_per_px: float
    read: Callable[[int, int, int, int], Rgb]
    """Gives uint8 (h, w, 3) RGB of (left, top, width, height), which lies inside."""


def of_array(picture: Rgb, pm_per_px: float) -> Source:
    """A picture in memory, uint8 (H, W, 3), as a source."""

    def read(left: int, top: int, width: int, height: int) -> Rgb:
        return picture[top : top + height, left : left + width]

    return Source((picture.shape[0], picture.shape[1]), pm_per_px, read)


def crops(
    source: Source, centres_px: npt.NDArray[np.floating], crop_px: int, crop_pm_per_px: int
) -> Crops:
    """Squares around centres, white beyond the picture's edge.

    Args:
        source: The picture.
        centres_px: Floats, shape (n, 2): x, y in the source's pixels; a middle may lie anywhere.
        crop_px: Side of a crop.
        crop_pm_per_px: Its scale.

    Returns:
        uint8, shape (n, crop_px, crop_px, 3).
    """
    factor = source.pm_per_px / crop_pm_per_px
    side = crop_px if abs(factor - 1) <= SAME_SCALE else max(1, round(crop_px / factor))
    # INTER_AREA does not average where there is nothing to average.
    way = cv2.INTER_AREA if side > crop_px else cv2.INTER_LINEAR
    made = np.empty((len(centres_px), crop_px, crop_px, 3), np.uint8)
    corners = np.rint(centres_px.astype(np.float64) - side / 2).astype(np.int64)
    for crop, (left, top) in zip(made, corners.tolist(), strict=True):
        square = _square(source, left, top, side)
        if side == crop_px:
            crop[:] = square
        else:
            cv2.resize(square, (crop_px, crop_px), dst=crop, interpolation=way)
    return made


def _square(source: Source, left: int, top: int, side: int) -> Rgb:
    height, width = source.size_px
    x, y = max(left, 0), max(top, 0)
    w, h = min(left + side, width) - x, min(top + side, height) - y
    if (w, h) == (side, side):
        return source.read(x, y, side, side)
    square = np.full((side, side, 3), 255, np.uint8)
    if w > 0 and h > 0:
        square[y - top : y - top + h, x - left : x - left + w] = source.read(x, y, w, h)
    return square
