"""What lies on a simulated slide, and where: drawn by chance from a seed, known exactly.

The truth is data of the source. It never goes on the wire.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from drivers.scanner.lists import PlanList
from drivers.sources.simulated import ground as grounds
from drivers.sources.simulated.ground import Groups, Places, Terrain
from drivers.sources.simulated.kinds import Kind
from drivers.sources.simulated.optics import STEP_UM
from drivers.sources.simulated.preparation import Manner
from drivers.sources.simulated.specimen import Contents
from drivers.sources.simulated.stock import Stock

_EPITHELIUM = (Kind.SUPERFICIAL, Kind.INTERMEDIATE, Kind.PARABASAL)


@dataclass(frozen=True, slots=True)
class TrueCell:
    """One epithelial cell as it was put there."""

    kind: Kind
    x_nm: int
    """Middle of its nucleus, in the slide's frame."""
    y_nm: int
    diameter_nm: int
    """Of the circle that has its nucleus' area."""


@dataclass(frozen=True, slots=True)
class Population:
    """All that lies on a slide: one entry a thing. All arrays have shape (n,)."""

    nm_per_px: int
    column: npt.NDArray[np.int32]
    """Pixel of the slide's lattice that holds the reference point."""
    row: npt.NDArray[np.int32]
    steps: npt.NDArray[np.int8]
    """Height over the slide's middle plane, in steps of the optics."""
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
        """The epithelial cells among these entries: those whose kind has a label."""
        cells = []
        for index in which.tolist():
            kind = Kind(int(self.kind[index]))
            if kind.label is not None:
                x_nm, y_nm = (
                    int(place[index]) * self.nm_per_px + self.nm_per_px // 2
                    for place in (self.column, self.row)
                )
                diameter_nm = stock.diameters_nm[kind][int(self.nucleus[index])]
                cells.append(TrueCell(kind, x_nm, y_nm, diameter_nm))
        return cells


class _Strewing:
    """Things put down so far."""

    def __init__(self, rng: np.random.Generator, manner: Manner) -> None:
        self._rng, self._manner = rng, manner
        self.places: list[Places] = []
        self.kinds: list[npt.NDArray[np.uint8]] = []
        self.heights_um: list[npt.NDArray[np.float64]] = []

    def alone(self, places: Places, kinds: npt.NDArray[np.uint8] | Kind) -> None:
        """Single things, flat on the glass but for chance."""
        self._put(places, kinds, np.full(len(places), self._manner.depth_um))

    def together(self, groups: Groups, kinds: npt.NDArray[np.uint8] | Kind) -> None:
        """Groups: the larger, the deeper."""
        self._put(
            groups.places, kinds, self._manner.depth_um * (1 + np.minimum(groups.size, 30) / 6)
        )

    def _put(
        self,
        places: Places,
        kinds: npt.NDArray[np.uint8] | Kind,
        depth_um: npt.NDArray[np.float64],
    ) -> None:
        self.places.append(places)
        self.kinds.append(np.broadcast_to(np.asarray(kinds, np.uint8), len(places)))
        height = np.clip(self._rng.standard_normal(len(places)), -2, 2)  # glass on both sides
        self.heights_um.append(height * depth_um)


def populate(
    rng: np.random.Generator,
    contents: Contents,
    manner: Manner,
    plan: PlanList,
    stock: Stock,
    nm_per_px: int,
) -> Population:
    """Strews a specimen over the ground of a plan, and beyond it by a margin."""
    contents = varied(rng, contents)
    terrain = grounds.terrain(rng, plan, manner)
    things = _Strewing(rng, manner)
    _squamous(rng, contents, manner, terrain, things)
    _columnar(rng, contents, terrain, things)
    _lesions(rng, contents, plan, things)
    _between(rng, contents, manner, terrain, things)
    places = np.concatenate(things.places)
    kinds = np.concatenate(things.kinds)
    cells = np.floor(places / nm_per_px).astype(np.int32)
    steps = np.rint(np.concatenate(things.heights_um) / STEP_UM).astype(np.int8)
    nucleus, cytoplasm = np.zeros_like(kinds), np.zeros_like(kinds)
    for kind in Kind:
        chosen = kinds == kind
        many = int(chosen.sum())
        nucleus[chosen] = rng.integers(len(stock.nuclei[kind]), size=many)
        if kind in stock.cytoplasm:
            cytoplasm[chosen] = rng.integers(len(stock.cytoplasm[kind]), size=many)
    turns = rng.integers(32, size=len(kinds))
    # Long cells have long nuclei, both drawn along one axis: these swap axes together.
    way = (turns | (turns & 4) << 3).astype(np.uint8)
    return Population(nm_per_px, cells[:, 0], cells[:, 1], steps, kinds, cytoplasm, nucleus, way)


def varied(rng: np.random.Generator, contents: Contents) -> Contents:
    """The contents as one woman's slide has them: no two specimens of a name are alike."""
    more, cells = np.exp(rng.normal(0, 0.5, 7)), rng.uniform(0.9, 1.35)
    return replace(
        contents,
        squamous_per_mm2=round(contents.squamous_per_mm2 * cells),
        metaplastic_per_mm2=round(contents.metaplastic_per_mm2 * more[0]),
        endocervical_per_mm2=round(contents.endocervical_per_mm2 * more[1]),
        neutrophils_per_mm2=round(contents.neutrophils_per_mm2 * more[2]),
        red_cells_per_mm2=round(contents.red_cells_per_mm2 * more[3] ** 2),
        mucus_per_mm2=round(contents.mucus_per_mm2 * more[4]),
        debris_per_mm2=round(contents.debris_per_mm2 * more[5]),
        clumps_per_mm2=round(contents.clumps_per_mm2 * more[6] ** 2),
        atrophy=min(1.0, contents.atrophy + float(rng.uniform() ** 6) * 0.2),
        inflammation=contents.inflammation + float(rng.uniform() ** 3) * 0.2,
    )


def _squamous(
    rng: np.random.Generator, contents: Contents, manner: Manner, terrain: Terrain, to: _Strewing
) -> None:
    """Single cells, and clumps whose cells are mostly of one kind."""
    shares = rng.dirichlet((4.5, 5.0, 0.5))
    shares = np.append(shares * (1 - contents.atrophy), contents.atrophy)
    kinds = np.asarray((*_EPITHELIUM, Kind.ATROPHIC), np.uint8)

    def of_kinds(many: int) -> npt.NDArray[np.uint8]:
        chosen = rng.choice(kinds, many, p=shares)
        is_reactive = rng.uniform(size=many) < 0.01 + 0.2 * min(contents.inflammation, 1.0)
        return np.where(is_reactive, np.uint8(Kind.REACTIVE), chosen)

    per_mm2 = contents.squamous_per_mm2 * manner.squamous
    single = terrain.strewn(rng, per_mm2 * (1 - manner.clumped))
    to.alone(single, of_kinds(len(single)))
    many = int(rng.poisson(per_mm2 * manner.clumped * terrain.area_mm2))
    sizes = grounds.group_sizes(rng, many, manner.clump, 60)
    clumps = grounds.grouped(
        rng, terrain.places(rng, len(sizes)), sizes, manner.packed_um, manner.streak
    )
    is_like_the_rest = rng.uniform(size=many) < 0.6
    mostly = of_kinds(len(sizes))[clumps.group]
    to.together(clumps, np.where(is_like_the_rest, mostly, of_kinds(many)))
    bare = terrain.strewn(rng, per_mm2 * (0.01 + 0.1 * contents.atrophy))
    to.alone(bare, Kind.BARE_NUCLEUS)


def _columnar(
    rng: np.random.Generator, contents: Contents, terrain: Terrain, to: _Strewing
) -> None:
    """What the transformation zone sheds: sheets of endocervical, groups of metaplastic cells."""
    for kind, per_mm2, size, packed_um in (
        (Kind.ENDOCERVICAL, contents.endocervical_per_mm2, 9, 8.5),
        (Kind.METAPLASTIC, contents.metaplastic_per_mm2, 4, 17.0),
    ):
        many = int(rng.poisson(per_mm2 * terrain.area_mm2))
        sizes = grounds.group_sizes(rng, many, size, 40)
        middles = terrain.places(rng, len(sizes))
        to.together(grounds.grouped(rng, middles, sizes, packed_um), kind)


def _lesions(rng: np.random.Generator, contents: Contents, plan: PlanList, to: _Strewing) -> None:
    """Exactly as many abnormal cells as asked for, all on the planned ground."""
    ground = grounds.planned_ground(plan)
    corner, size_nm = np.array([(ground.left_nm, ground.top_nm), (ground.w_nm, ground.h_nm)])
    for kind, many, size, packed_um, share_alone in (
        (Kind.LSIL, contents.lsil, 3, 38.0, 0.35),
        (Kind.ASC_H, contents.asc_h, 3, 16.0, 0.5),
        (Kind.HSIL, contents.hsil, 9, 10.5, 0.3),
        (Kind.SCC, contents.scc, 7, 15.0, 0.35),
    ):
        alone = int(rng.binomial(many, share_alone))
        sizes = np.append(grounds.group_sizes(rng, many - alone, size, 14), np.ones(alone, np.intp))
        where = rng.uniform(0.03, 0.97, (len(sizes), 2)) * size_nm + corner
        groups = grounds.grouped(rng, where, sizes, packed_um)
        inside = np.clip(groups.places, corner, corner + size_nm - 1)
        to.together(replace(groups, places=inside), kind)


def _between(
    rng: np.random.Generator, contents: Contents, manner: Manner, terrain: Terrain, to: _Strewing
) -> None:
    """Swarms of neutrophils, some lymphocytes, blood, mucus, squames and debris."""
    inflamed = 1 + 5 * contents.inflammation
    swarms: tuple[tuple[Kind, float, float, int, float], ...] = (
        (Kind.NEUTROPHIL, contents.neutrophils_per_mm2 * manner.neutrophils * inflamed, 12, 90, 13),
        (Kind.LYMPHOCYTE, contents.neutrophils_per_mm2 * 0.04 * inflamed, 3, 30, 14),
        (Kind.RED_CELL, contents.red_cells_per_mm2 * manner.red_cells, 20, 300, 9),
        (Kind.MUCUS, contents.mucus_per_mm2 * manner.mucus, 4, 30, 30),
        (Kind.DEBRIS, contents.debris_per_mm2 * manner.debris, 7, 60, 12),
        (Kind.CLUMP, contents.clumps_per_mm2, 3, 12, 14),
    )
    for kind, per_mm2, size, largest, packed_um in swarms:
        places = terrain.strewn(rng, per_mm2 * 0.45)
        to.alone(places, kind)
        many = int(rng.poisson(per_mm2 * 0.55 * terrain.area_mm2))
        sizes = grounds.group_sizes(rng, many, size, largest)
        middles = terrain.places(rng, len(sizes))
        swarm = grounds.grouped(rng, middles, sizes, packed_um, manner.streak)
        to.alone(swarm.places, kind)
    to.alone(terrain.strewn(rng, contents.squamous_per_mm2 * 0.02), Kind.KERATIN)
