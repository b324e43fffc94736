"""Where the fields of a slide are planned: a grid over a rectangle or a round spot, in serpentine.

A serpentine runs every second row backwards, as a stage does to spare its way back.
"""

import math
from dataclasses import dataclass

from drivers.problem import Problem, Refusal
from drivers.scanner.lists import CircleSpot, PlanList, PlannedField, RectangleSpot
from drivers.scanner.words import MAX_PLANNED_FIELDS

SPOT_X_NM, SPOT_Y_NM = 30_000_000, 12_500_000
"""Middle of the scanned ground on a slide of 75 x 25 mm whose label is at the right."""


@dataclass(frozen=True, slots=True)
class Tiling:
    """Size and overlap of the fields of a grid, and how many planes each has."""

    w_nm: int
    h_nm: int
    overlap_nm: int
    planes: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.overlap_nm < min(self.w_nm, self.h_nm) // 2:
            problem = "is not between 0 and half a field"
            remedy = "Give a smaller overlap or larger fields"
            raise Refusal(Problem("overlap_nm", str(self.overlap_nm), problem, remedy))

    @property
    def step_x_nm(self) -> int:
        """From one field's middle to the next one's."""
        return self.w_nm - self.overlap_nm

    @property
    def step_y_nm(self) -> int:
        """From one row's middle to the next one's."""
        return self.h_nm - self.overlap_nm

    def columns_and_rows(self, fields: int) -> tuple[int, int]:
        """Size of the grid nearest to a square that has room for so many fields.

        Raises:
            Refusal: It is no number of fields that a plan may have.
        """
        if not 1 <= fields <= MAX_PLANNED_FIELDS:
            problem = f"is not between 1 and {MAX_PLANNED_FIELDS}"
            raise Refusal(Problem("fields", str(fields), problem, "Plan another number"))
        square = round(math.sqrt(fields * self.step_y_nm / self.step_x_nm))
        columns = min(fields, max(1, square))
        return columns, math.ceil(fields / columns)


def rectangle(tiling: Tiling, fields: int) -> PlanList:
    """A near-square grid of exactly so many fields; its last row may be short.

    Raises:
        Refusal: It is no number of fields that a plan may have.
    """
    columns, rows = tiling.columns_and_rows(fields)
    w_nm = (columns - 1) * tiling.step_x_nm + tiling.w_nm
    h_nm = (rows - 1) * tiling.step_y_nm + tiling.h_nm
    middles = serpentine(tiling, columns, rows)[:fields]
    spot = RectangleSpot(x_nm=SPOT_X_NM, y_nm=SPOT_Y_NM, w_nm=w_nm, h_nm=h_nm)
    return _plan(tiling, spot, middles)


def round_spot(tiling: Tiling, diameter_nm: int) -> PlanList:
    """All fields of a grid that touch a round spot.

    Raises:
        Refusal: They are more than a plan may have.
    """
    columns = max(1, math.ceil((diameter_nm - tiling.overlap_nm) / tiling.step_x_nm))
    rows = max(1, math.ceil((diameter_nm - tiling.overlap_nm) / tiling.step_y_nm))
    middles = [
        (x_nm, y_nm)
        for x_nm, y_nm in serpentine(tiling, columns, rows)
        if math.hypot(
            max(0, abs(x_nm - SPOT_X_NM) - tiling.w_nm // 2),
            max(0, abs(y_nm - SPOT_Y_NM) - tiling.h_nm // 2),
        )
        < diameter_nm / 2
    ]
    if len(middles) > MAX_PLANNED_FIELDS:
        problem = f"takes {len(middles)} fields, over {MAX_PLANNED_FIELDS}"
        raise Refusal(Problem("spot_nm", str(diameter_nm), problem, "Scan a smaller spot"))
    spot = CircleSpot(x_nm=SPOT_X_NM, y_nm=SPOT_Y_NM, diameter_nm=diameter_nm)
    return _plan(tiling, spot, middles)


def serpentine(tiling: Tiling, columns: int, rows: int) -> list[tuple[int, int]]:
    """Middles of a grid around the spot's middle, in the order that a stage visits them."""
    left_nm = SPOT_X_NM - (columns - 1) * tiling.step_x_nm // 2
    top_nm = SPOT_Y_NM - (rows - 1) * tiling.step_y_nm // 2
    middles: list[tuple[int, int]] = []
    for row in range(rows):
        order = range(columns) if row % 2 == 0 else range(columns - 1, -1, -1)
        y_nm = top_nm + row * tiling.step_y_nm
        middles.extend((left_nm + column * tiling.step_x_nm, y_nm) for column in order)
    return middles


def _plan(
    tiling: Tiling, spot: RectangleSpot | CircleSpot, middles: list[tuple[int, int]]
) -> PlanList:
    return PlanList(
        spot=spot,
        w_nm=tiling.w_nm,
        h_nm=tiling.h_nm,
        overlap_nm=tiling.overlap_nm,
        fields=[
            PlannedField(field=number, x_nm=x_nm, y_nm=y_nm, planes=tiling.planes)
            for number, (x_nm, y_nm) in enumerate(middles)
        ],
    )
