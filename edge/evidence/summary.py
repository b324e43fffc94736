"""What evidence says: integers only, the same for the same set of rows."""

from dataclasses import dataclass
from functools import cached_property

from edge.slide.record import Announcement, End, Image, Incident, Opening
from edge.slide.request import NO_REQUESTS, Requests


@dataclass(frozen=True, slots=True)
class Area:
    """Lattice points, one every 20 um (400 um2 each), each counted once, by its owner."""

    planned: int
    usable: int
    empty: int
    pending: int
    """Of fields that are not complete yet."""
    lost: tuple[tuple[str, int], ...]
    """By rising reason: a `Cell` flag in lower case, `missing`, `skipped` or `not_covered`."""
    largest_lost_patch: int
    """The most lost points that hang together by their four neighbours."""
    field: int
    """The most lattice points that a planned field's rectangle holds."""


@dataclass(frozen=True, slots=True)
class Sums:
    """Over the fields that own usable ground: C cells counted and A points owned, each field."""

    n: int
    cells: int
    points: int
    cells_cells: int
    cells_points: int
    points_points: int


@dataclass(frozen=True)
class GalleryEntry:
    """One of the best counted findings that have a crop."""

    image: Image
    finding: int
    """Its index in the image's record."""
    severity: int
    score: int

    @cached_property
    def name(self) -> str:
        """As in `f12.c1.p0.i7`."""
        return f"{self.image}.i{self.finding}"


@dataclass(frozen=True, slots=True)
class Summary:
    """All that the verdict may know."""

    opening: Opening
    area: Area
    sums: Sums
    reached: tuple[int, ...]
    """Counted findings that reach the category of each severity; [0] is those that reach none."""
    capped: tuple[int, ...]
    """As `reached`, but of each field three at most."""
    unsettled_fields: int
    missing_fields: int
    """Planned fields with no image and no skip."""
    skipped_fields: int
    unprocessed_images: int
    """Not withdrawn."""
    truncated_images: int
    withdrawn_captures: int
    incidents: tuple[Incident, ...]
    """Each once, in rising order of (kind, detail)."""
    announcements: tuple[Announcement, ...]
    """Each once, in rising order of their parts."""
    end: End | None
    end_why: str
    gallery: tuple[GalleryEntry, ...]
    """Best first."""
    requests: Requests = NO_REQUESTS
    """What the scanner was asked for: no evidence, and told."""


@dataclass(frozen=True, slots=True)
class Need:
    """A field that shows less than it could, while the glass may still be on the stage."""

    field: int
    points: int
    """Lattice points that are at home in it."""
    lost: tuple[tuple[str, int], ...]
    """Those that are lost, by rising reason; all are `missing` where the scan has passed it by."""
    reached: tuple[int, ...]
    """Its counted findings that reach each severity."""
    images: int
    """How many it has that were not withdrawn."""
    plane: int
    """The first planned plane that did not come; else one above all that did."""
