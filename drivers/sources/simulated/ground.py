"""Where things lie: the planned ground, how crowded it is here and there, and groups of cells."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from drivers.scanner.lists import CircleSpot, PlanList
from drivers.sources.simulated.preparation import Manner

Places = npt.NDArray[np.float64]
"""float64, shape (n, 2): x, y in nm in the slide's frame."""

MARGIN_NM = 60_000
"""Things lie this far beyond the planned ground, so that its edge looks like the rest."""
_BLOCK_NM = 100_000
_PATCH_BLOCKS = 5.0
"""Size of a dense or an empty patch: 0.5 mm."""
_GOLDEN_ANGLE = math.pi * (3 - math.sqrt(5))


@dataclass(frozen=True, slots=True)
class Ground:
    """The smallest rectangle that holds all planned fields."""

    left_nm: int
    top_nm: int
    w_nm: int
    h_nm: int

    @property
    def middle_nm(self) -> tuple[float, float]:
        """x, y."""
        return self.left_nm + self.w_nm / 2, self.top_nm + self.h_nm / 2

    def wider(self, by_nm: int) -> "Ground":
        """The same, with a margin."""
        return Ground(
            self.left_nm - by_nm, self.top_nm - by_nm, self.w_nm + 2 * by_nm, self.h_nm + 2 * by_nm
        )


def planned_ground(plan: PlanList) -> Ground:
    """The ground of a plan."""
    left_nm = min(planned.x_nm for planned in plan.fields) - plan.w_nm // 2
    top_nm = min(planned.y_nm for planned in plan.fields) - plan.h_nm // 2
    right_nm = max(planned.x_nm for planned in plan.fields) + plan.w_nm // 2
    bottom_nm = max(planned.y_nm for planned in plan.fields) + plan.h_nm // 2
    return Ground(left_nm, top_nm, right_nm - left_nm, bottom_nm - top_nm)


@dataclass(frozen=True, slots=True)
class Terrain:
    """How likely things lie in each block of the ground and its margin."""

    ground: Ground
    """With the margin."""
    columns: int
    summed: npt.NDArray[np.float64]
    """Running sum over the blocks, row by row; ends at 1."""
    area_mm2: float
    """Of the blocks that can hold anything."""

    def strewn(self, rng: np.random.Generator, per_mm2: float) -> Places:
        """Places by chance; on average so many a mm2 of the ground that can hold anything."""
        return self.places(rng, int(rng.poisson(per_mm2 * self.area_mm2)))

    def places(self, rng: np.random.Generator, many: int) -> Places:
        """So many places by chance."""
        block = np.searchsorted(self.summed, rng.uniform(size=many), side="right")
        corner = np.stack([block % self.columns, block // self.columns], axis=1)
        inside = (corner + rng.uniform(size=(many, 2))) * _BLOCK_NM
        return np.asarray(inside + np.array([self.ground.left_nm, self.ground.top_nm]))


def terrain(rng: np.random.Generator, plan: PlanList, manner: Manner) -> Terrain:
    """Dense and empty patches and a slope, on a round spot with a crowded edge."""
    ground = planned_ground(plan).wider(MARGIN_NM)
    columns, rows = -(-ground.w_nm // _BLOCK_NM), -(-ground.h_nm // _BLOCK_NM)
    around = int(4 * _PATCH_BLOCKS * manner.streak)  # So that a small ground is a part of a larger.
    noise = rng.standard_normal((rows + 2 * around, columns + 2 * around))
    along, across = _PATCH_BLOCKS * manner.streak**0.5, _PATCH_BLOCKS / manner.streak**0.5
    smooth = np.asarray(cv2.GaussianBlur(noise, (0, 0), sigmaX=along, sigmaY=across))
    smooth = smooth * math.sqrt(4 * math.pi * along * across)  # Standard deviation 1 again.
    patches = smooth[around : around + rows, around : around + columns]
    slope_x, slope_y = rng.normal(0, 0.5 * manner.uneven, 2)
    x, y = np.linspace(-1, 1, columns)[None, :], np.linspace(-1, 1, rows)[:, None]
    crowd = np.exp(manner.uneven * patches + slope_x * x + slope_y * y)
    can_hold = np.ones_like(crowd)
    if isinstance(plan.spot, CircleSpot):
        x_nm = ground.left_nm + (np.arange(columns) + 0.5)[None, :] * _BLOCK_NM - plan.spot.x_nm
        y_nm = ground.top_nm + (np.arange(rows) + 0.5)[:, None] * _BLOCK_NM - plan.spot.y_nm
        within_nm = plan.spot.diameter_nm / 2 - np.hypot(x_nm, y_nm)
        can_hold = np.asarray(within_nm > 0, np.float64)
        crowd = crowd * (1 + 1.5 * np.exp(-within_nm / 250_000)) * can_hold
    summed = np.cumsum(crowd.ravel())
    return Terrain(
        ground, columns, summed / summed[-1], float(can_hold.sum()) * _BLOCK_NM**2 / 1e12
    )


@dataclass(frozen=True, slots=True)
class Groups:
    """Members of groups, and whose they are."""

    places: Places
    group: npt.NDArray[np.intp]
    """Its number; shape (n,)."""
    size: npt.NDArray[np.intp]
    """Members of the group that each belongs to; shape (n,)."""


def group_sizes(
    rng: np.random.Generator, many: int, middling: float, largest: int
) -> npt.NDArray[np.intp]:
    """Sizes of groups that hold so many members together; log-normal, the last cut to fit."""
    sizes: list[int] = []
    while many > 0:
        size = round(middling * math.exp(rng.normal(0, 0.6)))
        sizes.append(min(max(1, size), largest, many))
        many -= sizes[-1]
    return np.asarray(sizes, np.intp)


def grouped(
    rng: np.random.Generator,
    middles: Places,
    sizes: npt.NDArray[np.intp],
    packed_um: float,
    streak: float = 1.0,
) -> Groups:
    """Members around the middles of their groups, evenly packed but for chance.

    Args:
        rng: Chance.
        middles: Of each group.
        sizes: Of each group; shape (len(middles),).
        packed_um: From one member to the next.
        streak: How much longer groups are along the slide.
    """
    group = np.repeat(np.arange(len(sizes)), sizes)
    first = np.repeat(np.cumsum(sizes) - sizes, sizes)
    place = np.arange(len(group)) - first
    # A sunflower's seeds: every one has about pi * 0.3 * packed**2 for itself.
    radius = 0.55 * packed_um * np.sqrt(place + 0.3)
    turn = rng.uniform(0, 2 * math.pi, len(sizes))[group] + place * _GOLDEN_ANGLE
    oval = np.exp(rng.normal(0, 0.25, len(sizes)) + 0.5 * math.log(streak))[group]
    offset = np.stack([radius * np.cos(turn) * oval, radius * np.sin(turn) / oval], axis=1)
    offset += rng.normal(0, 0.22 * packed_um, offset.shape)
    lean = rng.normal(0, math.pi if streak == 1 else 0.3, len(sizes))[group]
    x, y = offset.T
    leaned = np.stack(
        [x * np.cos(lean) - y * np.sin(lean), x * np.sin(lean) + y * np.cos(lean)], axis=1
    )
    return Groups(middles[group] + 1_000 * leaned, group, sizes[group])
