"""Step `blank_density`: how much light the blank glass itself takes, for each colour."""

from collections.abc import Sequence
from math import log

import numpy as np

from calibration.steps.outcome import Figure, Outcome, Picture, mean_of, refused

STEP = "blank_density"
MOST = 0.06
"""Optical density of clean glass and mounting medium (proposal)."""
COLOURS = ("red", "green", "blue")


def measure(opens: Sequence[Picture], blanks: Sequence[Picture], dark: Picture) -> Outcome:
    """Density of a blank slide against no slide.

    Args:
        opens: Pictures without a slide, uint8, shape (H, W, 3); as many as blanks.
        blanks: Pictures of the blank slide at the same light.
        dark: One without light.
    """
    if len(opens) != len(blanks) or len(opens) < 4:
        what = "as many open as blank pictures are needed, four at least"
        return refused(STEP, "pictures", f"{len(opens)}, {len(blanks)}", what, "Show them again")
    black = dark.mean(axis=(0, 1))
    light = np.stack([p.mean(axis=(0, 1)) - black for p in opens])
    passed = np.stack([p.mean(axis=(0, 1)) - black for p in blanks])
    if light.min() < 20:
        what = "there is no light without the slide"
        return refused(STEP, "light", f"{light.min():.0f} grey levels", what, "Set the exposure")
    density = -np.log10(passed / light)
    if density.mean() > 0.3:
        what = "far more than glass takes: a stained or a covered slide"
        return refused(
            STEP, "target", f"density {density.mean():.2f}", what, "Put the blank slide on"
        )
    figures = []
    for i, colour in enumerate(COLOURS):
        value, u = mean_of(density[:, i])
        rounding = (0.05 / light[:, i].mean()) / log(10)
        figures.append(Figure(colour, value, float(np.hypot(u, rounding)), "OD", -0.01, MOST))
    return Outcome(STEP, tuple(figures))
