"""Where the fields of a slide are planned: a grid over a rectangle or a round spot, in serpentine.

A serpentine runs every second row backwards, as a stage does to spare its way back.
"""

import math
from dataclasses import dataclass

from drivers.problem import Problem, Refusal
from drivers.scanner.lists import CircleSpot, PlanList, PlannedField, RectangleSpot

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
            raise Refusal(
                Problem(
                    "overlap_nm",
                    str(self.overlap_nm),
                    "is not between 0 and half a field",
                    "Give a smaller overlap or larger fields",
                )
            )

    @property
    def step_x_nm(self) -> int:
        """From one field's middle to the next one's."""
        return self.w_nm - self.overlap_nm

    @property
    def step_y_nm(self) -> int:
        """From one row's middle to the next one's."""
        return self.h_nm - self.overlap_nm


def rectangle(tiling: Tiling, fields: int) -> PlanList:
    """A near-square grid of exactly so many fields; its last row may be short.

    Raises:
        Refusal: There is no field at all.
    """
    if fields < 1:
        raise Refusal(Problem("fields", str(fields), "is no number of fields", "Plan at least 1"))
    columns = min(fields, max(1, round(math.sqrt(fields * tiling.step_y_nm / tiling.step_x_nm))))
    rows = math.ceil(fields / columns)
    w_nm = (columns - 1) * tiling.step_x_nm + tiling.w_nm
    h_nm = (rows - 1) * tiling.step_y_nm + tiling.h_nm
    middles = _serpentine(tiling, columns, rows)[:fields]
    spot = RectangleSpot(x_nm=SPOT_X_NM, y_nm=SPOT_Y_NM, w_nm=w_nm, h_nm=h_nm)
    return _plan(tiling, spot, middles)


def round_spot(tiling: Tiling, diameter_nm: int) -> PlanList:
    """All fields of a grid that touch a round spot."""
    columns = max(1, math.ceil((diameter_nm - tiling.overlap_nm) / tiling.step_x_nm))
    rows = max(1, math.ceil((diameter_nm - tiling.overlap_nm) / tiling.step_y_nm))
    middles = [
        (x_nm, y_nm)
        for x_nm, y_nm in _serpentine(tiling, columns, rows)
        if math.hypot(
            max(0, abs(x_nm - SPOT_X_NM) - tiling.w_nm // 2),
            max(0, abs(y_nm - SPOT_Y_NM) - tiling.h_nm // 2),
        )
        < diameter_nm / 2
    ]
    spot = CircleSpot(x_nm=SPOT_X_NM, y_nm=SPOT_Y_NM, diameter_nm=diameter_nm)
    return _plan(tiling, spot, middles)


def _serpentine(tiling: Tiling, columns: int, rows: int) -> list[tuple[int, int]]:
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
