"""What the plan alone says of the ground: which fields meet, and where each lattice point lives.

Fields are named by their index in the plan here, which rises with their number.
"""

from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from edge.slide.plan import Plan

LATTICE_NM = 20_000
"""Distance of lattice points. Areas by the cells of the grid are 24 % too large in overlaps."""

Ints: TypeAlias = npt.NDArray[np.int64]


def lattice_span(from_nm: int, to_nm: int) -> tuple[int, int]:
    """The lattice lines in [from_nm, to_nm): the first, and the one after the last."""
    return -(-from_nm // LATTICE_NM), -(-to_nm // LATTICE_NM)


class Home(NamedTuple):
    """The lattice points that are counted with one field.

    A planned point is at home in the nearest field whose planned rectangle holds it: one home a
    point, whoever will own it.
    """

    column: int
    """Upper left corner of the field's rectangle, in lattice lines."""
    row: int
    columns: int
    rows: int
    bits: npt.NDArray[np.uint8]
    """One bit a lattice point of the rectangle, row by row: whether it is at home here."""
    points: int
    """How many are."""
    is_first_everywhere: bool
    """Whether no other field stands before this one at any of them."""

    def lattice(self) -> tuple[Ints, Ints]:
        """Rows and columns of the points at home, counted from `row` and `column`."""
        bits = np.unpackbits(self.bits, count=self.rows * self.columns)
        rows, columns = np.nonzero(bits.reshape(self.rows, self.columns))
        return rows, columns


class Ground:
    """A plan's geometry. Memory: about 0.6 KB a field."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.index = {planned.field: i for i, planned in enumerate(plan.fields)}
        self.x_nm = np.array([planned.x_nm for planned in plan.fields], np.int64)
        self.y_nm = np.array([planned.y_nm for planned in plan.fields], np.int64)
        self._reach_nm = 0
        self._neighbours: dict[int, npt.NDArray[np.int32]] = {}
        self.cores = np.array([self._core(field) for field in range(len(self.x_nm))], np.int64)
        """int64, shape (fields, 4): x from and to, y from and to, in nm, of ground that no other
        field can show."""
        self.homes = [self._home(field) for field in range(len(self.x_nm))]

    def reach(self, reach_nm: int) -> None:
        """Let findings of two fields be twins over this distance: more fields are neighbours."""
        if reach_nm > self._reach_nm:
            self._reach_nm = reach_nm
            self._neighbours.clear()

    def neighbours(self, field: int) -> list[int]:
        """The fields whose captures can change what counts in this one; itself, too; rising."""
        if field not in self._neighbours:
            margin = 2 * self.plan.placement_nm + self._reach_nm
            near = np.abs(self.x_nm - self.x_nm[field]) <= self.plan.w_nm + margin
            near &= np.abs(self.y_nm - self.y_nm[field]) <= self.plan.h_nm + margin
            self._neighbours[field] = np.flatnonzero(near).astype(np.int32)
        indices: list[int] = self._neighbours[field].tolist()
        return indices

    def grown(self, field: int) -> tuple[int, int, int, int]:
        """Where captures of a field may show something: x from and to, y from and to, in nm."""
        return self._sides(field, self.plan.placement_nm)

    def _sides(self, field: int, by_nm: int) -> tuple[int, int, int, int]:
        w, h = self.plan.w_nm + 2 * by_nm, self.plan.h_nm + 2 * by_nm
        left, top = int(self.x_nm[field]) - w // 2, int(self.y_nm[field]) - h // 2
        return left, left + w, top, top + h

    def _core(self, field: int) -> tuple[int, int, int, int]:
        """What is left of the grown rectangle when every neighbour took a side of it."""
        x_from, x_to, y_from, y_to = self.grown(field)
        others = [other for other in self.neighbours(field) if other != field]
        dx, dy = self.x_nm - self.x_nm[field], self.y_nm - self.y_nm[field]
        for other in sorted(others, key=lambda i: int(abs(dx[i]) + abs(dy[i]))):
            left, right, top, bottom = self.grown(other)
            if left >= x_to or right <= x_from or top >= y_to or bottom <= y_from:
                continue
            if abs(dx[other]) * self.plan.h_nm >= abs(dy[other]) * self.plan.w_nm:
                x_from, x_to = (x_from, left) if dx[other] > 0 else (right, x_to)
            else:
                y_from, y_to = (y_from, top) if dy[other] > 0 else (bottom, y_to)
        return x_from, x_to, y_from, y_to

    def _home(self, field: int) -> Home:
        x_from, x_to, y_from, y_to = self._sides(field, 0)
        (column, last_column), (row, last_row) = (
            lattice_span(x_from, x_to),
            lattice_span(y_from, y_to),
        )
        x = np.arange(column, last_column, dtype=np.int64) * LATTICE_NM
        y = np.arange(row, last_row, dtype=np.int64)[:, None] * LATTICE_NM
        mine = (x - self.x_nm[field]) ** 2 + (y - self.y_nm[field]) ** 2
        is_home = np.ones(mine.shape, bool)
        has_nearer = np.zeros(mine.shape, bool)
        for other in self.neighbours(field):
            if other == field:
                continue
            wide = self._window(other, self.plan.placement_nm, column, row)
            nearer = (x[wide[1]] - self.x_nm[other]) ** 2 + (y[wide[0]] - self.y_nm[other]) ** 2
            before = nearer < mine[wide] if other > field else nearer <= mine[wide]
            has_nearer[wide] |= before
            narrow = self._window(other, 0, column, row)
            is_home[narrow] &= ~before[
                narrow[0].start - wide[0].start : narrow[0].stop - wide[0].start,
                narrow[1].start - wide[1].start : narrow[1].stop - wide[1].start,
            ]
        return Home(
            column,
            row,
            last_column - column,
            last_row - row,
            np.packbits(is_home),
            int(is_home.sum()),
            not (has_nearer & is_home).any(),
        )

    def _window(self, field: int, by_nm: int, column: int, row: int) -> tuple[slice, slice]:
        """Rows and columns that a field's rectangle takes, counted from a row and a column."""
        x_from, x_to, y_from, y_to = self._sides(field, by_nm)
        first_column, last_column = lattice_span(x_from, x_to)
        first_row, last_row = lattice_span(y_from, y_to)
        rows = slice(max(first_row - row, 0), max(last_row - row, 0))
        return rows, slice(max(first_column - column, 0), max(last_column - column, 0))
