"""Which cells got too much light, and which too little.

How the numbers were measured: `docs/decisions/0004-quality-thresholds.md`.
"""

import numpy as np

from edge.quality.grid import CellMask, Cells, Floats, cells
from edge.slide.record import GRID

CLIPPED = 252
"""A block whose mean is so bright in every colour is clipped: noise would show else."""
MOST_CLIPPED = 0.5
"""Share of a cell's blocks; and of an image's cells, beyond which the light is wrong everywhere."""
LEAST_BLANK = 90
"""The blank's brightest colour. Public fields have 101 and more, most of them over 200."""
LEAST_LEVEL = 32
"""A cell's brightest colour: below, not even a dense clump shows anything."""


def clipped(colour: Floats) -> Cells:
    """Share of each cell's blocks that are clipped."""
    red, green, blue = colour
    return cells((np.minimum(np.minimum(red, green), blue) >= CLIPPED).astype(np.float64))


def overexposed(clipped_share: Cells) -> CellMask:
    """The cells with too much light."""
    is_over = clipped_share > MOST_CLIPPED
    if is_over.mean() > MOST_CLIPPED:
        return np.ones((GRID, GRID), np.bool_)
    return np.asarray(is_over)


def underexposed(colour: Floats, blank: Floats) -> CellMask:
    """The cells with too little light."""
    if blank.max() < LEAST_BLANK:
        return np.ones((GRID, GRID), np.bool_)
    return np.asarray(cells(colour).max(axis=0) < LEAST_LEVEL)
