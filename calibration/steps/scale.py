"""Step `scale`: micrometres a pixel, their difference between x and y, and the camera's turn."""

from math import hypot

import numpy as np

from calibration.steps.lattice import LEAST_CONTRAST, Family, coarse_frequency, family
from calibration.steps.outcome import Figure, Outcome, Picture, refused, stated

STEP = "scale"
LIMIT = 0.002
"""Share that the scale may differ from the nominal one (proposal)."""
MOST_TURN_DEG = 0.286
"""5 mrad: what the placing of findings corrects."""
_METHOD = 8e-6
"""Share: what blocks that are not wholly three periods leave (seen on simulated grids)."""
_OBJECTIVES = (0.25, 0.4, 0.5, 2.0, 2.5, 4.0)
"""Ratios of magnification between the objectives 10, 20, 25, 40 and their neighbours."""


def measure(
    picture: Picture, pitch_um: float, nominal_um: float, u_pitch: float = 0.0002
) -> Outcome:
    """Scale from a picture of a ruled grid.

    Args:
        picture: uint8, shape (H, W).
        pitch_um: The grid's certified pitch.
        nominal_um: What the scanner says a pixel is.
        u_pitch: Standard uncertainty of the pitch, a share, from the certificate.
    """
    values = picture.astype(np.float64)
    found = [family(values, coarse_frequency(values, axis)) for axis in (1, 0)]
    if found[0] is None or found[1] is None:
        return _no_grid("no lines in two directions")
    x, y = found[0], found[1]
    if min(x.contrast, y.contrast) < LEAST_CONTRAST:
        what = f"lines show {min(x.contrast, y.contrast):.1%} contrast: blurred, or no ruled grid"
        return _no_grid(what)
    across = float(x.frequency @ y.frequency) / hypot(*x.frequency) / hypot(*y.frequency)
    ratio = hypot(*x.frequency) / hypot(*y.frequency)
    if abs(across) > 0.02 or abs(ratio - 1) > 0.05:
        return _no_grid(
            f"lines cross at {np.degrees(np.arccos(across)):.1f} degrees, {ratio:.2f}:1"
        )
    figures = _figures(x, y, pitch_um, nominal_um, u_pitch)
    seen = figures[0].value / nominal_um
    for wrong in _OBJECTIVES:
        if abs(seen / wrong - 1) < 0.05:
            return refused(
                STEP,
                "objective",
                f"{figures[0].value:.4f} um/px",
                f"the scale is {seen:.2f} times the nominal {nominal_um} um/px: another objective",
                "Turn the right objective in, or name the grid's right pitch; measure again",
            )
    return Outcome(STEP, figures)


def _figures(
    x: Family, y: Family, pitch_um: float, nominal_um: float, u_pitch: float
) -> tuple[Figure, ...]:
    matrix = pitch_um * np.stack([x.frequency, y.frequency])
    scale_x, scale_y = (float(np.hypot(*matrix[:, i])) for i in (0, 1))
    u_x, u_y = (pitch_um * float(f.covariance[i, i]) ** 0.5 for i, f in enumerate((x, y)))
    turn = float(np.arctan2(matrix[1, 0] - matrix[0, 1], matrix[0, 0] + matrix[1, 1]))
    u_turn = pitch_um * hypot(x.covariance[1, 1] ** 0.5, y.covariance[0, 0] ** 0.5)
    low, high = nominal_um * (1 - LIMIT), nominal_um * (1 + LIMIT)
    free = x.freedom
    return (
        Figure(
            "x", scale_x, stated(u_x, free, scale_x * hypot(u_pitch, _METHOD)), "um/px", low, high
        ),
        Figure(
            "y", scale_y, stated(u_y, free, scale_y * hypot(u_pitch, _METHOD)), "um/px", low, high
        ),
        Figure(
            "anisotropy",
            1000 * (scale_x / scale_y - 1),
            stated(1000 * hypot(u_x / scale_x, u_y / scale_y), 2 * free, 1500 * _METHOD),
            "permille",
            -1000 * LIMIT,
            1000 * LIMIT,
        ),
        Figure(
            "rotation",
            float(np.degrees(turn)),
            stated(float(np.degrees(u_turn / (scale_x + scale_y))), 2 * free),
            "degrees",
            -MOST_TURN_DEG,
            MOST_TURN_DEG,
        ),
    )


def _no_grid(what: str) -> Outcome:
    return refused(
        STEP, "target", "no ruled grid", what, "Put the ruled grid on, focus on its lines"
    )
