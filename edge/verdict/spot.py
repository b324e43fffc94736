"""The ground that a slide's cells are spread on, and whether its plan covers it."""

from typing import Final

from edge.slide.place import Circle, area_um2
from edge.slide.record import Opening

POINT_UM2: Final = 400
"""um2 that a lattice point stands for: one every 20 um."""

SPOT_DIAMETER_NM: Final = {"thinprep": 20_000_000, "surepath": 13_000_000}
"""The round spots of liquid-based preparations.

Source: Nayar and Wilbur, The Bethesda System for Reporting Cervical Cytology, 3rd edition (2015),
chapter 1: its tables of cellularity by the preparation's diameter.
"""

COVERED_PERCENT: Final = 95
"""A clinical plan covers at least this much of the spot."""


def spot_points(opening: Opening, planned: int) -> int:
    """The spot's area in lattice points.

    A clinical slide's spot is its preparation's, or the declared smear. Others are judged on what
    they were planned to show.

    Args:
        opening: The slide's first row.
        planned: Its planned area, in lattice points.
    """
    if opening.purpose != "clinical":
        return planned
    diameter_nm = SPOT_DIAMETER_NM.get(opening.preparation)
    spot = opening.plan.spot if diameter_nm is None else Circle(0, 0, diameter_nm)
    return area_um2(spot) // POINT_UM2


def least_covered_points(opening: Opening, planned: int) -> int:
    """How many lattice points a plan must have, rounded up."""
    return -(-COVERED_PERCENT * spot_points(opening, planned) // 100)


def plan_covers(opening: Opening, planned: int) -> bool:
    """Whether a plan of so many lattice points covers the slide's spot."""
    return planned >= least_covered_points(opening, planned)
