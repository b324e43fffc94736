"""The locator's two maps become candidates: the one reading of them, for every engine."""

import numpy as np
import numpy.typing as npt

from engines.detector import Candidates, EngineFault, Located

MAX_CANDIDATES = 4_096
"""Of one tile, best first. Bounds the time and memory of what follows."""
LEAST_PEAK = 1e-4
"""Peaks are clipped to this distance from 0 and 1 before their logit is taken."""

PeakMap = npt.NDArray[np.float32]
"""float32, shape (1, 1, h, w), 0 to 1: that a nucleus' middle lies in the cell; 0 unless the cell
is a local maximum."""

CellMap = npt.NDArray[np.float32]
"""float32, shape (1, 5, h, w): how far from the cell's middle the nucleus lies, to the right and
down, in tile pixels; then the logits of negative, low and high."""
OFFSETS, TIERS = slice(0, 2), slice(2, 5)
"""Channels of a `CellMap`."""


def decode(peaks: PeakMap, cells: CellMap, stride_px: int, min_candidate: float) -> Candidates:
    """The candidates of a tile, best peak first; equal peaks from the upper left.

    Args:
        peaks: As the locator gives it.
        cells: As the locator gives it.
        stride_px: Tile pixels a map cell is wide and high.
        min_candidate: Peaks under it are no candidates.

    Raises:
        EngineFault: A peak is no probability, or another number is none.
    """
    flat = peaks.reshape(-1)
    if not (np.isfinite(flat).all() and flat.min() >= 0 and flat.max() <= 1):
        raise _fault("peaks", flat, "peaks that are no probabilities")
    found = np.flatnonzero(flat >= min_candidate)
    best = found[np.argsort(-flat[found], kind="stable")][:MAX_CANDIDATES]
    said = cells.reshape(cells.shape[1], -1)[:, best].T
    if not np.isfinite(said).all():
        raise _fault("cells", said, "numbers that are none")
    rows, columns = np.divmod(best, peaks.shape[3])
    middles = ((np.stack([columns, rows], axis=1) + 0.5) * stride_px).astype(np.float32)
    return Candidates(
        middles + said[:, OFFSETS],
        located(flat[best], said[:, TIERS]),
        len(found) > MAX_CANDIDATES,
    )


def located(peaks: npt.NDArray[np.float32], tiers: npt.NDArray[np.float32]) -> Located:
    """What the grader is told of each candidate.

    Args:
        peaks: float32, shape (n,), 0 to 1.
        tiers: float32, shape (n, 3), logits.
    """
    clipped = np.clip(peaks.astype(np.float64), LEAST_PEAK, 1 - LEAST_PEAK)
    return np.column_stack([np.log(clipped / (1 - clipped)), tiers]).astype(np.float32)


def _fault(output: str, values: npt.NDArray[np.float32], what: str) -> EngineFault:
    return EngineFault(
        f"output {output}",
        f"{values.min()} to {values.max()}",
        f"the engine gave {what}",
        "Restart the service; if it happens again, run `cytoedge engines check`",
    )
