"""A slide's stock of drawn cell parts, from which all its cells are put together.

A cell is a cytoplasm and a nucleus, each one of the stock, turned and mirrored. Drawing a field is
then adding small arrays of integers, the same sums in whatever order.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from drivers.scanner.words import Preparation
from drivers.sources.simulated import cytoplasm, debris, nuclei
from drivers.sources.simulated.kinds import Kind
from drivers.sources.simulated.shapes import Layers
from drivers.sources.simulated.stain import Appearance

Sprite = npt.NDArray[np.int16]
"""int16, shape (n, n, 3), n odd: optical density in 1/1,024, red, green, blue."""
DENSITY_STEPS = 1_024
PSF_UM = 0.16
"""Standard deviation of the sharpest image's blur. Source: 0.21 x 550 nm / NA 0.75."""
_BLACK = 3.0
"""No part is denser: a thousandth of the light is as good as none, and ten such can be summed."""
_MANY = {
    Kind.SUPERFICIAL: 28,
    Kind.INTERMEDIATE: 32,
    Kind.NEUTROPHIL: 40,
    Kind.DEBRIS: 60,
    Kind.REACTIVE: 18,
    Kind.LSIL: 20,
    Kind.KERATIN: 16,
    Kind.MUCUS: 10,
}
"""How many of each part are drawn; 24 where not said."""


@dataclass(frozen=True, slots=True)
class Stock:
    """All sprites of a slide. Bounded by how many are drawn: under 60 MB at 0.25 um/px."""

    cytoplasm: dict[Kind, tuple[Sprite, ...]]
    """Of each epithelial cell that has one; its middle pixel is the nucleus' place."""
    nuclei: dict[Kind, tuple[Sprite, ...]]
    """Of every kind: what is no epithelial cell is here whole."""
    diameters_nm: dict[Kind, tuple[int, ...]]
    """Of each nucleus: that of the circle of its area. 0 for what is no epithelial nucleus."""
    largest_px: int
    """Side of the largest sprite."""


def draw_stock(
    rng: np.random.Generator, look: Appearance, um_per_px: float, preparation: Preparation
) -> Stock:
    """All sprites of one slide, by chance; about 1.5 s of one core at 0.25 um/px."""
    bodies: dict[Kind, tuple[Sprite, ...]] = {}
    nuclear: dict[Kind, tuple[Sprite, ...]] = {}
    diameters_nm: dict[Kind, tuple[int, ...]] = {}
    for kind in Kind:
        many = range(_MANY.get(kind, 24))
        if kind in cytoplasm.RECIPES:
            bodies[kind] = tuple(
                _sprite(cytoplasm.draw(rng, kind, look, um_per_px, preparation), um_per_px)
                for _ in many
            )
        if kind in nuclei.RECIPES:
            drawn = [nuclei.draw(rng, kind, look, um_per_px, preparation) for _ in many]
            nuclear[kind] = tuple(_sprite(layers, um_per_px) for layers, _ in drawn)
            diameters_nm[kind] = tuple(round(1_000 * diameter_um) for _, diameter_um in drawn)
        else:
            nuclear[kind] = tuple(
                _sprite(debris.draw(rng, kind, look, um_per_px, preparation), um_per_px)
                for _ in many
            )
            diameters_nm[kind] = (0,) * len(many)
    largest_px = max(len(s) for part in (bodies, nuclear) for all_ in part.values() for s in all_)
    return Stock(bodies, nuclear, diameters_nm, largest_px)


def turned(sprite: Sprite, way: int) -> Sprite:
    """The sprite in one of its 8 attitudes; `way` is 0 to 7."""
    if way % 4:
        sprite = np.asarray(cv2.flip(sprite, (0, 1, -1)[way % 4 - 1]), np.int16)
    return np.asarray(cv2.transpose(sprite), np.int16) if way & 4 else sprite


def _sprite(layers: Layers, um_per_px: float) -> Sprite:
    """Thickness maps times their dyes, blurred as the sharp image is, cut to what is not empty."""
    density = sum(thickness[:, :, None] * dye for thickness, dye in layers)
    blurred = cv2.GaussianBlur(np.asarray(density, np.float32), (0, 0), PSF_UM / um_per_px)
    steps = np.rint(np.clip(blurred, 0, _BLACK) * DENSITY_STEPS).astype(np.int16)
    middle = len(steps) // 2
    off = np.abs(np.argwhere(steps.any(axis=2)) - middle)
    reach = int(off.max()) if len(off) else 0
    return steps[middle - reach : middle + reach + 1, middle - reach : middle + reach + 1].copy()
