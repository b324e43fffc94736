"""The second parts of messages that are lists: plan, resume, manifest, differences."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from drivers.scanner.words import (
    MAX_PLANNED_FIELDS,
    CaptureNumber,
    FieldNumber,
    Length,
    Nanometres,
    PlaneNumber,
    Words,
)


class RectangleSpot(Words):
    """A rectangle to scan."""

    kind: Literal["rectangle"] = "rectangle"
    x_nm: Nanometres
    """Its middle."""
    y_nm: Nanometres
    """Likewise."""
    w_nm: Length
    """Along x."""
    h_nm: Length
    """Along y."""


class CircleSpot(Words):
    """A round spot, as liquid-based preparations leave it."""

    kind: Literal["circle"] = "circle"
    x_nm: Nanometres
    """Its middle."""
    y_nm: Nanometres
    """Likewise."""
    diameter_nm: Length
    """Across."""


class PlannedField(Words):
    """One planned field."""

    field: FieldNumber
    x_nm: Nanometres
    """The middle of its image."""
    y_nm: Nanometres
    """Likewise."""
    planes: Annotated[int, Field(ge=1, le=40)] = 1
    """How many depths of focus; the field is complete when all have come."""


class PlanList(Words):
    """The second part of `open_slide`: what will be captured."""

    spot: Annotated[RectangleSpot | CircleSpot, Field(discriminator="kind")]
    """Where the cells are: what should be covered."""
    w_nm: Length
    """Width of every field on the glass."""
    h_nm: Length
    """Height of every field on the glass."""
    overlap_nm: Annotated[int, Field(ge=0, le=1_000_000_000)]
    """By how much neighbours overlap; less than a cell, and cells at seams are cut."""
    placement_nm: Annotated[int, Field(ge=0, le=1_000_000_000)] | None = None
    """How far a capture may knowingly lie from its planned place on each axis; further is
    `unusable: misplaced`. Default: a quarter of the overlap."""
    fields: Annotated[
        list[PlannedField], Field(min_length=1, max_length=MAX_PLANNED_FIELDS, fail_fast=True)
    ]
    """In the order in which they will be captured; each number once."""


class ImageKey(Words):
    """One image: a plane of a capture of a field."""

    field: FieldNumber
    capture: CaptureNumber
    plane: PlaneNumber = 0


class CaptureKey(Words):
    """One capture, with all its planes."""

    field: FieldNumber
    capture: CaptureNumber


Images: TypeAlias = Annotated[list[ImageKey], Field(fail_fast=True)]
Captures: TypeAlias = Annotated[list[CaptureKey], Field(fail_fast=True)]
Fields: TypeAlias = Annotated[list[FieldNumber], Field(fail_fast=True)]
"""The first wrong entry ends the check: a list of a million wrong ones must cost nothing."""


class ResumeList(Words):
    """The second part of `slide_opened`: every image ever seen.

    The next capture of a field takes a number above all that are listed here.
    """

    committed: Images
    """Their records are on the disk: they are answered."""
    in_hand: Images
    """Received, not committed yet: the answer will come, do not send again."""
    withdrawn: Captures
    """Taken back for ever."""
    skipped: Fields
    """Given up."""


class ManifestList(Words):
    """The second part of `close_slide`: what the driver holds to be so."""

    committed: Images
    """Including those of captures that were withdrawn later."""
    withdrawn: Captures
    """Taken back for ever."""
    skipped: Fields
    """Given up."""


class DifferenceList(Words):
    """The second part of `slide_closed`: where both sides differ; empty where it closed."""

    missing: ManifestList
    """In the manifest, not here: send it again, or close without it."""
    unexpected: ManifestList
    """Here, not in the manifest."""
