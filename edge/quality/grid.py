"""What all of quality rests on: sums over a half picture, in 8 x 8 cells and in finer blocks.

Every cell is sampled by 8 rows, gathered once: reading all of the picture again would cost as much
as making it did.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from edge.picture import Rgb
from edge.slide.record import GRID

Floats: TypeAlias = npt.NDArray[np.float64]
Cells: TypeAlias = npt.NDArray[np.float64]
"""float64, shape (8, 8): one number a cell, row by row from the upper left."""
CellMask: TypeAlias = npt.NDArray[np.bool_]
"""bool, shape (8, 8)."""

BLOCKS = 64
"""Blocks in a row of cells: each as high as a cell and an eighth as wide."""
ROWS = 8
"""Sampled rows of a cell: 8 um apart, a nucleus, in a field of 2048 rows at 0.25 um/px."""
NEAR_PX, FAR_PX = 1, 4
"""Lags of the two differences, along the diagonal, in pixels of the half picture."""
MIN_SIDE_PX = 64
"""The least side of a half picture that can be judged: a block is then one pixel wide."""


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Means over blocks; 8 rows of 64."""

    colour: Floats
    """float64, shape (3, 8, 64): red, green and blue, in camera levels, 0 to 255."""
    near: Floats
    """float64, shape (8, 64): squared difference over `NEAR_PX`, all colours, in levels squared."""
    far: Floats
    """float64, shape (8, 64): squared difference over `FAR_PX`."""


def grid(half: Rgb) -> Grid:
    """The sums of a half picture whose sides are `MIN_SIDE_PX` or more."""
    height, width = half.shape[:2]
    rows = half.reshape(height, 3 * width)
    edges = np.arange(GRID + 1) * height // GRID
    room = np.diff(edges) - FAR_PX
    # The first row of every cell, then the second, and so on: so one reduction sums all cells.
    here = (edges[:-1] + np.arange(ROWS)[:, np.newaxis] * room // ROWS).ravel()
    sample = rows[here]
    near = cv2.absdiff(sample[:, 3 * NEAR_PX :], rows[here + NEAR_PX][:, : -3 * NEAR_PX])
    far = cv2.absdiff(sample[:, 3 * FAR_PX :], rows[here + FAR_PX][:, : -3 * FAR_PX])
    columns = cv2.reduce(sample.reshape(ROWS, -1), 0, cv2.REDUCE_SUM, dtype=cv2.CV_32S)
    colour = _means(columns.reshape(GRID, width, 3))
    return Grid(np.ascontiguousarray(colour.transpose(2, 0, 1)), _energy(near), _energy(far))


def cells(blocks: Floats) -> Floats:
    """Means of cells, shape (..., 8, 8), from means of blocks, shape (..., 8, 64)."""
    return np.asarray(blocks.reshape(*blocks.shape[:-1], GRID, -1).mean(axis=-1))


def _energy(difference: npt.NDArray[Any]) -> Floats:
    # 255 squared still fits into 16 bits; sums of a few are exact as floats of 32.
    squares = difference.astype(np.uint16)
    np.multiply(squares, squares, out=squares)
    columns = cv2.reduce(squares.reshape(ROWS, -1), 0, cv2.REDUCE_SUM, dtype=cv2.CV_32F)
    return _means(columns.reshape(GRID, -1))


def _means(columns: npt.NDArray[Any]) -> Floats:
    left = np.arange(BLOCKS + 1) * columns.shape[1] // BLOCKS
    sums = np.add.reduceat(columns, left[:-1], axis=1, dtype=np.float64)
    size = (ROWS * np.diff(left)).reshape(-1, *(1,) * (columns.ndim - 2))
    return np.asarray(sums / size)
