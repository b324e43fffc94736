"""Who owns a point: all images in one table, asked for many points at once.

A view is a row of the table: what one image can see. The first rows stand for the planned fields:
a field that is not complete may still come to see all of its grown rectangle, so its row sees it
already, and a point that such a row owns is pending.
"""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from edge.evidence.ground import Ground, Ints
from edge.slide.place import Rectangle
from edge.slide.record import GRID, UNUSABLE, Cell

NOBODY: Final = -1
"""The view of a point that none sees."""

BLIND: Final = np.uint8(UNUSABLE & 0xFF)
"""Any of these flags, and the cell does not see."""

Cells = npt.NDArray[np.uint8]

_FROZEN: Final = int(Cell.FROZEN)
_FURTHEST: Final = np.iinfo(np.int64).max
_BLURREST: Final = np.iinfo(np.int64).min


class Views:
    """The table. About 700 B an image."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._fields = len(ground.homes)
        rows = 2 * self._fields
        self._shown = np.zeros((rows, 4), np.int64)  # x from and to, y from and to
        self._place = np.zeros((rows, 4), np.int64)  # left, top, width, height
        self._cells = np.zeros((rows, GRID * GRID), np.uint8)
        self._sharpness = np.zeros((rows, GRID * GRID), np.int64)
        self._frozen = np.zeros(rows, np.uint8)
        self._field = np.zeros(rows, np.int64)
        self._capture = np.zeros(rows, np.int64)
        self._free = list(range(rows - 1, self._fields - 1, -1))
        for field in range(self._fields):
            x_from, x_to, y_from, y_to = ground.grown(field)
            self._shown[field] = x_from, x_to, y_from, y_to
            self._place[field] = x_from, y_from, x_to - x_from, y_to - y_from
            self._field[field] = field

    def add(
        self,
        field: int,
        capture: int,
        place: Rectangle,
        cells: Sequence[int],
        sharpness: Sequence[int],
    ) -> int:
        """The view of one image. What it shows beyond its field's grown rectangle is not asked."""
        if not self._free:
            self._grow()
        view = self._free.pop()
        left, top = place.left_nm, place.top_nm
        x_from, x_to, y_from, y_to = self._ground.grown(field)
        self._shown[view] = (
            max(left, x_from),
            min(left + place.w_nm, x_to),
            max(top, y_from),
            min(top + place.h_nm, y_to),
        )
        self._place[view] = left, top, place.w_nm, place.h_nm
        self._cells[view] = cells
        self._sharpness[view] = sharpness
        self._field[view], self._capture[view] = field, capture
        self._frozen[view] = 0
        return view

    def freeze(self, view: int, *, is_frozen: bool) -> bool:
        """Note whether an image only repeats another field's: then none of its cells sees.

        Returns:
            Whether that is new.
        """
        frozen = _FROZEN if is_frozen else 0
        is_new = bool(self._frozen[view] != frozen)
        self._frozen[view] = frozen
        return is_new

    def remove(self, view: int) -> None:
        """Its row may be used again."""
        self._free.append(view)

    def is_pending(self, views: Ints) -> npt.NDArray[np.bool_]:
        """Which of them stand for a field that is not complete."""
        return (views >= 0) & (views < self._fields)

    def field_of(self, views: Ints) -> Ints:
        """The index of the field that each of these views is of."""
        fields: Ints = self._field[views]
        return fields

    def first_to_see(self, views: Sequence[int], x_nm: Ints, y_nm: Ints) -> tuple[Ints, Cells]:
        """The owner of each point among these views, and its cell there.

        The order is (squared distance to the field's planned centre, field, latest capture,
        sharpest there, plane).

        Args:
            views: By rising field, falling capture, rising plane.
            x_nm: int64, shape (n,).
            y_nm: int64, shape (n,).

        Returns:
            int64, shape (n,): a view, or `NOBODY`; uint8, shape (n,): its `Cell`.
        """
        return self._first(np.array(views, np.int64), x_nm, y_nm, blind=BLIND)

    def first_to_cover(self, views: Sequence[int], x_nm: Ints, y_nm: Ints) -> tuple[Ints, Cells]:
        """As `first_to_see`, among all images that show the point, however badly."""
        return self._first(np.array(views, np.int64), x_nm, y_nm, blind=np.uint8(0))

    def first_around(
        self, field: int, views_of: Callable[[int], Sequence[int]], x_nm: Ints, y_nm: Ints
    ) -> tuple[Ints, Cells]:
        """As `first_to_see`, among views of a field and its neighbours.

        Most points lie where no other field can see them: those ask the field alone.

        Args:
            field: Its index.
            views_of: The views of a field, by its index.
            x_nm: int64, shape (n,).
            y_nm: int64, shape (n,).
        """
        x_from, x_to, y_from, y_to = self._ground.cores[field].tolist()
        core = (x_nm >= x_from) & (x_nm < x_to) & (y_nm >= y_from) & (y_nm < y_to)
        if core.all():
            return self.first_to_see(views_of(field), x_nm, y_nm)
        owner, cell = np.empty(len(x_nm), np.int64), np.empty(len(x_nm), np.uint8)
        around = [view for i in self._ground.neighbours(field) for view in views_of(i)]
        for here, views in ((core, views_of(field)), (~core, around)):
            owner[here], cell[here] = self.first_to_see(views, x_nm[here], y_nm[here])
        return owner, cell

    def _first(self, views: Ints, x_nm: Ints, y_nm: Ints, *, blind: np.uint8) -> tuple[Ints, Cells]:
        if not len(views) or not len(x_nm):
            return np.full(len(x_nm), NOBODY, np.int64), np.zeros(len(x_nm), np.uint8)
        if len(views) == 1:
            return self._only(int(views[0]), x_nm, y_nm, blind=blind)
        shown = self._shown[views]
        inside = (x_nm >= shown[:, 0:1]) & (x_nm < shown[:, 1:2])
        inside &= (y_nm >= shown[:, 2:3]) & (y_nm < shown[:, 3:4])
        place, point = np.nonzero(inside)
        where = self._cell_index(views[place], x_nm[point], y_nm[point])
        cell = self._cells[views[place], where] | self._frozen[views[place]]
        sees = (cell & blind) == 0
        place, point, where, cell = place[sees], point[sees], where[sees], cell[sees]
        view = views[place]
        field = self._field[view]
        squared = (x_nm[point] - self._ground.x_nm[field]) ** 2
        squared += (y_nm[point] - self._ground.y_nm[field]) ** 2
        order = np.full(inside.shape, _FURTHEST)
        order[place, point] = squared
        first = order.argmin(axis=0)
        if self._has_planes(views):
            other = views[first[point]]
            same = (field == self._field[other]) & (self._capture[view] == self._capture[other])
            order = np.full(inside.shape, _BLURREST)
            order[place[same], point[same]] = self._sharpness[view[same], where[same]]
            first = order.argmax(axis=0)
        pair = np.full(inside.shape, -1)
        pair[place, point] = np.arange(len(place))
        chosen = pair[first, np.arange(len(x_nm))]
        return np.append(view, NOBODY)[chosen], np.append(cell, np.uint8(0))[chosen]

    def _only(self, view: int, x_nm: Ints, y_nm: Ints, *, blind: np.uint8) -> tuple[Ints, Cells]:
        x_from, x_to, y_from, y_to = self._shown[view].tolist()
        inside = (x_nm >= x_from) & (x_nm < x_to) & (y_nm >= y_from) & (y_nm < y_to)
        left, top, width, height = self._place[view].tolist()
        # Where it shows nothing, any cell will do.
        column = (np.where(inside, x_nm, x_from) - left) * GRID // width
        row = (np.where(inside, y_nm, y_from) - top) * GRID // height
        cell = self._cells[view, row * GRID + column] | self._frozen[view]
        sees = inside & ((cell & blind) == 0)
        return np.where(sees, view, NOBODY), np.where(sees, cell, np.uint8(0))

    def sees(self, view: int, x_nm: Ints, y_nm: Ints) -> npt.NDArray[np.bool_]:
        """Which points one image sees."""
        owner, _ = self.first_to_see([view], x_nm, y_nm)
        sees: npt.NDArray[np.bool_] = owner == view
        return sees

    def _cell_index(self, view: Ints, x_nm: Ints, y_nm: Ints) -> Ints:
        place = self._place[view]
        column = (x_nm - place[:, 0]) * GRID // place[:, 2]
        row = (y_nm - place[:, 1]) * GRID // place[:, 3]
        return row * GRID + column

    def _has_planes(self, views: Ints) -> bool:
        """Whether two of them are of one capture."""
        field, capture = self._field[views], self._capture[views]
        return bool(((field[1:] == field[:-1]) & (capture[1:] == capture[:-1])).any())

    def _grow(self) -> None:
        rows = len(self._field)
        for name in ("shown", "place", "cells", "sharpness", "frozen", "field", "capture"):
            column = getattr(self, f"_{name}")
            setattr(self, f"_{name}", np.concatenate([column, np.zeros_like(column)]))
        self._free = list(range(2 * rows - 1, rows - 1, -1))
