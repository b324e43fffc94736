"""A slide's stock of drawn cell parts, from which all its cells are put together.

A cell is a cytoplasm and a nucleus, each one of the stock, turned and mirrored. Drawing a field is
then adding small arrays of integers, the same sums in whatever order.
"""

from dataclasses import dataclass
from enum import IntEnum

import cv2
import numpy as np
import numpy.typing as npt

from drivers.sources.simulated import shapes
from drivers.sources.simulated.shapes import Map
from drivers.sources.simulated.stain import Appearance, Vector

Sprite = npt.NDArray[np.int16]
"""int16, shape (n, n, 3), n odd: optical density in 1/1,024, red, green, blue."""
DENSITY_STEPS = 1_024
PSF_UM = 0.32
"""Standard deviation of the sharp image's blur. Source: 0.21 x 550 nm / NA 0.4, rounded up."""


class Kind(IntEnum):
    """What lies on the slide."""

    SUPERFICIAL = 0
    INTERMEDIATE = 1
    PARABASAL = 2
    REACTIVE = 3
    """A benign cell with an enlarged, pale nucleus."""
    LOW = 4
    """Low grade: nucleus 2.5 to 3 times the normal area, dark, in a large cytoplasm."""
    HIGH = 5
    """High grade: a dark, irregular nucleus that leaves little room for cytoplasm."""
    NEUTROPHIL = 6
    DEBRIS = 7

    @property
    def is_squamous(self) -> bool:
        """Whether it is a cell that adequacy counts."""
        return self <= Kind.HIGH


@dataclass(frozen=True, slots=True)
class _Nucleus:
    """How the nuclei of one kind vary: (from, to) of each measure."""

    diameter_um: tuple[float, float]
    longer: tuple[float, float]
    wavy: tuple[float, float]
    density: tuple[float, float]
    coarse: tuple[float, float]
    """Contrast of the chromatin."""


_NUCLEI = {
    Kind.SUPERFICIAL: _Nucleus((5.6, 6.8), (1.0, 1.3), (0.01, 0.03), (0.85, 1.15), (0.05, 0.12)),
    Kind.INTERMEDIATE: _Nucleus((7.0, 8.6), (1.05, 1.4), (0.01, 0.03), (0.38, 0.7), (0.1, 0.2)),
    Kind.PARABASAL: _Nucleus((7.4, 9.0), (1.0, 1.25), (0.01, 0.03), (0.45, 0.75), (0.1, 0.2)),
    Kind.REACTIVE: _Nucleus((9.0, 10.4), (1.05, 1.3), (0.01, 0.03), (0.32, 0.5), (0.06, 0.14)),
    Kind.LOW: _Nucleus((11.6, 14.0), (1.05, 1.4), (0.03, 0.06), (0.7, 1.0), (0.14, 0.26)),
    Kind.HIGH: _Nucleus((10.6, 14.2), (1.1, 1.6), (0.05, 0.1), (0.8, 1.25), (0.2, 0.36)),
}
"""Source: nuclear areas of about 35 um2 (intermediate), 20 to 30 (superficial), 2.5 to 3 times the
intermediate one in low-grade lesions, and a nuclear share of over half the cell in high-grade ones,
as the Bethesda system describes them."""

_CYTOPLASM_RADIUS_UM = {
    Kind.SUPERFICIAL: (20.0, 28.0),
    Kind.INTERMEDIATE: (17.0, 26.0),
    Kind.PARABASAL: (8.0, 12.0),
    Kind.REACTIVE: (16.0, 24.0),
    Kind.LOW: (19.0, 27.0),
    Kind.HIGH: (7.8, 10.5),
}
_STOCK = {Kind.SUPERFICIAL: 40, Kind.INTERMEDIATE: 48, Kind.NEUTROPHIL: 32, Kind.DEBRIS: 48}
"""How many of each part are drawn; 24 where not said."""


@dataclass(frozen=True, slots=True)
class Stock:
    """All sprites of a slide. Bounded by `_STOCK`: about 12 MB."""

    cytoplasm: dict[Kind, tuple[Sprite, ...]]
    nuclei: dict[Kind, tuple[Sprite, ...]]
    """Neutrophils and debris are here, without a cytoplasm."""
    diameters_nm: dict[Kind, tuple[int, ...]]
    """Of each nucleus: that of the circle of its area. 0 for what is no nucleus."""
    largest_px: int
    """Side of the largest sprite."""


def draw_stock(rng: np.random.Generator, look: Appearance, um_per_px: float) -> Stock:
    """All sprites of one slide, by chance."""
    cytoplasm: dict[Kind, tuple[Sprite, ...]] = {}
    nuclei: dict[Kind, tuple[Sprite, ...]] = {}
    diameters_nm: dict[Kind, tuple[int, ...]] = {}
    for kind in Kind:
        many = range(_STOCK.get(kind, 24))
        if kind.is_squamous:
            cytoplasm[kind] = tuple(_cytoplasm(rng, kind, look, um_per_px) for _ in many)
            drawn = [_nucleus(rng, _NUCLEI[kind], look, um_per_px) for _ in many]
            nuclei[kind] = tuple(sprite for sprite, _ in drawn)
            diameters_nm[kind] = tuple(round(1_000 * diameter) for _, diameter in drawn)
        else:
            draw = _neutrophil if kind is Kind.NEUTROPHIL else _debris
            nuclei[kind] = tuple(draw(rng, look, um_per_px) for _ in many)
            diameters_nm[kind] = (0,) * len(many)
    largest_px = max(
        len(s) for stock in (cytoplasm, nuclei) for all_ in stock.values() for s in all_
    )
    return Stock(cytoplasm, nuclei, diameters_nm, largest_px)


def turned(sprite: Sprite, way: int) -> Sprite:
    """The sprite in one of its 8 attitudes, as a view; `way` is 0 to 7."""
    if way & 1:
        sprite = sprite[::-1]
    if way & 2:
        sprite = sprite[:, ::-1]
    return sprite.transpose(1, 0, 2) if way & 4 else sprite


def _sprite(layers: list[tuple[Map, Vector]], um_per_px: float) -> Sprite:
    """Thickness maps times their dyes, blurred as the sharp image is."""
    density = sum(thickness[:, :, None] * dye for thickness, dye in layers)
    blurred = cv2.GaussianBlur(np.asarray(density, np.float32), (0, 0), PSF_UM / um_per_px)
    return np.rint(np.asarray(blurred) * DENSITY_STEPS).astype(np.int16)


def _side_px(reach_um: float, um_per_px: float) -> int:
    return 2 * int(np.ceil(reach_um / um_per_px + 2)) + 1


def _cytoplasm(rng: np.random.Generator, kind: Kind, look: Appearance, um_per_px: float) -> Sprite:
    radius_um = rng.uniform(*_CYTOPLASM_RADIUS_UM[kind])
    is_round = kind in (Kind.PARABASAL, Kind.HIGH)
    if is_round:
        outline = shapes.blob(rng, radius_um, rng.uniform(1.0, 1.35), 0.03)
    else:
        outline = shapes.polygon(rng, radius_um * 1.12, int(rng.integers(5, 9)), 0.22, 2)
        outline = shapes.ragged(rng, outline, rng.uniform(0.1, 0.45))
    outline = outline + rng.uniform(-0.12, 0.12, 2) * radius_um * (0.6 if is_round else 1.0)
    size_px = _side_px(float(np.abs(outline).max()), um_per_px)
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
    if kind is Kind.LOW and rng.uniform() < 0.5:
        thickness = thickness * _halo(rng, size_px, um_per_px)
    amount = rng.uniform(0.18, 0.36) if is_round else rng.uniform(0.09, 0.24)
    dye = _cytoplasm_dye(rng, kind, look)
    granules = _granules(rng, mask, um_per_px)
    return _sprite([(thickness * mask * amount, dye), (granules, look.nucleus)], um_per_px)


def _cytoplasm_dye(rng: np.random.Generator, kind: Kind, look: Appearance) -> Vector:
    pink_share = {Kind.SUPERFICIAL: look.pink_share, Kind.LOW: 0.4, Kind.INTERMEDIATE: 0.1}
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


def _nucleus(
    rng: np.random.Generator, like: _Nucleus, look: Appearance, um_per_px: float
) -> tuple[Sprite, float]:
    diameter_um = float(rng.uniform(*like.diameter_um))
    outline = shapes.blob(rng, diameter_um / 2, rng.uniform(*like.longer), rng.uniform(*like.wavy))
    angle = rng.uniform(0, 2 * np.pi)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    outline = outline @ turn
    outline -= (outline.min(axis=0) + outline.max(axis=0)) / 2
    size_px = _side_px(float(np.abs(outline).max()) + 1, um_per_px)
    mask = shapes.filled(outline, size_px, um_per_px)
    depth = shapes.depth_um(mask, um_per_px)
    coarse = rng.uniform(*like.coarse)
    chromatin = shapes.grain(rng, size_px, 0.55 / um_per_px)
    thickness = (0.9 + 0.25 * np.exp(-depth / 0.6)) * np.clip(1 + coarse * chromatin, 0.3, 2)
    density = rng.uniform(*like.density)
    return _sprite([(thickness * mask * density, look.nucleus)], um_per_px), diameter_um


def _neutrophil(rng: np.random.Generator, look: Appearance, um_per_px: float) -> Sprite:
    size_px = _side_px(6.5, um_per_px)
    body = shapes.filled(
        shapes.blob(rng, rng.uniform(4.6, 5.8), rng.uniform(1, 1.2), 0.04), size_px, um_per_px
    )
    lobes = np.zeros_like(body)
    many = int(rng.integers(2, 5))
    start, along = rng.uniform(0, 2 * np.pi), rng.uniform(1.2, 1.9)
    for lobe in range(many):
        angle = start + along * lobe
        middle = rng.uniform(1.7, 2.4) * np.array([np.cos(angle), np.sin(angle)])
        outline = shapes.blob(rng, rng.uniform(1.5, 2.1), rng.uniform(1, 1.5), 0.05) + middle
        lobes = np.maximum(lobes, shapes.filled(outline, size_px, um_per_px))
    return _sprite(
        [
            (lobes * float(rng.uniform(0.9, 1.3)), look.nucleus),
            (body * float(rng.uniform(0.05, 0.15)), look.green),
        ],
        um_per_px,
    )


def _debris(rng: np.random.Generator, look: Appearance, um_per_px: float) -> Sprite:
    """A speck, a red blood cell, or a shred of mucus."""
    which = rng.uniform()
    if which < 0.5:
        radius_um = rng.uniform(0.4, 1.6)
        outline = shapes.blob(rng, radius_um, rng.uniform(1, 2.5), 0.15)
        mask = shapes.filled(outline, _side_px(3 * radius_um, um_per_px), um_per_px)
        return _sprite([(mask * float(rng.uniform(0.3, 1.5)), look.nucleus)], um_per_px)
    if which < 0.7:
        outline = shapes.blob(rng, rng.uniform(2.9, 3.6), rng.uniform(1, 1.15), 0.03)
        mask = shapes.filled(outline, _side_px(5, um_per_px), um_per_px)
        rim = 0.5 + np.exp(-shapes.depth_um(mask, um_per_px) / 0.9)
        return _sprite([(mask * rim * float(rng.uniform(0.08, 0.2)), look.orange)], um_per_px)
    radius_um = rng.uniform(6, 22)
    outline = shapes.blob(rng, radius_um, rng.uniform(1, 2.2), 0.08)
    size_px = _side_px(float(np.abs(outline).max()) * 1.3, um_per_px)
    mask = shapes.filled(outline, size_px, um_per_px)
    soft = np.asarray(cv2.GaussianBlur(mask, (0, 0), 0.25 * radius_um / um_per_px), np.float32)
    ragged = np.clip(shapes.grain(rng, size_px, 1.1 / um_per_px) * 0.7 + 0.1, 0, 2)
    return _sprite([(soft * ragged * float(rng.uniform(0.05, 0.22)), look.nucleus)], um_per_px)
