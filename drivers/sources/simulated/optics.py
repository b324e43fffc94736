"""What a microscope makes of depth: everything is blurred by its own distance from the focal plane.

The light that one thing lets pass is spread over the geometric disc of defocus (its sharpest image,
in the stock, is already spread by diffraction); what lies above one another multiplies, so the
densities of differently blurred things still add up.
"""

import math
from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

from drivers.sources.simulated.stock import DENSITY_STEPS, Sprite

NA = 0.75
MEDIUM_INDEX = 1.5
DISC_UM_PER_UM = math.tan(math.asin(NA / MEDIUM_INDEX))
"""Radius of the disc that a point at some distance from the focal plane is spread over, a um of
that distance within the mounting medium. Source: geometry, the cone of light of a 20x or 40x
objective of NA 0.75 with its condenser open; it overstates what a half-closed condenser blurs."""
STEP_UM = 0.25
"""Distances are rounded to this: a quarter of the depth of field."""
_DENSITIES = np.arange(2**16, dtype=np.uint16).view(np.int16).astype(np.float64) / DENSITY_STEPS
_PASSED = np.power(10.0, -np.maximum(_DENSITIES, 0)).astype(np.float32)[None, :]
_STRAY = 0.012
"""Share of the light that reaches the sensor without passing what lies there.
Source: the darkest pixels of dense clumps in public fields."""


def blurred(sprite: Sprite, steps: int, nm_per_px: int) -> Sprite:
    """A sprite as it looks so many `STEP_UM` from the focal plane; larger by the blur."""
    reach = reach_px(steps, nm_per_px)
    if reach == 0:
        return sprite
    wide = cv2.copyMakeBorder(sprite, reach, reach, reach, reach, cv2.BORDER_CONSTANT, value=0)
    passed = cv2.LUT(wide.view(np.uint16), _PASSED)
    spread = np.asarray(cv2.filter2D(passed, -1, _disc(_radius_px(steps, nm_per_px))), np.float32)
    # The transform that large discs are filtered by may leave less than nothing.
    logarithm = np.asarray(cv2.log(np.maximum(spread, 1e-4)), np.float32)
    density = np.rint(logarithm * np.float32(-DENSITY_STEPS / math.log(10)))
    return np.asarray(density, np.int16)


def reach_px(steps: int, nm_per_px: int) -> int:
    """How much further a thing reaches by its blur; 0 where the disc is not wider than a pixel."""
    radius_px = _radius_px(steps, nm_per_px)
    return 0 if radius_px < 0.5 else math.ceil(radius_px)


def _radius_px(steps: int, nm_per_px: int) -> float:
    return DISC_UM_PER_UM * steps * STEP_UM * 1_000 / nm_per_px


@cache
def _disc(radius_px: float) -> npt.NDArray[np.float32]:
    """A disc of that radius, anti-aliased, of sum 1; float32, shape (n, n), n odd."""
    fine, reach = 8, math.ceil(radius_px)
    side = (np.arange((2 * reach + 1) * fine) + 0.5) / fine - reach - 0.5
    inside = (side[None, :] ** 2 + side[:, None] ** 2 <= radius_px**2).astype(np.float32)
    disc = inside.reshape(2 * reach + 1, fine, 2 * reach + 1, fine).mean(axis=(1, 3))
    return np.asarray(disc / disc.sum(), np.float32)


def light_table(blank: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """Camera level of each density, as its two's complement of 16 bits, for each colour.

    Args:
        blank: Level of the blank slide in red, green and blue.

    Returns:
        uint8, shape (1, 65536, 3): what `cv2.LUT` takes.
    """
    passed = _STRAY + (1 - _STRAY) * _PASSED[0]
    return np.asarray(np.clip(np.rint(passed[None, :, None] * blank), 0, 255), np.uint8)


def falloff(width_px: int, height_px: int, corner_loss: float) -> npt.NDArray[np.int16]:
    """The light lost away from the middle, as a density in 1/1024; int16, (H, W, 1). Quadratic."""
    x = (np.arange(width_px) + 0.5) / width_px * 2 - 1
    y = (np.arange(height_px) + 0.5) / height_px * 2 - 1
    radius2 = (x[None, :] ** 2 + y[:, None] ** 2) / 2
    density = -np.log10(1 - corner_loss * radius2) * DENSITY_STEPS
    return np.asarray(np.rint(density)[:, :, None], np.int16)
