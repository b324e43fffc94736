"""Slides as counts: how many cells each field has, counts and loses, with gradients and clumps."""

from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from edge.evidence.ground import Ints
from edge.evidence.summary import Area, Summary, Sums
from edge.slide.basis import AdequacyNumbers
from edge.slide.record import End
from tests.properties.slides import BASIS, grid, opening

Flags = npt.NDArray[np.bool_]

POINTS: Final = 621
"""Lattice points that a field of 612 x 512 um owns at 10 % overlap."""
MINIMUM: Final = 5_000
SIDES: Final = (12, 18, 24, 33)
"""Fields along a slide's side; multiples of 3, for the larger clumps."""
SPREADS: Final = ("evenly", "from centre to edge", "from left to right")
LOSSES: Final = ("nothing", "at random", "in one patch", "where cells are densest")
MOST_LOST: Final = 0.3


@dataclass(frozen=True)
class Slide:
    """One slide, field by field: arrays of shape (side, side)."""

    spread: str
    loss: str
    usable: Ints
    """Lattice points with cells on them, int64."""
    true: Ints
    """Squamous cells, int64."""
    counted: Ints
    lost: Flags

    @property
    def truth(self) -> int:
        """Squamous cells of the whole slide, the lost ground's, too."""
        return int(self.true.sum())

    def summary(self, numbers: AdequacyNumbers, seen: Flags | None = None) -> Summary:
        """What evidence says of it: at the end, or when these fields have been seen."""
        came = np.ones_like(self.lost) if seen is None else seen
        shown = came & ~self.lost
        lost = came & self.lost
        fields, points = self.lost.size, self.usable[shown]
        cells = self.counted[shown][points > 0]
        points = points[points > 0]
        area = Area(
            planned=fields * POINTS,
            usable=int(points.sum()),
            empty=int((POINTS - self.usable[shown]).sum()),
            pending=int((~came).sum()) * POINTS,
            lost=(("out_of_focus", int(lost.sum()) * POINTS),) if lost.any() else (),
            largest_lost_patch=_largest(lost) * POINTS,
            field=POINTS,
        )
        sums = Sums(
            n=len(points),
            cells=int(cells.sum()),
            points=int(points.sum()),
            cells_cells=int((cells * cells).sum()),
            cells_points=int((cells * points).sum()),
            points_points=int((points * points).sum()),
        )
        start = replace(_OPENING, basis=replace(BASIS, adequacy=(numbers,)))
        return Summary(
            opening=start,
            area=area,
            sums=sums,
            reached=(sums.cells, *(0,) * 15),
            capped=(0,) * 16,
            unsettled_fields=int((~came).sum()),
            missing_fields=int((~came).sum()),
            skipped_fields=0,
            unprocessed_images=0,
            truncated_images=0,
            withdrawn_captures=0,
            incidents=(),
            announcements=(),
            end=End.CLOSED if seen is None else None,
            end_why="",
            gallery=(),
        )


_OPENING = opening(grid(1, 1, 612_000, 512_000, 60_000))


def _largest(lost: Flags) -> int:
    _, _, stats, _ = cv2.connectedComponentsWithStats(lost.astype(np.uint8), connectivity=4)
    return int(stats[1:, cv2.CC_STAT_AREA].max(initial=0))


def simulated(
    chance: np.random.Generator,
    spread: str,
    loss: str,
    true_per_counted: float,
    most_lost: float = MOST_LOST,
    cells: tuple[float, float] = (0.3, 3),
) -> Slide:
    """A slide of which anything may be lost.

    Args:
        chance: What it is drawn with.
        spread: One of `SPREADS`, up to nine times as dense at one end as at the other; clumps of
            one field and of 3 x 3 fields, from hardly any to as many as a spread of 1 of the mean.
        loss: One of `LOSSES`.
        true_per_counted: Of this slide.
        most_lost: Up to this share of the fields.
        cells: From and to, in minimums; about so many it has.
    """
    side = int(chance.choice(SIDES))
    is_thin = chance.random((side, side)) < 0.15
    usable = np.where(is_thin, chance.integers(0, POINTS + 1, (side, side)), POINTS)
    density = _gradient(chance, spread, side) * _clumps(chance, side) * usable
    many = MINIMUM * np.exp(chance.uniform(*np.log(cells)))
    true = chance.poisson(many * density / density.sum())
    found = chance.binomial(true, 0.9)
    false = chance.poisson(true * max(0.0, 1 / true_per_counted - 0.9))
    lost = _lost(chance, loss, true / np.maximum(usable, 1), most_lost)
    return Slide(spread, loss, usable.astype(np.int64), true, found + false, lost)


def _gradient(chance: np.random.Generator, spread: str, side: int) -> npt.NDArray[np.float64]:
    along = np.linspace(-1, 1, side)
    slope = chance.uniform(0.2, 0.8) * chance.choice([-1, 1])
    if spread == "from left to right":
        return np.tile(1 + slope * along, (side, 1))
    if spread == "from centre to edge":
        round_: npt.NDArray[np.float64] = 1 + slope * (1 - along**2 - along[:, None] ** 2)
        return round_
    return np.ones((side, side))


def _clumps(chance: np.random.Generator, side: int) -> npt.NDArray[np.float64]:
    fine, coarse = chance.choice([1.0, 4.0, 20.0], 2)
    blocks = chance.gamma(2 * coarse, 1 / (2 * coarse), (side // 3, side // 3))
    large = blocks.repeat(3, axis=0).repeat(3, axis=1)
    clumps: npt.NDArray[np.float64] = large * chance.gamma(2 * fine, 1 / (2 * fine), (side, side))
    return clumps


def _lost(
    chance: np.random.Generator, loss: str, dense: npt.NDArray[np.float64], most_lost: float
) -> Flags:
    """As many fields as that loss takes: those with the lowest rank go."""
    side = len(dense)
    line, column = np.indices(dense.shape)
    middle = chance.uniform(0, side, 2)
    rank = {
        "nothing": dense,
        "at random": chance.random(dense.shape),
        "in one patch": (line - middle[0]) ** 2 + (column - middle[1]) ** 2,
        "where cells are densest": -dense,
    }[loss]
    many = 0 if loss == "nothing" else int(chance.uniform(0, most_lost) * dense.size)
    lost = np.zeros(dense.size, bool)
    lost[np.argsort(rank, axis=None, kind="stable")[:many]] = True
    return lost.reshape(dense.shape)
