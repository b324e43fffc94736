"""Cytoplasm: outline, thickness, folds, halo and dye, kind by kind."""

import cv2
import numpy as np

from drivers.scanner.words import Preparation
from drivers.sources.simulated import shapes
from drivers.sources.simulated.kinds import Kind
from drivers.sources.simulated.shapes import Layers, Map
from drivers.sources.simulated.stain import Appearance, Vector

RECIPES = {
    Kind.SUPERFICIAL: (20.0, 28.0),
    Kind.INTERMEDIATE: (17.0, 26.0),
    Kind.PARABASAL: (8.0, 12.0),
    Kind.METAPLASTIC: (8.0, 12.0),
    Kind.ENDOCERVICAL: (7.0, 9.0),
    Kind.REACTIVE: (14.0, 24.0),
    Kind.ATROPHIC: (7.0, 11.0),
    Kind.LSIL: (17.0, 27.0),
    Kind.ASC_H: (6.5, 9.5),
    Kind.HSIL: (6.8, 10.0),
    Kind.SCC: (7.0, 14.0),
}
"""Radius in um, from and to."""
_ROUND = {
    Kind.PARABASAL,
    Kind.METAPLASTIC,
    Kind.ENDOCERVICAL,
    Kind.ATROPHIC,
    Kind.ASC_H,
    Kind.HSIL,
    Kind.SCC,
}


def draw(
    rng: np.random.Generator,
    kind: Kind,
    look: Appearance,
    um_per_px: float,
    preparation: Preparation,
) -> Layers:
    """A cytoplasm, its nucleus' place in the middle."""
    del preparation
    radius_um = rng.uniform(*RECIPES[kind])
    is_round = kind in _ROUND
    if is_round:
        outline = shapes.blob(rng, radius_um, rng.uniform(1.0, 1.35), 0.03)
    else:
        outline = shapes.polygon(rng, radius_um * 1.12, int(rng.integers(5, 9)), 0.22, 2)
        outline = shapes.ragged(rng, outline, rng.uniform(0.1, 0.45))
    outline = outline + rng.uniform(-0.12, 0.12, 2) * radius_um * (0.6 if is_round else 1.0)
    size_px = shapes.side_px(float(np.abs(outline).max()), um_per_px)
    mask = shapes.filled(outline, size_px, um_per_px)
    depth = shapes.depth_um(mask, um_per_px)
    thickness = 0.62 + 0.3 * np.exp(-depth / 0.9) + 0.35 * (1 - np.exp(-depth / 9))
    thickness = thickness * (
        1
        + 0.13 * shapes.grain(rng, size_px, 4.5 / um_per_px)
        + 0.10 * shapes.grain(rng, size_px, 0.45 / um_per_px)
    )
    if not is_round:
        folded = shapes.folds(rng, mask, radius_um, um_per_px, int(rng.integers(0, 4)))
        thickness = thickness + folded
    if kind is Kind.LSIL and rng.uniform() < 0.5:
        thickness = thickness * _halo(rng, size_px, um_per_px)
    amount = rng.uniform(0.18, 0.36) if is_round else rng.uniform(0.09, 0.24)
    dye = _dye(rng, kind, look)
    granules = _granules(rng, mask, um_per_px)
    return [(thickness * mask * amount, dye), (granules, look.nucleus)]


def _dye(rng: np.random.Generator, kind: Kind, look: Appearance) -> Vector:
    pink_share = {Kind.SUPERFICIAL: look.pink_share, Kind.LSIL: 0.4, Kind.INTERMEDIATE: 0.1}
    if rng.uniform() >= pink_share.get(kind, 0.05):
        return np.asarray(look.green + rng.uniform(0, 0.3) * look.nucleus, np.float32)
    share = rng.beta(0.8, 0.8)
    mixed = share * look.pink + (1 - share) * look.orange + rng.uniform(0, 0.15) * look.nucleus
    return np.asarray(mixed, np.float32)


def _halo(rng: np.random.Generator, size_px: int, um_per_px: float) -> Map:
    """A koilocyte's clear zone around the nucleus, with a dense rim."""
    y, x = (np.mgrid[:size_px, :size_px] - size_px // 2) * um_per_px
    distance = np.hypot(x, y * rng.uniform(0.8, 1.2)) / rng.uniform(9.5, 12.5)
    distance = distance + 0.09 * shapes.grain(rng, size_px, 2.5 / um_per_px)
    clear = 1 - rng.uniform(0.5, 0.8) / (1 + np.exp((distance - 1) * 10))
    return np.asarray(clear + 0.5 * np.exp(-(((distance - 1.12) / 0.12) ** 2)), np.float32)


def _granules(rng: np.random.Generator, mask: Map, um_per_px: float) -> Map:
    """Small dark keratohyaline granules and bacteria on the cell."""
    dots = (rng.uniform(size=mask.shape) < rng.uniform(0, 0.05) ** 2) * mask
    soft = cv2.GaussianBlur(dots.astype(np.float32), (0, 0), 0.3 / um_per_px)
    return np.asarray(soft, np.float32) * 0.9
