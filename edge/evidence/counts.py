"""What counts, field by field: a change counts its field and the neighbours again, no more."""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import numpy as np

from edge.evidence.coverage import Coverage
from edge.evidence.gallery import Gallery, Place, places
from edge.evidence.ground import LATTICE_NM, Ground
from edge.evidence.look import FieldLooks, Look
from edge.evidence.ownership import Views
from edge.evidence.summary import Need
from edge.evidence.totals import Totals
from edge.slide.finding import Column, Findings
from edge.slide.plan import Plan
from edge.slide.record import Record

SEVERITIES: Final = 16
"""Length of what `reached` gives."""

MOST_A_FIELD: Final = 3
"""Findings of one field that speak for an announcement, at most: one clump is no more evidence."""

PASSED: Final = 16
"""So many fields further on, a field that has not come was left out: it is in hand no more."""

_NONE: Final = np.zeros(0, np.int64)


class States(NamedTuple):
    """What became of fields and images: how many of each."""

    unsettled_fields: int
    missing_fields: int
    """With no image and no skip."""
    skipped_fields: int
    unprocessed_images: int
    truncated_images: int


def _state(field: FieldLooks) -> States:
    return States(
        not field.is_complete,
        not (field.looks or field.is_skipped),
        field.is_skipped,
        sum(look.is_unprocessed for look in field.looks),
        sum(look.is_truncated for look in field.looks),
    )


class Counts:
    """All images of a slide that were not withdrawn, and what counts of them."""

    def __init__(self, plan: Plan, registration_nm: int, largest_box_nm: int) -> None:
        self._registration_nm = registration_nm
        self._ground = Ground(plan)
        self._let_reach(largest_box_nm)
        self._views = Views(self._ground)
        self.coverage = Coverage(self._ground, self._views)
        self.gallery = Gallery()
        self.fields = [FieldLooks(planned.planes) for planned in plan.fields]
        self.looks: dict[int, Look] = {}
        """By their view."""
        self.has_reached = False
        """Whether any image ever showed a finding that reaches a category, counted or not."""
        self._same_pixels: dict[str, list[Look]] = {}
        self._reached = Totals(np.zeros((len(self.fields), SEVERITIES), np.int64))
        self._capped = Totals(np.zeros((len(self.fields), SEVERITIES), np.int64))
        self._states = Totals(np.array([_state(field) for field in self.fields]))
        self._is_closed = False
        self._new: set[int] = set()
        self._changed: set[int] = set()

    def put(self, record: Record) -> None:
        """Take an image that is not here.

        Raises:
            KeyError: Its field is not planned.
        """
        index = self._ground.index[record.image.field]
        view = self._views.add(
            index, record.image.capture, record.place, record.cells, record.sharpness
        )
        new = Look.of(record, view)
        self.looks[view] = new
        self.has_reached |= bool(record.findings[:, Column.REACHED].any())
        self.fields[index].add(new)
        self._same_pixels.setdefault(new.checksum, []).append(new)
        self._freeze(new.checksum)
        self._new.add(view)
        self._changed.add(index)

    def withdraw(self, number: int, capture: int) -> None:
        """Forget a capture, with all its planes."""
        index = self._ground.index.get(number)
        if index is None:
            return
        field = self.fields[index]
        for gone in [look for look in field.looks if look.image.capture == capture]:
            field.looks.remove(gone)
            for view in gone.twins:
                del self.looks[view].twins[gone.view]
            del self.looks[gone.view]
            self._new.discard(gone.view)
            self._views.remove(gone.view)
            self._same_pixels[gone.checksum].remove(gone)
            self._freeze(gone.checksum)
            self._changed.add(index)

    def _freeze(self, checksum: str) -> None:
        """A camera that repeats a picture at other fields saw at the lowest of them at most."""
        same = self._same_pixels[checksum]
        if not same:
            del self._same_pixels[checksum]
        genuine = min((look.image.field for look in same), default=0)
        for look in same:
            if self._views.freeze(look.view, is_frozen=look.image.field != genuine):
                self._changed.add(self._ground.index[look.image.field])

    def skip(self, number: int) -> None:
        """A field was given up."""
        index = self._ground.index.get(number)
        if index is not None:
            self.fields[index].is_skipped = True
            self._changed.add(index)

    def close(self) -> None:
        """Every field is given up."""
        self._is_closed = True
        self._changed |= {i for i, field in enumerate(self.fields) if not field.is_complete}

    def reached(self) -> tuple[int, ...]:
        """Counted findings that reach each severity; [0] is those that reach none."""
        return tuple(self._reached.all.tolist())

    def states(self) -> States:
        """What became of fields and images, as of the last `recount`."""
        return States(*self._states.all.tolist())

    def capped(self) -> tuple[int, ...]:
        """As `reached`, but of each field `MOST_A_FIELD` at most."""
        return tuple(self._capped.all.tolist())

    def counted(self) -> dict[int, Findings]:
        """The findings that count, as of the last `recount`, of each field that has an image."""
        return {
            look.image.field: np.concatenate([each.findings[each.counted] for each in field.looks])
            for field in self.fields
            for look in field.looks[:1]
        }

    def needs(self) -> Iterator[Need]:
        """What each field lacks that a scanner could still bring, as of the last `recount`."""
        losing = self.coverage.losing()
        last = max((i for i, field in enumerate(self.fields) if field.is_complete), default=0)
        for index, field in enumerate(self.fields):
            if field.is_skipped:
                continue
            if field.is_complete:
                lost = self.coverage.lost(index) if index in losing else ()
            else:
                is_left_out = index + PASSED <= last and self._is_hole(index)
                lost = (("missing", self._ground.homes[index].points),) if is_left_out else ()
            if lost:
                yield self._need(index, lost)

    def _is_hole(self, index: int) -> bool:
        """Whether all around a field is there."""
        around = (i for i in self._ground.neighbours(index) if i != index)
        return all(self.fields[i].is_complete for i in around)

    def _need(self, index: int, lost: tuple[tuple[str, int], ...]) -> Need:
        field = self.fields[index]
        return Need(
            field=self._ground.plan.fields[index].field,
            points=self._ground.homes[index].points,
            lost=lost,
            reached=tuple(self._reached.rows[index].tolist()),
            images=len(field.looks),
            plane=field.next_plane,
        )

    def recount(self) -> None:
        """Count all again that rows since the last time could have changed."""
        self._meet()
        for index in self._changed:
            field = self.fields[index]
            field.is_complete = self._is_closed or field.is_skipped or field.has_all_planes
            self._states.put(index, _state(field))
        touched = {i for index in self._changed for i in self._ground.neighbours(index)}
        for index in touched:
            self._settle(index)
        recounted = {index for index in touched if self._count(index)}
        self.gallery.update(
            {self._ground.plan.fields[index].field for index in recounted},
            self._places(recounted),
            lambda: self._places(range(len(self.fields))),
        )
        self._changed.clear()

    def _meet(self) -> None:
        """Find the twins of new images. They depend on the two images alone: once is enough."""
        for view in self._new:
            self._let_reach(self.looks[view].largest_side_nm)
        while self._new:
            new = self.looks[self._new.pop()]
            for index in self._ground.neighbours(self._ground.index[new.image.field]):
                for other in self.fields[index].looks:
                    if other is not new and other.view not in self._new:
                        new.meet(other, self._registration_nm)

    def _let_reach(self, side_nm: int) -> None:
        """Findings of such a size can be twins: over less than side / 2 + t."""
        self._ground.reach(side_nm // 2 + self._registration_nm + 1)

    def _settle(self, index: int) -> None:
        """Find who owns the lattice points at home in a field, and its images' findings."""
        field, home = self.fields[index], self._ground.homes[index]
        is_waiting = home.is_first_everywhere and not field.is_complete
        if is_waiting:
            self.coverage.wait(index)
            if not field.looks:
                return
        rows, columns = (_NONE, _NONE) if is_waiting else home.lattice()
        x_nm = [(home.column + columns) * LATTICE_NM, *(look.x_nm for look in field.looks)]
        y_nm = [(home.row + rows) * LATTICE_NM, *(look.y_nm for look in field.looks)]
        owner, cell = self._views.first_around(
            index, self._candidates, np.concatenate(x_nm), np.concatenate(y_nm)
        )
        start = len(rows)
        if not is_waiting:
            around = {i: self.fields[i] for i in self._ground.neighbours(index)}
            self.coverage.settle(index, (rows, columns), owner[:start], cell[:start], around)
        for look in field.looks:
            look.owner = owner[start : start + len(look.findings)].astype(np.int32)
            start += len(look.findings)

    def _candidates(self, index: int) -> list[int]:
        """The views of a field that may own: its images, or all of it while they are to come."""
        return self.fields[index].views if self.fields[index].is_complete else [index]

    def _count(self, index: int) -> bool:
        """Count a field's findings; whether anything is new."""
        field = self.fields[index]
        is_same = index not in self._changed
        for look in field.looks:
            counted = look.count(self.looks, self._views)
            is_same &= np.array_equal(counted, look.counted)
            look.counted = counted
        if is_same:
            return False
        reached = np.concatenate([_NONE, *(look.reached for look in field.looks)])
        of_each = (reached[:, None] >> np.arange(SEVERITIES) & 1).sum(axis=0)
        of_each[0] = (reached == 0).sum()
        self._reached.put(index, of_each)
        self._capped.put(index, np.minimum(of_each, MOST_A_FIELD))
        self.coverage.count(index, sum(look.cells for look in field.looks))
        return True

    def _places(self, fields: Iterable[int]) -> Iterator[Place]:
        for index in fields:
            for look in self.fields[index].looks:
                yield from places(look)
