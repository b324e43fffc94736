"""How a slide's colours come about: dyes that absorb, and the light that shines through.

Optical densities add up where things overlap: a layer of density d lets 10^-d of the light pass.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from drivers.scanner.words import Preparation

Vector = npt.NDArray[np.float32]
"""float32, shape (3,): optical density in red, green and blue."""

HAEMATOXYLINS = ((0.74, 0.76, 0.42), (0.60, 0.80, 0.42), (0.54, 0.82, 0.52))
"""Densities of a unit layer of the nuclear stain: blue, violet and reddish, mixed by chance."""
EOSINS = ((0.06, 0.62, 0.28), (0.08, 0.56, 0.42))
ORANGE_G = (0.09, 0.40, 0.74)
LIGHT_GREENS = ((0.74, 0.44, 0.32), (0.64, 0.54, 0.36))
"""Those of the counterstains: pink from magenta to salmon, blue-green from cyan to lavender grey.

Source: median colours of nuclei and of pink, orange and blue-green cytoplasm against the blank,
read off liquid-based and conventional Papanicolaou fields, scaled to a length near 1.
"""

_LIQUID_BLANKS = (
    (226, 228, 227), (204, 214, 221), (186, 208, 216), (226, 219, 211), (244, 219, 218),
    (222, 222, 244), (170, 186, 196),
)  # fmt: skip
_SMEAR_BLANKS = (
    (248, 252, 253), (251, 253, 253), (243, 246, 250), (252, 248, 226), (236, 244, 242),
)  # fmt: skip
"""Colours of the blank slide, 0 to 255: neutral, blue-grey, cyan, warm and dim lamps.

Source: 95th percentiles of liquid-based and of conventional Papanicolaou fields.
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
    warmth: float
    """How readily cytoplasm turns pink or orange; 1 is usual."""
    orange_share: float
    """Share of such cells in which orange outweighs pink."""
    blue_share: float
    """How much of the nuclear stain the blue-green cytoplasm takes up."""
    depth: float
    """Strength of the cytoplasm's stain; 1 is usual."""


def appearance(rng: np.random.Generator, preparation: Preparation) -> Appearance:
    """A slide's colours, by chance; a smear's cytoplasm is thicker and more orange."""
    is_smear = preparation is Preparation.CONVENTIONAL
    blanks = _SMEAR_BLANKS if is_smear else _LIQUID_BLANKS
    blank = np.asarray(blanks[rng.integers(len(blanks))], np.float32)
    blank = np.minimum(blank * rng.uniform(0.96, 1.02) + rng.normal(0, 2, 3), 253)
    strength = float(np.exp(rng.normal(0.1 if is_smear else 0, 0.15)))

    def dye(vector: npt.ArrayLike) -> Vector:
        tilted = np.asarray(vector) * (1 + rng.normal(0, 0.06, 3)) * strength
        return tilted.astype(np.float32)

    return Appearance(
        blank=blank.astype(np.float32),
        nucleus=dye(rng.dirichlet((0.8, 1.6, 0.6)) @ np.asarray(HAEMATOXYLINS)),
        pink=dye(rng.dirichlet((1, 2 if is_smear else 1)) @ np.asarray(EOSINS)),
        orange=dye(ORANGE_G),
        green=dye(rng.dirichlet((0.7, 1.0)) @ np.asarray(LIGHT_GREENS)),
        warmth=float(rng.uniform(1.4, 4.8) if is_smear else rng.uniform(0.4, 1.6)),
        orange_share=float(rng.beta(3, 1.4) if is_smear else rng.beta(0.6, 2)),
        blue_share=float(rng.beta(1.2, 2) if is_smear else rng.beta(2, 1.5)),
        depth=float(np.exp(rng.normal(0.25 if is_smear else 0, 0.22))),
    )


def varied(rng: np.random.Generator, dye: Vector, by: float) -> Vector:
    """The dye as one cell took it up: each channel off by a share of about `by`."""
    return np.asarray(dye * (1 + rng.normal(0, by, 3)), np.float32)
