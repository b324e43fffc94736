"""Where there is something on the glass, and where there is surely nothing.

Judged by optical density, never by gradients: defocus keeps a mean, so a blurred cell is as dense
as a sharp one, and never reads as "nothing there". What is uncertain is not empty, and is then
judged for focus. How the numbers were measured: `docs/decisions/0004-quality-thresholds.md`.
"""

import numpy as np

from edge.quality.grid import BLOCKS, CellMask, Floats, cells
from edge.slide.record import GRID

LEAST_WHITE = 150
"""The blank is at least this bright in every colour, else nothing is taken for blank: no other
capture may say how bright it is, and an evenly dense field must not pass for a blank one."""
MOST_DENSITY = 0.04
"""Mean density of an empty cell over the blank: 5 % vignetting and its colour cast."""
MOST_SPREAD = 3.0
"""Between the brightest and the darkest block of an empty cell, in levels: vignetting slopes less,
noise is a tenth of that in a block's mean; a lone nucleus makes 5 and more, sharp or blurred."""
_WHITE_RANK = GRID * BLOCKS * 2 // 100
"""Counted from the brightest block, which a halo may have made so."""


def white(colour: Floats) -> Floats:
    """The blank's red, green and blue, shape (3, 1, 1), from blocks, shape (3, 8, 64)."""
    levels = np.sort(colour.reshape(3, -1), axis=1)[:, -_WHITE_RANK]
    return np.asarray(np.maximum(levels, 1.0)[:, np.newaxis, np.newaxis])


def densities(colour: Floats, blank: Floats) -> Floats:
    """Optical density over the blank, of blocks or cells; 0 where it is brighter."""
    return np.asarray(np.maximum(np.log10(blank / np.maximum(colour, 1.0)), 0.0))


def empty(colour: Floats, blank: Floats) -> CellMask:
    """The cells with nothing on the glass."""
    if blank.min() < LEAST_WHITE:
        return np.zeros((GRID, GRID), np.bool_)
    green = colour[1].reshape(GRID, GRID, -1)
    is_even = green.max(axis=2) - green.min(axis=2) < MOST_SPREAD
    red, green, blue = densities(cells(colour), blank)
    return np.asarray(is_even & (red + green + blue < 3 * MOST_DENSITY))
