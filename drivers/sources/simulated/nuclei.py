"""Nuclei: their size, outline, membrane and chromatin, kind by kind."""

from dataclasses import dataclass

import numpy as np

from drivers.scanner.words import Preparation
from drivers.sources.simulated import shapes
from drivers.sources.simulated.kinds import Kind
from drivers.sources.simulated.shapes import Layers
from drivers.sources.simulated.stain import Appearance


@dataclass(frozen=True, slots=True)
class Nucleus:
    """How the nuclei of one kind vary: (from, to) of each measure."""

    diameter_um: tuple[float, float]
    longer: tuple[float, float]
    wavy: tuple[float, float]
    density: tuple[float, float]
    coarse: tuple[float, float]
    """Contrast of the chromatin."""


RECIPES = {
    Kind.SUPERFICIAL: Nucleus((5.6, 6.8), (1.0, 1.3), (0.01, 0.03), (0.85, 1.15), (0.05, 0.12)),
    Kind.INTERMEDIATE: Nucleus((7.0, 8.6), (1.05, 1.4), (0.01, 0.03), (0.38, 0.7), (0.1, 0.2)),
    Kind.PARABASAL: Nucleus((7.4, 9.0), (1.0, 1.25), (0.01, 0.03), (0.45, 0.75), (0.1, 0.2)),
    Kind.METAPLASTIC: Nucleus((7.4, 9.4), (1.0, 1.25), (0.01, 0.03), (0.45, 0.8), (0.1, 0.2)),
    Kind.ENDOCERVICAL: Nucleus((7.0, 9.0), (1.0, 1.4), (0.01, 0.03), (0.45, 0.75), (0.1, 0.2)),
    Kind.REACTIVE: Nucleus((9.0, 11.4), (1.05, 1.3), (0.01, 0.03), (0.32, 0.6), (0.06, 0.14)),
    Kind.ATROPHIC: Nucleus((8.0, 10.5), (1.05, 1.3), (0.01, 0.03), (0.4, 0.8), (0.06, 0.14)),
    Kind.LSIL: Nucleus((10.6, 14.0), (1.05, 1.4), (0.03, 0.06), (0.6, 1.0), (0.14, 0.26)),
    Kind.ASC_H: Nucleus((8.6, 11.0), (1.1, 1.5), (0.04, 0.08), (0.6, 1.1), (0.14, 0.3)),
    Kind.HSIL: Nucleus((9.0, 13.2), (1.1, 1.6), (0.05, 0.1), (0.7, 1.25), (0.2, 0.36)),
    Kind.SCC: Nucleus((8.6, 14.2), (1.1, 2.6), (0.05, 0.12), (0.9, 1.5), (0.2, 0.36)),
    Kind.BARE_NUCLEUS: Nucleus((6.4, 8.6), (1.05, 1.4), (0.01, 0.04), (0.38, 0.9), (0.1, 0.2)),
}


def draw(
    rng: np.random.Generator,
    kind: Kind,
    look: Appearance,
    um_per_px: float,
    preparation: Preparation,
) -> tuple[Layers, float]:
    """A nucleus, and the diameter in um of the circle of its area."""
    del preparation
    like = RECIPES[kind]
    diameter_um = float(rng.uniform(*like.diameter_um))
    outline = shapes.blob(rng, diameter_um / 2, rng.uniform(*like.longer), rng.uniform(*like.wavy))
    angle = rng.uniform(0, 2 * np.pi)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    outline = outline @ turn
    outline -= (outline.min(axis=0) + outline.max(axis=0)) / 2
    size_px = shapes.side_px(float(np.abs(outline).max()) + 1, um_per_px)
    mask = shapes.filled(outline, size_px, um_per_px)
    depth = shapes.depth_um(mask, um_per_px)
    coarse = rng.uniform(*like.coarse)
    chromatin = shapes.grain(rng, size_px, 0.55 / um_per_px)
    thickness = (0.9 + 0.25 * np.exp(-depth / 0.6)) * np.clip(1 + coarse * chromatin, 0.3, 2)
    density = rng.uniform(*like.density)
    return [(thickness * mask * density, look.nucleus)], diameter_um
