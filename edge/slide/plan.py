"""What a scanner means to capture of one slide."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from edge.slide.place import Rectangle, Spot


@dataclass(frozen=True, slots=True)
class PlannedField:
    """One field of the plan: its number, the middle of its image, how many planes."""

    field: int
    x_nm: int
    y_nm: int
    planes: int = 1


@dataclass(frozen=True)
class Plan:
    """All planned fields of a slide. They have one size."""

    spot: Spot
    w_nm: int
    """Width of a planned field."""
    h_nm: int
    overlap_nm: int
    placement_nm: int
    """How far a capture may knowingly lie from its planned place, on each axis."""
    fields: tuple[PlannedField, ...]
    """By rising field number."""

    @cached_property
    def by_number(self) -> Mapping[int, PlannedField]:
        """The planned fields by their number."""
        return {planned.field: planned for planned in self.fields}

    def rectangle(self, field: int) -> Rectangle:
        """The ground that a field is planned to show."""
        planned = self.by_number[field]
        return Rectangle(planned.x_nm, planned.y_nm, self.w_nm, self.h_nm)

    def misplaces(self, field: int, x_nm: int, y_nm: int) -> bool:
        """Whether an image's middle lies further from its planned place than is allowed."""
        planned = self.by_number[field]
        return max(abs(x_nm - planned.x_nm), abs(y_nm - planned.y_nm)) > self.placement_nm
