"""Step `stain_reference`: the laboratory's own stain, from its own slides."""

from collections.abc import Sequence

import numpy as np

from calibration.steps.outcome import Figure, Floats, Outcome, Picture, mean_of, refused

STEP = "stain_reference"
LEAST_SLIDES = 5
STAINED_OD = 0.15
"""Mean optical density from which a pixel is stained."""
LEAST_STAINED = 0.01
"""Share of stained pixels under which a picture shows no cells."""
MOST_SPREAD = 0.15
"""Deviation between slides, optical density (proposal): more is no one stain."""
COLOURS = ("red", "green", "blue")


def measure(slides: Sequence[Picture], white: Floats, dark: float) -> Outcome:
    """Mean density of what is stained, for each colour, over slides.

    Args:
        slides: One picture a slide, uint8, shape (H, W, 3), flat and linear.
        white: Grey level of a clean place, shape (3,).
        dark: Without light.
    """
    if len(slides) < LEAST_SLIDES:
        what = f"{LEAST_SLIDES} slides of the laboratory are needed"
        return refused(STEP, "slides", str(len(slides)), what, "Show more of them")
    densities = [density(slide, white, dark) for slide in slides]
    empty = [i + 1 for i, d in enumerate(densities) if d is None]
    if empty:
        what = "nothing there is stained"
        return refused(STEP, "slides", ", ".join(map(str, empty)), what, "Show a place with cells")
    seen = np.stack([d for d in densities if d is not None])
    figures = []
    for i, colour in enumerate(COLOURS):
        value, u = mean_of(seen[:, i])
        figures.append(Figure(colour, value, u, "OD", 0.05, 1.5))
    spread = float(seen.std(axis=0, ddof=1).max())
    u = spread / (2 * (len(seen) - 1)) ** 0.5
    figures.append(Figure("spread", spread, u, "OD", 0, MOST_SPREAD))
    return Outcome(STEP, tuple(figures), curves={"slides": seen})


def density(slide: Picture, white: Floats, dark: float) -> Floats | None:
    """Mean optical density of stained pixels, shape (3,); None where nothing is stained."""
    light = np.maximum(slide.astype(np.float64) - dark, 0.5) / (white - dark)
    optical = -np.log10(light)
    stained = optical.mean(axis=2) > STAINED_OD
    if stained.mean() < LEAST_STAINED:
        return None
    return np.asarray(optical[stained].mean(axis=0))
