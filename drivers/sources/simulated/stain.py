"""How a slide's colours come about: dyes that absorb, and the light that shines through.

Optical densities add up where things overlap: a layer of density d lets 10^-d of the light pass.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from drivers.scanner.words import Preparation

Vector = npt.NDArray[np.float32]
"""float32, shape (3,): optical density in red, green and blue."""

HAEMATOXYLIN = (0.62, 0.74, 0.40)
EOSIN = (0.10, 0.80, 0.48)
ORANGE_G = (0.09, 0.42, 0.84)
LIGHT_GREEN = (0.74, 0.54, 0.40)
"""Densities of a unit layer of the Papanicolaou stain's dyes.

Source: median colours of nuclei and of pink, orange and blue-green cytoplasm against the blank,
read off liquid-based and conventional Papanicolaou fields, scaled to a length near 1.
"""

BLANKS = ((226, 228, 227), (204, 214, 221), (186, 208, 216), (226, 219, 211))
"""Colours of the blank slide, 0 to 255: neutral, blue-grey, cyan and warm lamps.

Source: 95th percentiles of liquid-based Papanicolaou fields.
"""


@dataclass(frozen=True, slots=True)
class Appearance:
    """A slide's own colours: laboratories stain differently, lamps differ."""

    blank: Vector
    """Camera levels of the blank slide, 0 to 255."""
    nucleus: Vector
    pink: Vector
    orange: Vector
    green: Vector
    pink_share: float
    """Share of superficial cells whose cytoplasm is pink or orange."""


def appearance(
    rng: np.random.Generator, preparation: Preparation = Preparation.THINPREP
) -> Appearance:
    """A slide's colours, by chance."""
    del preparation
    blank = np.asarray(BLANKS[rng.integers(len(BLANKS))], np.float32)
    blank = np.minimum(blank * rng.uniform(0.92, 1.03) + rng.normal(0, 2, 3), 238)
    strength = float(np.exp(rng.normal(0, 0.15)))

    def dye(vector: tuple[float, float, float]) -> Vector:
        tilted = np.asarray(vector) * (1 + rng.normal(0, 0.06, 3)) * strength
        return tilted.astype(np.float32)

    return Appearance(
        blank=blank.astype(np.float32),
        nucleus=dye(HAEMATOXYLIN),
        pink=dye(EOSIN),
        orange=dye(ORANGE_G),
        green=dye(LIGHT_GREEN),
        pink_share=float(rng.uniform(0.5, 0.95)),
    )
