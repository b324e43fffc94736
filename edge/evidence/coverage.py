"""How much ground was seen, and why the rest was not: counted in lattice points."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from edge.evidence.ground import LATTICE_NM, Ground, Ints
from edge.evidence.look import FieldLooks
from edge.evidence.ownership import BLIND, NOBODY, Cells, Views
from edge.evidence.patches import Runs, largest_patch, lost_runs
from edge.evidence.summary import Area, Sums
from edge.evidence.totals import Totals
from edge.slide.record import Cell

_FLAGS: Final = tuple(flag for flag in Cell if flag & int(BLIND))
REASONS: Final = (*(str(flag.name).lower() for flag in _FLAGS), "skipped", "missing", "not_covered")
"""Why a point is lost: a cell's lowest flag; the field was given up, or never came; its images are
there, and none shows the point."""

_USABLE, _EMPTY, _PENDING, _LOST = range(4)
_REASON_OF_CELL: Final = np.array(
    [next((i for i, flag in enumerate(_FLAGS) if cell & flag), 0) for cell in range(256)]
)


class Coverage:
    """Areas, as a sum over fields. Memory: about 0.4 KB a field, and 12 B a run of lost points."""

    def __init__(self, ground: Ground, views: Views) -> None:
        self._ground = ground
        self._views = views
        fields = len(ground.homes)
        parts = np.zeros((fields, _LOST + len(REASONS)), np.int64)
        parts[:, _PENDING] = [home.points for home in ground.homes]
        self._parts = Totals(parts)
        self._waits = np.ones(fields, bool)
        self._cells = np.zeros(fields, np.int64)
        self._owned = np.zeros(fields, np.int64)
        self._sums = Totals(np.zeros((fields, 6), np.int64))
        self._stale: set[int] = set()
        """Fields whose row of `_sums` is not up to date."""
        self._credit: list[Ints | None] = [None] * fields
        self._lost: dict[int, Runs] = {}
        self._largest: int | None = 0
        self._field_points = max(home.columns * home.rows for home in ground.homes)

    def wait(self, field: int) -> None:
        """All points at home in this field are pending."""
        if not self._waits[field]:
            counts = [0] * (_LOST + len(REASONS))
            counts[_PENDING] = self._ground.homes[field].points
            self._put(field, counts, None, None)
            self._waits[field] = True

    def settle(
        self,
        field: int,
        lattice: tuple[Ints, Ints],
        owner: Ints,
        cell: Cells,
        around: Mapping[int, FieldLooks],
    ) -> None:
        """Count the points at home in a field.

        Args:
            field: Its index.
            lattice: Rows and columns of the points, int64, shape (n,), as `Home.lattice` gives.
            owner: int64, shape (n,): the owner's view, as `Views.first_to_see` gives.
            cell: uint8, shape (n,): the owner's cell.
            around: The field and its neighbours, by rising index.
        """
        is_pending = self._views.is_pending(owner)
        is_lost = owner == NOBODY
        is_usable = ~is_pending & ~is_lost & (cell == Cell.USABLE)
        pending, lost, usable = (int(flags.sum()) for flags in (is_pending, is_lost, is_usable))
        counts = [usable, len(owner) - usable - pending - lost, pending, *(0,) * len(REASONS)]
        credit = None
        if usable:
            owners = self._views.field_of(owner[is_usable])
            credit = np.stack(np.unique(owners, return_counts=True))
        runs = None
        if lost:
            home = self._ground.homes[field]
            rows, columns = lattice[0][is_lost], lattice[1][is_lost]
            counts[_LOST:] = self._reasons(field, rows, columns, around)
            runs = lost_runs(home, rows, columns)
        self._put(field, counts, credit, runs)
        self._waits[field] = False

    def count(self, field: int, cells: int) -> None:
        """So many cells are counted in a field."""
        self._cells[field] = cells
        self._stale.add(field)

    def _put(
        self, field: int, counts: Sequence[int], credit: Ints | None, runs: Runs | None
    ) -> None:
        self._parts.put(field, counts)
        before, self._credit[field] = self._credit[field], credit
        if before is not None:
            self._owned[before[0]] -= before[1]
            self._stale.update(before[0].tolist())
        if credit is not None:
            self._owned[credit[0]] += credit[1]
            self._stale.update(credit[0].tolist())
        if runs is not None:
            if not np.array_equal(runs, self._lost.get(field, ())):
                self._lost[field], self._largest = runs, None
        elif self._lost.pop(field, None) is not None:
            self._largest = None

    def _reasons(
        self, field: int, rows: Ints, columns: Ints, around: Mapping[int, FieldLooks]
    ) -> list[int]:
        """Lost points by reason, as the nearest field says that could have shown each."""
        home = self._ground.homes[field]
        x_nm, y_nm = (home.column + columns) * LATTICE_NM, (home.row + rows) * LATTICE_NM
        # The rows of fields still to come see all that a field can show: here all are complete.
        nearest, _ = self._views.first_around(field, lambda index: [index], x_nm, y_nm)
        counts = np.zeros(len(REASONS), np.int64)
        for index in set(nearest.tolist()):
            here, state = nearest == index, around[index]
            view, cell = self._views.first_to_cover(state.views, x_nm[here], y_nm[here])
            shown = view != NOBODY
            counts += np.bincount(_REASON_OF_CELL[cell[shown]], minlength=len(REASONS))
            why = "skipped" if state.is_skipped else "not_covered" if state.views else "missing"
            counts[REASONS.index(why)] += int((~shown).sum())
        reasons: list[int] = counts.tolist()
        return reasons

    def losing(self) -> set[int]:
        """The fields at home in which points are lost."""
        return set(np.flatnonzero(self._parts.rows[:, _LOST:].any(axis=1)).tolist())

    def lost(self, field: int) -> tuple[tuple[str, int], ...]:
        """The lost points at home in a field, by rising reason."""
        lost = self._parts.rows[field, _LOST:].tolist()
        return tuple(sorted((why, n) for why, n in zip(REASONS, lost, strict=True) if n))

    def area(self) -> Area:
        """All fields together."""
        usable, empty, pending, *lost = (int(part) for part in self._parts.all)
        if self._largest is None:
            self._largest = largest_patch(list(self._lost.values()))
        return Area(
            planned=usable + empty + pending + sum(lost),
            usable=usable,
            empty=empty,
            pending=pending,
            lost=tuple(sorted((why, n) for why, n in zip(REASONS, lost, strict=True) if n)),
            largest_lost_patch=self._largest,
            field=self._field_points,
        )

    def sums(self) -> Sums:
        """Over the fields that own usable ground: of the cells that were counted in each."""
        for field in self._stale:
            cells, points = int(self._cells[field]), int(self._owned[field])
            row = (1, cells, points, cells * cells, cells * points, points * points)
            self._sums.put(field, row if points else (0,) * len(row))
        self._stale.clear()
        return Sums(*self._sums.all.tolist())
