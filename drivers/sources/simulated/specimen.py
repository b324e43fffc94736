"""What lies on a simulated slide, and where: drawn by chance from a seed, known exactly.

The truth is data of the source. It never goes on the wire.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from drivers.problem import Problem, Refusal, shown
from drivers.sources.simulated.sprites import Kind, Stock

Class = Literal["negative", "low", "high"]

SQUAMOUS_PER_MM2 = 220
"""Source: a ThinPrep spot of 314 mm2 holds 40,000 to 70,000 cells on an adequate slide."""
SCANT_PER_MM2 = 30
NEUTROPHILS_PER_MM2 = 110
DEBRIS_PER_MM2 = 160
_MIXTURE = {
    Kind.SUPERFICIAL: 0.44,
    Kind.INTERMEDIATE: 0.46,
    Kind.PARABASAL: 0.07,
    Kind.REACTIVE: 0.03,
}
_MARGIN_UM = 60
"""Cells lie this far beyond the planned ground, so that its edge looks like the rest."""


@dataclass(frozen=True, slots=True)
class Contents:
    """How much of what a specimen holds."""

    squamous_per_mm2: int = SQUAMOUS_PER_MM2
    low: int = 0
    """Planted low-grade cells, on the whole slide."""
    high: int = 0
    neutrophils_per_mm2: int = NEUTROPHILS_PER_MM2
    debris_per_mm2: int = DEBRIS_PER_MM2


PRESETS = {
    "negative": Contents(),
    "low": Contents(low=80),
    "high": Contents(low=40, high=60),
    "scant": Contents(squamous_per_mm2=SCANT_PER_MM2),
}
"""Specimens by name."""


def preset(name: str) -> Contents:
    """A specimen by its name.

    Raises:
        Refusal: There is none of that name.
    """
    if name not in PRESETS:
        remedy = f"Choose one of {', '.join(PRESETS)}"
        raise Refusal(Problem("specimen", shown(name), "is no specimen that we know", remedy))
    return PRESETS[name]


@dataclass(frozen=True, slots=True)
class Ground:
    """The rectangle that cells are strewn over, as pixels of the rendering lattice."""

    left: int
    top: int
    width: int
    height: int
    nm_per_px: int

    @property
    def area_mm2(self) -> float:
        """Its area."""
        return self.width * self.height * self.nm_per_px**2 / 1e12


@dataclass(frozen=True, slots=True)
class TrueCell:
    """One squamous cell as it was put there."""

    kind: Kind
    x_nm: int
    """Middle of its nucleus, in the slide's frame."""
    y_nm: int
    diameter_nm: int
    """Of the circle that has its nucleus' area."""

    @property
    def class_(self) -> Class:
        """What a reader should call it."""
        return {Kind.LOW: "low", Kind.HIGH: "high"}.get(self.kind, "negative")  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class Population:
    """All that lies on a slide: one entry a thing. All arrays have shape (n,)."""

    nm_per_px: int
    column: npt.NDArray[np.int32]
    """Pixel of the slide's rendering lattice that holds the reference point."""
    row: npt.NDArray[np.int32]
    kind: npt.NDArray[np.uint8]
    cytoplasm: npt.NDArray[np.uint8]
    """Index in the stock of its kind."""
    nucleus: npt.NDArray[np.uint8]
    way: npt.NDArray[np.uint8]
    """Attitude of the cytoplasm (0 to 7) plus 8 times that of the nucleus."""

    def within(self, left: int, top: int, width: int, height: int) -> npt.NDArray[np.intp]:
        """Indices of what has its reference point in a rectangle of lattice pixels."""
        return np.flatnonzero(
            (self.column >= left)
            & (self.column < left + width)
            & (self.row >= top)
            & (self.row < top + height)
        )

    def truth(self, stock: Stock, which: npt.NDArray[np.intp]) -> list[TrueCell]:
        """The squamous cells among these entries."""
        cells = []
        for index in which.tolist():
            kind = Kind(int(self.kind[index]))
            if kind.is_squamous:
                x_nm, y_nm = (
                    int(place[index]) * self.nm_per_px + self.nm_per_px // 2
                    for place in (self.column, self.row)
                )
                diameter_nm = stock.diameters_nm[kind][int(self.nucleus[index])]
                cells.append(TrueCell(kind, x_nm, y_nm, diameter_nm))
        return cells


def populate(
    rng: np.random.Generator, contents: Contents, ground: Ground, stock: Stock
) -> Population:
    """Strews a specimen over its ground: single cells, groups, swarms of neutrophils."""
    margin = _MARGIN_UM * 1_000 // ground.nm_per_px
    wide = Ground(
        ground.left - margin,
        ground.top - margin,
        ground.width + 2 * margin,
        ground.height + 2 * margin,
        ground.nm_per_px,
    )
    places: list[npt.NDArray[np.int32]] = []
    kinds: list[npt.NDArray[np.uint8]] = []

    def strew(where: npt.NDArray[np.int32], what: npt.NDArray[np.uint8]) -> None:
        places.append(where)
        kinds.append(what)

    normal = _strewn(rng, wide, contents.squamous_per_mm2, 0.35, 4, 34.0)
    shares = list(_MIXTURE.values())
    strew(normal, rng.choice(list(_MIXTURE), len(normal), p=shares).astype(np.uint8))
    for kind, many in ((Kind.LOW, contents.low), (Kind.HIGH, contents.high)):
        strew(_planted(rng, ground, many), np.full(many, kind, np.uint8))
    swarms = _strewn(rng, wide, contents.neutrophils_per_mm2, 0.6, 9, 22.0)
    strew(swarms, np.full(len(swarms), Kind.NEUTROPHIL, np.uint8))
    debris = _strewn(rng, wide, contents.debris_per_mm2, 0.3, 6, 40.0)
    strew(debris, np.full(len(debris), Kind.DEBRIS, np.uint8))

    column, row = np.concatenate(places).T
    kind_of = np.concatenate(kinds)
    nucleus, cytoplasm = np.zeros_like(kind_of), np.zeros_like(kind_of)
    for kind in Kind:
        chosen = kind_of == kind
        many = int(chosen.sum())
        nucleus[chosen] = rng.integers(len(stock.nuclei[kind]), size=many)
        if kind in stock.cytoplasm:
            cytoplasm[chosen] = rng.integers(len(stock.cytoplasm[kind]), size=many)
    way = rng.integers(64, size=len(kind_of)).astype(np.uint8)
    return Population(ground.nm_per_px, column, row, kind_of, cytoplasm, nucleus, way)


def _strewn(
    rng: np.random.Generator,
    ground: Ground,
    per_mm2: int,
    grouped: float,
    group: int,
    spread_um: float,
) -> npt.NDArray[np.int32]:
    """Places by chance, a share of them in groups; int32, shape (n, 2): column, row."""
    size = np.array([ground.width, ground.height])
    corner = np.array([ground.left, ground.top], np.int32)
    many = int(rng.poisson(per_mm2 * ground.area_mm2))
    groups = round(many * grouped / group)
    middles = rng.uniform(0, 1, (max(groups, 1), 2)) * size
    in_groups = round(many * grouped) if groups else 0
    scatter = rng.normal(0, spread_um * 1_000 / ground.nm_per_px, (in_groups, 2))
    together = middles[rng.integers(len(middles), size=in_groups)] + scatter
    alone = rng.uniform(0, 1, (many - in_groups, 2)) * size
    places: npt.NDArray[np.int32] = np.concatenate([together % size, alone]).astype(np.int32)
    return places + corner


def _planted(rng: np.random.Generator, ground: Ground, many: int) -> npt.NDArray[np.int32]:
    """Exactly so many places on the planned ground, in loose groups of two or three."""
    size = np.array([ground.width, ground.height])
    middles = rng.uniform(0.04, 0.96, (max(1, round(many / 2.5)), 2)) * size
    scatter = rng.normal(0, 32_000 / ground.nm_per_px, (many, 2))
    places = middles[rng.integers(len(middles), size=many)] + scatter
    inside: npt.NDArray[np.int32] = np.clip(places, 0, size - 1).astype(np.int32)
    return inside + np.array([ground.left, ground.top], np.int32)
