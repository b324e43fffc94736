"""Evidence: a slide's rows, in any order and however often, become one summary.

All that is counted is a sum over fields of a pure function of a field and its neighbours. The batch
is the same function over all fields.
"""

from collections.abc import Iterable, Iterator
from dataclasses import astuple

import numpy as np

from edge.evidence.bag import bag
from edge.evidence.counts import Counts
from edge.evidence.summary import GalleryEntry, Need, Summary
from edge.slide.finding import Findings
from edge.slide.record import (
    Announcement,
    Closing,
    Image,
    Incident,
    Opening,
    Record,
    Row,
    Skip,
    Withdrawal,
)
from edge.slide.request import Answered, Asked, Requests


class Evidence:
    """All rows of one slide, folded. Memory: bounded by the plan and `MAX_FINDINGS`."""

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        basis = opening.basis
        self._counts = Counts(opening.plan, opening.registration_nm, basis.largest_box_nm)
        self._images: set[Image] = set()
        self._withdrawn: set[tuple[int, int]] = set()
        self._incidents: set[Incident] = set()
        self._announcements: set[Announcement] = set()
        self._closings: set[Closing] = set()
        self._asked: dict[int, Asked] = {}
        self._answered: dict[int, Answered] = {}

    def add(self, row: Row) -> None:
        """Take a row, whatever came before it. A repeated row changes nothing.

        Raises:
            ValueError: An opening that is not this slide's.
            KeyError: An image of a field that is not planned.
        """
        match row:
            case Record():
                self._add_record(row)
            case Withdrawal(field, capture):
                self._withdrawn.add((field, capture))
                self._counts.withdraw(field, capture)
            case Skip(field):
                self._counts.skip(field)
            case Incident():
                self._incidents.add(row)
            case Announcement():
                self._announcements.add(row)
            case Closing():
                self._closings.add(row)
                self._counts.close()
            case Asked():
                self._asked[row.number] = row
            case Answered():
                self._answered[row.number] = row
            case Opening():
                if row != self._opening:
                    raise ValueError(f"slide {self._opening.slide} was opened otherwise")

    def _add_record(self, record: Record) -> None:
        image = record.image
        if image in self._images or (image.field, image.capture) in self._withdrawn:
            return
        self._counts.put(record)
        self._images.add(image)

    @property
    def has_reached(self) -> bool:
        """Whether any image ever showed a finding that reaches a category; costs nothing to ask."""
        return self._counts.has_reached

    def counted(self) -> Findings:
        """The findings that count now, field by field.

        Raises:
            ValueError: There is no image.
        """
        return np.concatenate(list(self.counted_by_field().values()))

    def counted_by_field(self) -> dict[int, Findings]:
        """The findings that count now, by the number of their field, in the plan's order."""
        self._counts.recount()
        return self._counts.counted()

    def bag(self) -> tuple[GalleryEntry, ...]:
        """The best counted findings of each class that have a crop: a function of the rows' set."""
        self._counts.recount()
        return bag(self._counts.looks.values())

    def requests(self) -> Requests:
        """What the scanner was asked for, and what came of it."""
        asked, answered = sorted(self._asked.items()), sorted(self._answered.items())
        return Requests(tuple(row for _, row in asked), tuple(row for _, row in answered))

    def needs(self) -> Iterator[Need]:
        """The fields whose ground is lost, or that the scan has passed by, by rising number."""
        self._counts.recount()
        return self._counts.needs()

    def summary(self) -> Summary:
        """What all rows so far say together: a pure function of their set.

        Where two closings were written, an abort is told before an orderly end.
        """
        counts = self._counts
        counts.recount()
        closing = min(self._closings, key=lambda row: (row.end, row.why), default=None)
        return Summary(
            opening=self._opening,
            area=counts.coverage.area(),
            sums=counts.coverage.sums(),
            reached=counts.reached(),
            capped=counts.capped(),
            **counts.states()._asdict(),
            withdrawn_captures=len(self._withdrawn),
            incidents=tuple(sorted(self._incidents, key=lambda row: (row.kind, row.detail))),
            announcements=tuple(sorted(self._announcements, key=astuple)),
            end=closing.end if closing else None,
            end_why=closing.why if closing else "",
            gallery=counts.gallery.entries(),
            requests=self.requests(),
        )


def fold(rows: Iterable[Row]) -> Summary:
    """The summary of a slide's rows, read once, in any order.

    Raises:
        ValueError: The slide's opening is not among them.
    """
    before: list[Row] = []
    evidence: Evidence | None = None
    for row in rows:
        if evidence is not None:
            evidence.add(row)
        elif isinstance(row, Opening):
            evidence = Evidence(row)
        else:
            before.append(row)
    if evidence is None:
        raise ValueError("a slide without its opening")
    for row in before:
        evidence.add(row)
    return evidence.summary()
