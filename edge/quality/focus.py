"""Which cells of a picture are out of focus.

Blur takes a picture's energy from near differences first, so the ratio of near to far tells how
sharp it is, whatever it shows: from a lag of 4 to a lag of 1 a slope keeps 1/16 of its energy, an
edge 1/4. Noise adds the same to both and is subtracted. Little structure is judged with its
neighbours. How the numbers were measured: `docs/decisions/0004-quality-thresholds.md`.
"""

import cv2
import numpy as np

from edge.quality.grid import CellMask, Cells, Floats, Grid, cells
from edge.slide.record import GRID

CELL_MILLI, AROUND_MILLI, IMAGE_MILLI = 70, 80, 90
"""The least ratio of near to far energy: of a cell, of the 3 x 3 around it, of all the image. The
more is summed, the less it varies with what is shown."""
BESIDE_MILLI = 85
"""The least ratio of a cell that touches one out of focus: blur comes in patches."""
STRONG, WEAK = 8.0, 1.0
"""Far energy, in multiples of the noise, from which a cell is judged alone, and below which the
3 x 3 around it cannot be judged either: what is there and cannot be judged is not in focus."""
IMAGE_CELLS = 16
"""Cells with content from which the image is judged as one."""
MOST_NOISE = 21.0
"""Energy that is taken for noise at most, in levels squared: that of a camera with a deviation of
2.5 levels in green and 3.5 in red and blue. Beyond, structure is meant."""
CLIPS_NOISE = 250
"""A block this bright in any colour has less noise than the rest: it is clipped."""
_LEAST_CLEAR = 32
_NOISE_MARGIN = 1.2
"""The flattest of many blocks have less than the mean noise."""


def sharpness(measured: Grid) -> Cells:
    """Near energy: comparable between pictures of one thing."""
    return cells(measured.near)


def out_of_focus(measured: Grid, is_empty: CellMask) -> tuple[CellMask, int]:
    """The cells out of focus, and the image's ratio of near to far energy, in 1/1000.

    An empty cell counts as out of focus where the image or what surrounds it is: there its
    emptiness is not to be trusted. The ratio is 0 where the image shows nothing.
    """
    is_clear = measured.colour.max(axis=0) < CLIPS_NOISE
    near_noise, far_noise = _noise(measured.near, is_clear), _noise(measured.far, is_clear)
    has_content = ~is_empty
    near = np.maximum(cells(measured.near) - near_noise, 0.0)
    far = np.maximum(cells(measured.far) - far_noise, 0.0)
    near_content, far_content = near * has_content, far * has_content
    total = far_content.sum()
    image = 1000.0 * near_content.sum() / total if total > 0 else 0.0
    if has_content.sum() >= IMAGE_CELLS and image < IMAGE_MILLI:
        return np.ones((GRID, GRID), np.bool_), round(image)
    unit = max(near_noise, 1.0)
    far_around, count = _around(far_content), _around(has_content.astype(np.float64))
    is_judged = far_around >= WEAK * unit * np.maximum(count, 1.0)
    is_blurred_around = is_judged & (1000.0 * _around(near_content) < AROUND_MILLI * far_around)
    is_strong = far >= STRONG * unit
    is_blurred_alone = is_strong & (1000.0 * near < CELL_MILLI * far)
    blurred = is_blurred_around | (has_content & (is_blurred_alone | ~is_judged))
    touches = _around(blurred.astype(np.float64)) > 0
    blurred |= touches & has_content & is_strong & (1000.0 * near < BESIDE_MILLI * far)
    return blurred, round(image)


def _noise(blocks: Floats, is_clear: CellMask) -> float:
    clear = blocks[is_clear]
    flattest = np.sort(clear if len(clear) >= _LEAST_CLEAR else blocks, axis=None)
    return min(_NOISE_MARGIN * float(flattest[len(flattest) * 3 // 100]), MOST_NOISE)


def _around(values: Cells) -> Cells:
    """Sums of 3 x 3 cells; nothing lies beyond the edge."""
    box = cv2.boxFilter(values, -1, (3, 3), normalize=False, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(box, np.float64)
