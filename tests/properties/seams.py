"""Slides whose stage errs: how many planted cells are lost at seams, and how many counted twice."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from edge.evidence.fold import Evidence
from edge.evidence.ground import Ints
from edge.slide.finding import Column, Findings
from edge.slide.place import Rectangle
from edge.slide.plan import Plan, PlannedField
from edge.slide.record import Closing, End, Image, Record
from tests.properties.slides import opening, packed, record

SIDE, W_NM, H_NM, DX_NM, DY_NM = 12, 612_000, 512_000, 550_000, 460_000
CELLS_A_FIELD: Final = 43
LOCATING_NM: Final = 700
"""Standard deviation of where the detector puts a cell's middle, on each axis."""

PLAN: Final = Plan(
    Rectangle(SIDE * DX_NM // 2, SIDE * DY_NM // 2, SIDE * DX_NM, SIDE * DY_NM),
    W_NM,
    H_NM,
    H_NM - DY_NM,
    (H_NM - DY_NM) // 4,
    tuple(
        PlannedField(SIDE * row + column, DX_NM * column, DY_NM * row)
        for row in range(SIDE)
        for column in range(SIDE)
    ),
)
"""10 % overlap on either axis."""


@dataclass(frozen=True, slots=True)
class Miscounted:
    """Of planted cells: how many did not count, and how often one counted once too often."""

    cells: int = 0
    lost: int = 0
    doubled: int = 0

    def __add__(self, other: "Miscounted") -> "Miscounted":
        return Miscounted(
            self.cells + other.cells, self.lost + other.lost, self.doubled + other.doubled
        )

    @property
    def share(self) -> float:
        return (self.lost + self.doubled) / self.cells


def miscounted(
    chance: np.random.Generator, error_nm: int, clump_nm: int
) -> tuple[Miscounted, Miscounted]:
    """By plain ownership, and by evidence, on one slide.

    Args:
        chance: What is planted, and how each field's place errs.
        error_nm: Each field's place errs by up to this much on either axis; t of the stage.
        clump_nm: Cells come in fours, so near to each other; 0 spreads them evenly.
    """
    cells = _planted(chance, clump_nm)
    evidence = Evidence(opening(PLAN, error_nm))
    plain: list[Ints] = []
    for row, ids in _records(chance, cells, error_nm):
        evidence.add(row)
        plain.append(ids[_is_nearest(row)])
    evidence.add(Closing(End.CLOSED, "", ""))
    counted = evidence.counted()[:, Column.AREA_UM2].astype(np.int64)
    return _against(cells, np.concatenate(plain)), _against(cells, counted)


def _planted(chance: np.random.Generator, clump_nm: int) -> Ints:
    """Middles of cells, int64, shape (n, 2), none of them at the rim of what the slide shows."""
    low = np.array([-W_NM // 2, -H_NM // 2]) + 20_000
    high = np.array([DX_NM, DY_NM]) * (SIDE - 1) - low
    n = CELLS_A_FIELD * SIDE**2
    if not clump_nm:
        return chance.integers(low, high, (n, 2))
    middles = np.repeat(chance.integers(low, high, (n // 4, 2)), 4, axis=0)
    cells: Ints = middles + chance.integers(-clump_nm, clump_nm + 1, middles.shape)
    return np.clip(cells, low, high)


def _records(
    chance: np.random.Generator, cells: Ints, error_nm: int
) -> Iterator[tuple[Record, Ints]]:
    """Every field once, with the cell that each finding is of."""
    sides = chance.integers(9_000, 16_000, len(cells))
    for planned in PLAN.fields:
        seen = cells + chance.integers(-error_nm, error_nm + 1, 2)
        seen = seen + chance.normal(0, LOCATING_NM, cells.shape).round().astype(np.int64)
        corner = seen - (planned.x_nm - W_NM // 2, planned.y_nm - H_NM // 2)
        ids = np.flatnonzero(((corner >= 0) & (corner < (W_NM, H_NM))).all(axis=1))
        found = np.repeat(packed((0, 0, 0, 0, 0)), len(ids), axis=0)
        found[:, [Column.X_NM, Column.Y_NM]] = seen[ids]
        found[:, Column.W_NM] = found[:, Column.H_NM] = sides[ids]
        found[:, Column.SCORE] = np.sort(chance.integers(5_000, 10_000, len(ids)))[::-1]
        found[:, Column.AREA_UM2] = ids
        place = Rectangle(planned.x_nm, planned.y_nm, W_NM, H_NM)
        yield record(Image(planned.field, 1, 0), place, found, cropped=()), ids


def _is_nearest(row: Record) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which findings lie nearest to the middle of their own field: that is plain ownership."""
    findings: Findings = row.findings
    x, y = (findings[:, axis].astype(np.int64) for axis in (Column.X_NM, Column.Y_NM))
    # Half-way belongs to the lower field.
    column = np.clip(-(-(2 * x - DX_NM) // (2 * DX_NM)), 0, SIDE - 1)
    line = np.clip(-(-(2 * y - DY_NM) // (2 * DY_NM)), 0, SIDE - 1)
    is_nearest: np.ndarray[tuple[int], np.dtype[np.bool_]] = SIDE * line + column == row.image.field
    return is_nearest


def _against(cells: Ints, counted: Ints) -> Miscounted:
    times = np.bincount(counted, minlength=len(cells))
    return Miscounted(len(cells), int((times == 0).sum()), int(np.maximum(times - 1, 0).sum()))
