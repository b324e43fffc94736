"""Step `focus`: sharpness in nine zones, the best focus of each, and the tilt between them."""

from collections.abc import Sequence

import numpy as np

from calibration.steps.outcome import (
    Figure,
    Floats,
    Outcome,
    Picture,
    fit,
    mean_of,
    refused,
    stated,
)
from calibration.steps.slanted_edge import edge

STEP = "focus"
ZONES = 3
LEAST_SHARE = 0.9
"""Of the objective's own MTF50 (baseline) that each zone must reach (proposal)."""
MOST_TILT = 0.5
"""Depths of field from the middle to an outer zone (proposal)."""
_METHOD = 0.006
"""Share: bins and window; seen on simulated edges of 0.5 to 2 px blur."""
_MARGIN_PX = 2


def sharpness(pictures: Sequence[Picture], baseline: float) -> Outcome:
    """MTF50 in nine zones from repeats in focus.

    Args:
        pictures: At least four, uint8, shape (H, W), a slanted edge in each zone.
        baseline: The objective's MTF50, cycles a pixel.
    """
    if len(pictures) < 4:
        return refused(STEP, "pictures", str(len(pictures)), "four are needed", "Repeat the step")
    seen = np.stack([mtf50(picture) for picture in pictures])
    if np.isnan(seen).any():
        what = f"{np.isnan(seen).any(axis=0).sum()} of 9 zones show no slanted edge"
        return refused(
            STEP, "target", "no edge target", what, "Put the edge target on, focus on it"
        )
    if np.median(seen) < 0.35 * baseline:
        what = f"MTF50 is {np.median(seen):.3f}, of {baseline:.3f}: blurred everywhere"
        return refused(STEP, "focus", "blurred", what, "Focus on the edges, clean the objective")
    figures = []
    for zone in range(ZONES**2):
        value, u = mean_of(seen[:, zone])
        u = float(np.hypot(u, _METHOD * value))
        name = f"MTF50 {zone // ZONES + 1}-{zone % ZONES + 1}"
        figures.append(Figure(name, value, u, "cycles/px", LEAST_SHARE * baseline))
    return Outcome(STEP, tuple(figures), curves={"sharpness": seen.mean(axis=0).reshape(3, 3)})


def tilt(stack: Sequence[Picture], z_um: Sequence[float], depth_um: float) -> Outcome:
    """Best focus and tilt from pictures at several heights.

    Args:
        stack: One picture a height, uint8, shape (H, W); at least seven.
        z_um: The heights, on both sides of best focus.
        depth_um: The objective's depth of field.
    """
    z = np.asarray(z_um, np.float64)
    if len(stack) < 7 or len(stack) != len(z):
        return refused(
            STEP, "stack", str(len(stack)), "seven heights are needed", "Repeat the step"
        )
    seen = np.stack([mtf50(picture) for picture in stack])
    middle = np.nanmedian(seen, axis=1) if not np.isnan(seen).all(axis=1).any() else np.zeros(1)
    if np.isnan(seen).any() or middle.max() < 1.05 * max(middle[0], middle[-1]):
        what = "sharpness does not rise and fall: the focus stands still, or is out of reach"
        return refused(
            STEP, "z", f"{z[0]:g} to {z[-1]:g} um", what, "Free the focus drive; refocus"
        )
    best = np.array([_best(z, seen[:, zone]) for zone in range(ZONES**2)])
    design = np.array([[1, zone % 3 - 1, zone // 3 - 1] for zone in range(9)], np.float64)
    plane, errors, freedom = fit(design, best)
    u = [stated(float(errors[i, i] ** 0.5), freedom) for i in range(3)]
    most = MOST_TILT * depth_um
    return Outcome(
        STEP,
        (
            Figure("best focus", float(plane[0]), u[0], "um", float(z[0]), float(z[-1])),
            Figure("tilt x", float(plane[1]), u[1], "um", -most, most),
            Figure("tilt y", float(plane[2]), u[2], "um", -most, most),
        ),
        curves={"through focus": np.stack([z, seen.mean(axis=1)], axis=1)},
    )


def mtf50(picture: Picture) -> Floats:
    """MTF50 of each zone, shape (9,), row by row; NaN where there is no edge."""
    tops = np.linspace(0, picture.shape[0], ZONES + 1).astype(int)
    lefts = np.linspace(0, picture.shape[1], ZONES + 1).astype(int)
    found = np.full(ZONES**2, np.nan)
    for zone in range(ZONES**2):
        row, column = divmod(zone, ZONES)
        piece = picture[
            tops[row] + _MARGIN_PX : tops[row + 1] - _MARGIN_PX,
            lefts[column] + _MARGIN_PX : lefts[column + 1] - _MARGIN_PX,
        ]
        seen = edge(piece.astype(np.float64))
        found[zone] = np.nan if seen is None else seen.mtf50
    return found


def _best(z: Floats, seen: Floats) -> float:
    """Height of the sharpest place: 1 / MTF50^2 is a parabola of defocus."""
    # Noise of 1 / f^2 is about 1 / f^2 itself times one share: fitted with those weights.
    wide = seen**-2.0
    design = np.stack([z**2, z, np.ones_like(z)], axis=1)
    found, _, _ = fit(design / wide[:, None], np.ones_like(z))
    return float(-found[1] / (2 * found[0]))
