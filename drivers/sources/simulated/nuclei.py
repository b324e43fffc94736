"""Nuclei: their size, outline, membrane and chromatin, kind by kind."""

from dataclasses import dataclass

import numpy as np

from drivers.scanner.words import Preparation
from drivers.sources.simulated import shapes, texture
from drivers.sources.simulated.kinds import Kind
from drivers.sources.simulated.shapes import Layers, Map, Outline
from drivers.sources.simulated.stain import Appearance, varied

_Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Nucleus:
    """How the nuclei of one kind vary. Pairs are (from, to) unless said otherwise."""

    diameter_um: float
    """Median."""
    spread: float
    """Standard deviation of the diameter's logarithm."""
    density: float
    """Median thickness of the dye; its logarithm's deviation is `uneven`."""
    uneven: float = 0.2
    longer: _Range = (1.0, 1.35)
    wavy: _Range = (0.01, 0.03)
    fine: _Range = (0.08, 0.22)
    """Contrast of fine chromatin."""
    clumped: _Range = (0.03, 0.25)
    """Contrast of coarse chromatin."""
    membrane: _Range = (0.15, 0.5)
    smooth: float = 0.0
    """Share whose chromatin is one dark, smooth mass."""
    nucleolus: float = 0.0
    """Share with one to three nucleoli."""
    dented: float = 0.03
    grooved: float = 0.08
    twin: float = 0.01
    """Share of cells with two nuclei."""


RECIPES = {
    Kind.SUPERFICIAL: Nucleus(5.1, 0.13, 1.1, 0.2, fine=(0.02, 0.08), smooth=0.75, dented=0.08),
    Kind.INTERMEDIATE: Nucleus(6.6, 0.14, 0.6, 0.3, longer=(1.0, 1.5), grooved=0.15, twin=0.02),
    Kind.PARABASAL: Nucleus(7.5, 0.12, 0.66, 0.22, clumped=(0.08, 0.3)),
    Kind.METAPLASTIC: Nucleus(
        7.8, 0.14, 0.64, 0.24, clumped=(0.08, 0.32), nucleolus=0.2, twin=0.02
    ),
    Kind.ENDOCERVICAL: Nucleus(
        7.5, 0.13, 0.6, 0.22, longer=(1.05, 1.6), clumped=(0.08, 0.3), nucleolus=0.25
    ),
    Kind.REACTIVE: Nucleus(
        8.8, 0.15, 0.5, 0.3, clumped=(0.05, 0.3), smooth=0.1, nucleolus=0.4, twin=0.06
    ),
    Kind.ATROPHIC: Nucleus(
        8.3, 0.16, 0.66, 0.22, longer=(1.0, 1.5), clumped=(0.04, 0.25), smooth=0.15, dented=0.06
    ),
    Kind.LSIL: Nucleus(
        11.5, 0.16, 0.6, 0.34, longer=(1.0, 1.6), wavy=(0.02, 0.05), fine=(0.08, 0.22),
        clumped=(0.15, 0.6), membrane=(0.2, 0.8), smooth=0.2, dented=0.15, twin=0.14,
    ),
    Kind.ASC_H: Nucleus(
        8.5, 0.17, 0.78, 0.3, longer=(1.05, 1.6), wavy=(0.02, 0.055), fine=(0.08, 0.22),
        clumped=(0.1, 0.4), membrane=(0.2, 0.8), smooth=0.12, dented=0.2, grooved=0.15,
    ),
    Kind.HSIL: Nucleus(
        9.0, 0.18, 0.92, 0.24, longer=(1.0, 1.7), wavy=(0.035, 0.09), fine=(0.1, 0.25),
        clumped=(0.3, 0.8), membrane=(0.4, 1.1), smooth=0.08, dented=0.35, grooved=0.25, twin=0.03,
    ),
    Kind.SCC: Nucleus(
        9.6, 0.24, 1.0, 0.3, longer=(1.1, 2.6), wavy=(0.03, 0.1), fine=(0.1, 0.25),
        clumped=(0.25, 0.7), membrane=(0.2, 1.0), smooth=0.35, nucleolus=0.3, dented=0.3,
        grooved=0.15, twin=0.05,
    ),
    Kind.BARE_NUCLEUS: Nucleus(
        7.0, 0.17, 0.6, 0.35, longer=(1.0, 1.6), smooth=0.2, membrane=(0.05, 0.4), dented=0.1
    ),
}  # fmt: skip
"""Source: nuclear areas of about 35 to 42 um2 (intermediate), 20 to 30 (superficial), three times
the intermediate one and more in low-grade lesions, a nuclear share of over half the cell in
high-grade ones, as the Bethesda system describes them; spreads and densities were set beside public
Papanicolaou fields, where neighbouring classes overlap in both."""

_SCALE = {Preparation.SUREPATH: 0.95}


def draw(
    rng: np.random.Generator,
    kind: Kind,
    look: Appearance,
    um_per_px: float,
    preparation: Preparation,
) -> tuple[Layers, float]:
    """A nucleus, or two of them; and the diameter in um of the circle of one's area."""
    like = RECIPES[kind]
    diameter_um = like.diameter_um * float(np.exp(rng.normal(0, like.spread)))
    diameter_um *= _SCALE.get(preparation, 1.0)
    outlines = [_outline(rng, like, diameter_um)]
    if rng.uniform() < like.twin:
        diameter_um *= 0.86
        apart = diameter_um * rng.uniform(0.36, 0.58) * np.array([0.3, 1.0])
        outlines = [_outline(rng, like, diameter_um) + apart * side for side in (-1, 1)]
    reach_um = max(float(np.abs(outline).max()) for outline in outlines) + 0.5
    size_px = shapes.side_px(reach_um, um_per_px)
    density = like.density * float(np.exp(rng.normal(0, like.uneven)))
    is_smooth = rng.uniform() < like.smooth
    thickness = np.zeros((size_px, size_px), np.float32)
    for outline in outlines:
        mask = texture.softened(
            shapes.filled(outline, size_px, um_per_px), rng.uniform(0.06, 0.18), um_per_px
        )
        body = (
            _smooth(rng, mask, um_per_px) if is_smooth else _chromatin(rng, like, mask, um_per_px)
        )
        thickness = np.maximum(thickness, body * mask) + 0.35 * np.minimum(thickness, body * mask)
    density *= 1.2 if is_smooth else 1.0
    return [(thickness * np.float32(density), varied(rng, look.nucleus, 0.05))], diameter_um


def _outline(rng: np.random.Generator, like: Nucleus, diameter_um: float) -> Outline:
    """Longer along x than along y; the middle of its box at the reference point."""
    outline = shapes.blob(rng, diameter_um / 2, rng.uniform(*like.longer), rng.uniform(*like.wavy))
    if rng.uniform() < like.dented:
        outline = shapes.dented(rng, outline, rng.uniform(0.15, 0.5) * diameter_um / 2)
    angle = rng.normal(0, 0.35)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    outline = outline @ turn
    return np.asarray(outline - (outline.min(axis=0) + outline.max(axis=0)) / 2)


def _smooth(rng: np.random.Generator, mask: Map, um_per_px: float) -> Map:
    """Shrunken or smudged: all structure lost."""
    cloudy = texture.grain(rng, len(mask), 1.3 / um_per_px)
    return np.asarray(1 + rng.uniform(0.02, 0.1) * cloudy, np.float32)


def _chromatin(rng: np.random.Generator, like: Nucleus, mask: Map, um_per_px: float) -> Map:
    """Thickness of the dye where the nucleus is; about 1 on the whole."""
    size_px = len(mask)
    depth = shapes.depth_um(mask, um_per_px)
    fine = texture.grain(rng, size_px, 0.26 / um_per_px)
    coarse = texture.grain(rng, size_px, rng.uniform(0.34, 0.62) / um_per_px)
    cloudy = texture.grain(rng, size_px, 1.8 / um_per_px)
    clumps = 1.9 / (1 + np.exp(-3.5 * (coarse - 0.35))) - 0.7
    body = 1 + rng.uniform(*like.fine) * fine + rng.uniform(*like.clumped) * clumps
    body = np.clip(body + 0.1 * cloudy, 0.3, 2.2)
    rim = np.exp(-(((depth - 0.2) / 0.3) ** 2)) * np.clip(0.8 + 0.45 * cloudy, 0.1, 1.8)
    body = body * 0.92 + rng.uniform(*like.membrane) * rim
    x, y = texture.distance_um(size_px, um_per_px)
    if rng.uniform() < like.grooved:
        bend = rng.normal(0, 0.5) + rng.normal(0, 0.15) * x + rng.normal(0, 0.04) * x**2
        body += rng.uniform(0.2, 0.5) * np.exp(-(((y - bend) / 0.3) ** 2))
    if rng.uniform() < like.nucleolus:
        for _ in range(int(rng.integers(1, 4))):
            middle = rng.normal(0, 0.14, 2) * size_px * um_per_px
            away = ((x - middle[0]) ** 2 + (y - middle[1]) ** 2) / rng.uniform(0.5, 1.05) ** 2
            body += rng.uniform(0.4, 0.9) * np.exp(-(away**2))
    return np.asarray(body, np.float32)
