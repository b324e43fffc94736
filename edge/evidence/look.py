"""What evidence keeps of an image: its findings, packed, and what is known of each."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from edge.evidence.ground import Ints
from edge.evidence.ownership import NOBODY, Views
from edge.evidence.twins import Pairs, find_twins, shortest_side_nm
from edge.slide.finding import LIKELY_CELL, Column, Findings
from edge.slide.record import Disposition, Image, Record

Flags = npt.NDArray[np.bool_]


@dataclass(slots=True)
class Look:
    """One image. Memory: its findings as they came, 5 B more for each, and about 1 KB."""

    image: Image
    view: int
    """Its row in `Views`."""
    checksum: str
    findings: Findings
    cropped: npt.NDArray[np.int32]
    """The findings that have a crop, by rising index."""
    is_unprocessed: bool
    is_truncated: bool
    owner: npt.NDArray[np.int32]
    """The view that owns each finding's centre, `NOBODY`, or the row of a field still to come."""
    counted: Flags
    twins: dict[int, Pairs] = field(default_factory=dict)
    """By the view of the other image."""

    @classmethod
    def of(cls, record: Record, view: int) -> "Look":
        """A record, as evidence keeps it; nothing is owned or counted yet."""
        n = len(record.findings)
        return cls(
            record.image,
            view,
            record.checksum,
            record.findings,
            np.array(sorted({crop.finding for crop in record.crops}), np.int32),
            record.disposition is Disposition.UNPROCESSED,
            record.truncated,
            np.full(n, NOBODY, np.int32),
            np.zeros(n, bool),
        )

    @property
    def x_nm(self) -> Ints:
        """Of its findings' centres: int64, shape (n,)."""
        return self.findings[:, Column.X_NM].astype(np.int64)

    @property
    def y_nm(self) -> Ints:
        """Of its findings' centres: int64, shape (n,)."""
        return self.findings[:, Column.Y_NM].astype(np.int64)

    @property
    def largest_side_nm(self) -> int:
        """The largest of its boxes' shorter sides: what bounds the distance of its twins."""
        return int(shortest_side_nm(self.findings).max(initial=0))

    @property
    def reached(self) -> Ints:
        """What its counted findings reach: int64, one for each, a bit a severity."""
        reached: Ints = self.findings[self.counted, Column.REACHED].astype(np.int64)
        return reached

    @property
    def cells(self) -> int:
        """How many of its counted findings are cells more likely than not: what adequacy counts."""
        scores = self.findings[self.counted, Column.SCORE]
        return int(np.count_nonzero(scores >= LIKELY_CELL))

    def meet(self, other: "Look", registration_nm: int) -> None:
        """Find and keep the twins of two images."""
        lower, higher = sorted((self, other), key=lambda look: look.image)
        pairs = find_twins(lower.findings, higher.findings, registration_nm)
        if len(pairs):
            self.twins[other.view] = other.twins[self.view] = pairs

    def count(self, looks: Mapping[int, "Look"], views: Views) -> Flags:
        """Which findings count: one look a point, each cell once.

        A finding counts if its image owns its centre, and no twin that its own image owns ranks
        above it; or if it and its twin each lie in the other's ground and it ranks above. What its
        own image does not see never counts.
        Source: `docs/decisions/0003-one-look-a-point.md`.

        Args:
            looks: All images by their view, with the owners of their findings.
            views: What they see.
        """
        counted: Flags = self.owner == self.view
        crossed: Flags = np.zeros_like(counted)
        for view, pairs in self.twins.items():
            is_lower = self.image < looks[view].image
            mine, theirs = (pairs[:, 0], pairs[:, 1]) if is_lower else (pairs[:, 1], pairs[:, 0])
            is_above = (pairs[:, 2] == 1) == is_lower
            owner = looks[view].owner[theirs]
            counted[mine[(owner == view) & ~is_above]] = False
            crossed[mine[(owner == self.view) & (self.owner[mine] == view) & is_above]] = True
        if crossed.any():
            crossed &= views.sees(self.view, self.x_nm, self.y_nm)
        return counted | crossed


@dataclass(slots=True)
class FieldLooks:
    """All that came of one planned field."""

    planes: int
    """How many are planned."""
    looks: list[Look] = field(default_factory=list)
    """Latest capture first, then by rising plane."""
    is_skipped: bool = False
    is_complete: bool = False

    @property
    def views(self) -> list[int]:
        """Of its images, in the order of `looks`."""
        return [look.view for look in self.looks]

    @property
    def has_all_planes(self) -> bool:
        """Whether every planned plane came, whichever capture brought it."""
        return {look.image.plane for look in self.looks} >= set(range(self.planes))

    @property
    def next_plane(self) -> int:
        """The first planned plane that did not come; else one above all that did."""
        came = {look.image.plane for look in self.looks}
        missing = set(range(self.planes)) - came
        return min(missing) if missing else max(came) + 1

    def add(self, new: Look) -> None:
        """One more image."""
        self.looks.append(new)
        self.looks.sort(key=lambda look: (-look.image.capture, look.image.plane))
