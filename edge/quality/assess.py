"""Stage 3: what of a picture can be used, cell by cell, and why the rest cannot."""

from dataclasses import dataclass

import numpy as np

from edge.picture import Picture, Rgb
from edge.quality import content, exposure, focus, stain
from edge.quality.grid import MIN_SIDE_PX, grid
from edge.slide.record import GRID, UNUSABLE, Cell, Disposition, sees

_CELLS = GRID * GRID
_UNPROCESSED = int(Cell.UNPROCESSED)


@dataclass(frozen=True, slots=True)
class Quality:
    """A picture, judged. Integers only: rounded once, from sums that no thread shares."""

    cells: tuple[int, ...]
    """64 `Cell` values, row by row, from the upper left."""
    sharpness: tuple[int, ...]
    """64 values, in the order of `cells`; comparable between the planes of one capture only; larger
    is sharper."""
    measures: tuple[tuple[str, int], ...]
    """The image's measures, by rising name; none where it is too small to be judged."""

    @property
    def disposition(self) -> Disposition:
        """`unusable` where no cell sees."""
        if any(map(sees, self.cells)):
            return Disposition.USED
        is_unread = all(cell & _UNPROCESSED for cell in self.cells)
        return Disposition.UNPROCESSED if is_unread else Disposition.UNUSABLE


def assess(picture: Picture, is_misplaced: bool = False) -> Quality:
    """What of a picture can be used.

    Args:
        picture: Any; one whose half is under 64 px high or wide comes back `unprocessed`.
        is_misplaced: It lies further from its planned place than the plan allows.
    """
    placed = Cell.MISPLACED if is_misplaced else Cell.USABLE
    if min(picture.half.shape[:2]) < MIN_SIDE_PX:
        return Quality((int(placed | Cell.UNPROCESSED),) * _CELLS, (0,) * _CELLS, ())
    return _judged(picture.half, placed)


def _judged(half: Rgb, placed: Cell) -> Quality:
    measured = grid(half)
    colour = measured.colour
    blank = content.white(colour)
    is_empty = content.empty(colour, blank)
    density = content.densities(colour, blank)
    blurred, focus_milli = focus.out_of_focus(measured, is_empty)
    clipped = exposure.clipped(colour)
    is_badly_stained, colour_milli = stain.badly_stained(density, is_empty)
    flags = (
        (Cell.EMPTY, is_empty),
        (Cell.OUT_OF_FOCUS, blurred),
        (Cell.OVEREXPOSED, exposure.overexposed(clipped)),
        (Cell.UNDEREXPOSED, exposure.underexposed(colour, blank)),
        (Cell.BADLY_STAINED, ~is_empty & is_badly_stained),
    )
    cells = np.full((GRID, GRID), int(placed), np.int64)
    for flag, where in flags:
        cells += int(flag) * where
    cells[cells > Cell.EMPTY] &= int(UNUSABLE)
    measures = {
        "blank_level": round(float(blank.mean())),
        "clipped_milli": round(1000 * float(clipped.mean())),
        "colour_milli": colour_milli,
        "density_milli": round(1000 * float(density.mean())),
        "focus_milli": focus_milli,
    }
    sharpness = np.rint(1000 * focus.sharpness(measured)).astype(np.int64)
    return Quality(
        tuple(cells.ravel().tolist()), tuple(sharpness.ravel().tolist()), tuple(measures.items())
    )
