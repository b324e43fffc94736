"""The network's two maps become detections: the one reading of them, for every engine."""

import numpy as np
import numpy.typing as npt

from engines.detector import Detections, EngineFault

MAX_DETECTIONS = 4_096
"""Of one tile, best first. Bounds the memory of what follows."""

PeakMap = npt.NDArray[np.float32]
"""float32, shape (1, 1, h, w), 0 to 1: that a nucleus' middle lies in the cell; 0 unless the cell
is a local maximum."""

ClassMap = npt.NDArray[np.float32]
"""float32, shape (1, classes, h, w), calibrated; sums to 1 over the classes."""


def decode(peaks: PeakMap, classes: ClassMap, stride_px: int, min_score: float) -> Detections:
    """The cells of a tile, best score first; equal scores from the upper left.

    Args:
        peaks: As the network gives it.
        classes: As the network gives it.
        stride_px: Tile pixels a map cell is wide and high. A detection lies in its cell's middle.
        min_score: Peaks under it are no detections.

    Raises:
        EngineFault: A number is no probability.
    """
    flat = peaks.reshape(-1)
    if not (np.isfinite(flat).all() and flat.min() >= 0 and flat.max() <= 1):
        raise _fault("peaks", flat)
    found = np.flatnonzero(flat >= min_score)
    best = found[np.argsort(-flat[found], kind="stable")][:MAX_DETECTIONS]
    class_scores = classes.reshape(classes.shape[1], -1)[:, best].T
    if not (np.isfinite(class_scores).all() and (np.abs(class_scores.sum(1) - 1) < 1e-3).all()):
        raise _fault("classes", class_scores)
    rows, columns = np.divmod(best, peaks.shape[3])
    centres = (np.stack([columns, rows], axis=1) + 0.5) * stride_px
    return Detections(centres.astype(np.float32), flat[best], np.ascontiguousarray(class_scores))


def _fault(output: str, values: npt.NDArray[np.float32]) -> EngineFault:
    return EngineFault(
        f"output {output}",
        f"{values.min()} to {values.max()}",
        "the engine gave numbers that are no probabilities",
        "Restart the service; if it happens again, run `cytoedge engines check`",
    )
