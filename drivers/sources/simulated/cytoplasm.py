"""Cytoplasm: outline, thickness, wrinkles, folds, halo and dye, kind by kind."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from drivers.scanner.words import Preparation
from drivers.sources.simulated import shapes, texture
from drivers.sources.simulated.kinds import Kind
from drivers.sources.simulated.shapes import Layers, Map, Outline
from drivers.sources.simulated.stain import Appearance, Vector, varied

_Range = tuple[float, float]
_Form = Literal["sheet", "round", "column", "spindle"]


@dataclass(frozen=True, slots=True)
class Cytoplasm:
    """How the cytoplasm of one kind varies. Pairs are (from, to)."""

    radius_um: _Range
    amount: _Range
    """Thickness of the dye."""
    form: _Form = "round"
    pink: float = 0.05
    """Share that is pink or orange on a slide of usual warmth."""
    longer: _Range = (1.0, 1.35)
    aside: float = 0.12
    """How far the nucleus lies off the middle, as a share of the radius."""
    grainy: _Range = (0.05, 0.17)
    halo: float = 0.0
    """Share with a wide clear zone and a dense rim about the nucleus."""
    cleft: float = 0.0
    """Share with a narrow clear ring about the nucleus."""
    cleft_um: float = 4.0
    foamy: float = 0.0
    """Share full of vacuoles."""
    spidery: float = 0.0
    """Share with drawn-out processes."""
    ragged_um: _Range = (0.04, 0.18)


RECIPES = {
    Kind.SUPERFICIAL: Cytoplasm(
        (19.0, 27.0), (0.09, 0.24), "sheet", 0.7, (1.0, 1.4), cleft=0.25, cleft_um=3.7
    ),
    Kind.INTERMEDIATE: Cytoplasm((16.0, 26.0), (0.08, 0.23), "sheet", 0.2, (1.0, 1.5)),
    Kind.PARABASAL: Cytoplasm((8.0, 13.0), (0.2, 0.42), pink=0.08, grainy=(0.08, 0.18)),
    Kind.METAPLASTIC: Cytoplasm(
        (8.5, 13.0), (0.22, 0.5), pink=0.1, longer=(1.0, 1.5), aside=0.2, foamy=0.15, spidery=0.3
    ),
    Kind.ENDOCERVICAL: Cytoplasm(
        (5.6, 7.4), (0.12, 0.3), "column", longer=(1.1, 2.6), aside=0.08, foamy=0.3
    ),
    Kind.REACTIVE: Cytoplasm(
        (11.0, 24.0), (0.14, 0.32), "sheet", 0.3, (1.0, 1.5), cleft=0.45, cleft_um=6.3
    ),
    Kind.ATROPHIC: Cytoplasm(
        (7.0, 11.5), (0.16, 0.42), longer=(1.0, 1.7), aside=0.18, ragged_um=(0.05, 0.25)
    ),
    Kind.LSIL: Cytoplasm((14.0, 26.0), (0.14, 0.34), "sheet", 0.4, (1.0, 1.5), halo=0.5),
    Kind.ASC_H: Cytoplasm(
        (6.6, 10.5), (0.2, 0.5), pink=0.15, longer=(1.0, 1.6), aside=0.2, ragged_um=(0.03, 0.2)
    ),
    Kind.HSIL: Cytoplasm(
        (5.9, 9.4), (0.16, 0.46), pink=0.08, longer=(1.0, 1.8), aside=0.16, foamy=0.15,
        spidery=0.1, ragged_um=(0.03, 0.22),
    ),
    Kind.SCC: Cytoplasm(
        (6.5, 13.0), (0.16, 0.52), "spindle", 0.5, (1.0, 3.6), aside=0.16, ragged_um=(0.03, 0.22)
    ),
}  # fmt: skip
"""Source: cell sizes as the Bethesda system describes them; thickness, colours and forms were set
beside public Papanicolaou fields."""

_SCALE = {Preparation.SUREPATH: 0.86, Preparation.CONVENTIONAL: 1.08}


def draw(
    rng: np.random.Generator,
    kind: Kind,
    look: Appearance,
    um_per_px: float,
    preparation: Preparation,
) -> Layers:
    """A cytoplasm, its nucleus' place in the middle."""
    like, is_smear = RECIPES[kind], preparation is Preparation.CONVENTIONAL
    radius_um = float(rng.uniform(*like.radius_um))
    if like.form == "sheet":
        radius_um *= _SCALE.get(preparation, 1.0)
    outline = _outline(rng, like, radius_um, preparation)
    size_px = shapes.side_px(float(np.abs(outline).max()), um_per_px)
    mask = shapes.filled(outline, size_px, um_per_px)
    if like.form == "sheet":
        thickness = _sheet(rng, mask, um_per_px, is_smear)
    else:
        thickness = _body(rng, like, mask, um_per_px)
    fine = texture.grain(rng, size_px, rng.uniform(0.22, 0.4) / um_per_px)
    thickness = thickness * (1 + rng.uniform(*like.grainy) * fine)
    if rng.uniform() < like.halo:
        thickness = thickness * _halo(rng, size_px, um_per_px)
    if rng.uniform() < like.cleft:
        thickness = thickness * _cleft(rng, like.cleft_um, size_px, um_per_px)
    if rng.uniform() < like.foamy:
        thickness = thickness * _vacuoles(rng, size_px, um_per_px)
    dyed = np.maximum(thickness, 0) * np.float32(rng.uniform(*like.amount) * look.depth)
    layers: Layers = [(dyed, _dye(rng, kind, look))]
    if rng.uniform() < 0.55:
        other = _mixing(rng, size_px, um_per_px)
        layers = [(dyed * (1 - other), layers[0][1]), (dyed * other, _dye(rng, kind, look))]
    if like.form == "sheet":
        many = int(rng.integers(0, 200) * rng.uniform())
        granules = texture.dots(rng, mask, um_per_px, many)
        strength = rng.uniform(0.05, 0.2) if many > 25 else rng.uniform(0.2, 0.9)
        layers.append((granules * np.float32(strength), look.nucleus))
    return layers


def _outline(
    rng: np.random.Generator, like: Cytoplasm, radius_um: float, preparation: Preparation
) -> Outline:
    """Longer along x than along y, as its nucleus is."""
    longer = float(rng.uniform(*like.longer))
    if like.form == "sheet":
        rounds = int(rng.integers(1, 4)) + 2 * (preparation is Preparation.SUREPATH)
        uneven = rng.uniform(0.12, 0.34)
        outline = shapes.polygon(rng, radius_um * 1.1, int(rng.integers(5, 9)), uneven, rounds)
        outline = outline * (np.sqrt(longer), 1 / np.sqrt(longer))
    elif like.form == "column":
        outline = shapes.boxed(rng, radius_um, longer)
    elif like.form == "spindle" and longer > 2.2:
        outline = shapes.tapered(rng, radius_um, longer)
    else:
        outline = shapes.blob(rng, radius_um, longer, rng.uniform(0.02, 0.06))
    if rng.uniform() < like.spidery:
        outline = shapes.spidery(rng, outline, int(rng.integers(1, 4)))
    outline = shapes.ragged(rng, outline, rng.uniform(*like.ragged_um))
    angle = rng.normal(0, 0.3)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    aside = rng.uniform(-1, 1, 2) * like.aside * radius_um
    if like.form == "column":
        aside = np.array([max(0.0, radius_um * np.sqrt(longer) - 5.6), aside[1]])
    return np.asarray((outline + aside) @ turn)


def _mixing(rng: np.random.Generator, size_px: int, um_per_px: float) -> Map:
    """Where a cell took up its second stain: patches, or towards its edge."""
    cloudy = texture.grain(rng, size_px, 6.0 / um_per_px)
    outward = texture.away_um(size_px, um_per_px) / rng.uniform(8, 18) - 1
    amount = 0.5 * cloudy + rng.uniform(0, 2.5) * outward + rng.normal(-0.5, 1)
    return np.asarray(1 / (1 + np.exp(-2 * np.clip(amount, -8, 8))), np.float32)


def _sheet(rng: np.random.Generator, mask: Map, um_per_px: float, is_smear: bool) -> Map:
    """A thin flat cell: wrinkled, creased, its edge rolled here and there, at times folded over."""
    size_px = len(mask)
    depth = shapes.depth_um(mask, um_per_px)
    cloudy = texture.grain(rng, size_px, 5.0 / um_per_px)
    middle = np.exp(-((texture.away_um(size_px, um_per_px) / rng.uniform(6, 13)) ** 2))
    sheet = 0.75 + rng.uniform(0, 0.5) * middle + rng.uniform(0.08, 0.2) * cloudy
    rolled = np.exp(-depth / rng.uniform(0.5, 1.2)) * np.clip(0.2 + 0.75 * cloudy, 0, 1.6)
    border = np.exp(-(((depth - 0.3) / 0.3) ** 2))
    sheet = sheet + rng.uniform(0.2, 0.9) * rolled + rng.uniform(0.1, 0.7) * border
    net = texture.wrinkles(rng, size_px, rng.uniform(1.6, 3.5) / um_per_px)
    net = np.asarray(net * (0.35 + 0.65 * np.exp(-depth / 7)), np.float32)
    sheet = sheet + rng.uniform(0.05, 0.7 if is_smear else 0.5) * net
    fibres = texture.streaks(rng, size_px, 0.5 / um_per_px, 4)
    sheet = sheet + rng.uniform(0.0, 0.12 if is_smear else 0.06) * fibres
    sheet = (sheet - rng.uniform(0, 0.45) * np.exp(-depth / rng.uniform(3, 7))) * mask
    sheet = sheet + texture.creases(rng, mask, um_per_px, int(rng.integers(0, 8)))
    for _ in range(int(rng.binomial(3, 0.27 if is_smear else 0.12))):
        sheet = texture.folded_over(rng, np.asarray(sheet, np.float32))
    return np.asarray(sheet, np.float32)


def _body(rng: np.random.Generator, like: Cytoplasm, mask: Map, um_per_px: float) -> Map:
    """A small thick cell: denser inside or towards its edge, lacy or glassy."""
    size_px = len(mask)
    depth = shapes.depth_um(mask, um_per_px)
    cloudy = texture.grain(rng, size_px, 2.2 / um_per_px)
    lacy = texture.grain(rng, size_px, rng.uniform(0.5, 0.9) / um_per_px)
    body = 0.45 + 0.55 * (1 - np.exp(-depth / rng.uniform(0.8, 2.5)))
    body = body + rng.uniform(0.0, 0.45) * np.exp(-(((depth - 0.6) / 0.5) ** 2))
    body = body + rng.uniform(-0.25, 0.25) * np.exp(-(((depth - 3.5) / 1.5) ** 2))
    body = body * np.clip(1 + 0.08 * cloudy + rng.uniform(0.02, 0.16) * lacy, 0.2, 2)
    if like.form == "spindle":
        body = body + rng.uniform(0, 0.2) * texture.streaks(rng, size_px, 0.5 / um_per_px, 4)
    edge = texture.softened(mask, rng.uniform(0.1, 0.45), um_per_px)
    return np.asarray(body * edge, np.float32)


def _halo(rng: np.random.Generator, size_px: int, um_per_px: float) -> Map:
    """A koilocyte's clear zone about the nucleus, with a dense, sharp rim."""
    x, y = texture.distance_um(size_px, um_per_px)
    away = np.hypot(x - rng.normal(0, 1.2), (y - rng.normal(0, 1.2)) * rng.uniform(0.75, 1.25))
    away = away / rng.uniform(8.5, 13.0)
    away = away + rng.uniform(0.05, 0.12) * texture.grain(rng, size_px, 2.6 / um_per_px)
    clear = 1 - rng.uniform(0.35, 0.8) / (
        1 + np.exp(np.minimum((away - 1) * rng.uniform(12, 35), 30))
    )
    rim = np.exp(-(((away - 1.1) / rng.uniform(0.08, 0.2)) ** 2))
    return np.asarray(clear + rng.uniform(0.3, 0.9) * rim, np.float32)


def _cleft(rng: np.random.Generator, radius_um: float, size_px: int, um_per_px: float) -> Map:
    away = texture.away_um(size_px, um_per_px) / (radius_um * rng.uniform(0.85, 1.15))
    away = away + 0.06 * texture.grain(rng, size_px, 1.5 / um_per_px)
    return np.asarray(
        1 - rng.uniform(0.3, 0.8) / (1 + np.exp(np.minimum((away - 1) * 20, 30))), np.float32
    )


def _vacuoles(rng: np.random.Generator, size_px: int, um_per_px: float) -> Map:
    bubbles = texture.grain(rng, size_px, rng.uniform(0.4, 0.8) / um_per_px)
    return np.asarray(1 - rng.uniform(0.2, 0.5) / (1 + np.exp(-3 * (bubbles - 0.3))), np.float32)


def _dye(rng: np.random.Generator, kind: Kind, look: Appearance) -> Vector:
    if rng.uniform() >= RECIPES[kind].pink * look.warmth:
        blue = look.blue_share * rng.uniform(0.3, 1.2)
        return varied(rng, (1 - blue) * look.green + blue * look.nucleus, 0.06)
    is_orange = rng.uniform() < look.orange_share
    share = rng.beta(4, 1.5) if is_orange else rng.beta(1, 4)
    mixed = (1 - share) * look.pink + share * look.orange
    other = rng.beta(1, 5)  # what took up two stains looks brown or mauve
    return varied(rng, (1 - other) * mixed + other * look.green, 0.06)
