"""Step `chromatic`: how far red and blue lie beside green, in the middle and towards the edge."""

from math import hypot

import numpy as np

from calibration.steps.lattice import LEAST_CONTRAST, Family, coarse_frequency, family
from calibration.steps.outcome import Figure, Outcome, Picture, refused, stated

STEP = "chromatic"
MOST_PX = 0.5
"""Shift at the corner that lies worst (proposal)."""
_METHOD_PX, _METHOD_STRETCH = 0.0005, 2e-6
"""What unevenly sharp colours leave (seen on simulated grids)."""


def measure(picture: Picture) -> Outcome:
    """Lateral shift from a ruled grid in colour, uint8, shape (H, W, 3)."""
    values = picture.astype(np.float64)
    green = [family(values[..., 1], f) for f in _coarse(picture)]
    figures = []
    for channel, name in ((0, "red"), (2, "blue")):
        own = [family(values[..., channel], f) for f in _coarse(picture)]
        pairs = [(a, b) for a, b in zip(own, green, strict=True) if a is not None and b is not None]
        if len(pairs) < 2 or min(f.contrast for pair in pairs for f in pair) < LEAST_CONTRAST:
            what = "no lines in two directions: blurred, or no ruled grid"
            return refused(STEP, "target", name, what, "Put the ruled grid on, focus on its lines")
        figures += _beside(name, pairs, picture.shape[:2])
    return Outcome(STEP, tuple(figures))


def _coarse(picture: Picture) -> list[np.ndarray]:
    green = picture[..., 1].astype(np.float64)
    return [coarse_frequency(green, axis) for axis in (1, 0)]


def _beside(name: str, pairs: list[tuple[Family, Family]], shape: tuple[int, ...]) -> list[Figure]:
    found, stretches = [], []
    for axis, (own, green) in enumerate(pairs):
        pace = float(green.frequency[axis])
        off = (green.phase - own.phase + 0.5) % 1 - 0.5
        # Content moved by +d shows its phase earlier by d.
        u = stated(hypot(own.u_phase, green.u_phase) / pace, own.freedom, _METHOD_PX)
        found.append(Figure(f"{name} {'xy'[axis]}", off / pace, u, "px", -MOST_PX, MOST_PX))
        change = float(green.frequency[axis] / own.frequency[axis]) - 1
        u_change = hypot(own.covariance[axis, axis] ** 0.5, green.covariance[axis, axis] ** 0.5)
        stretches.append((change, u_change / pace))
    (a, u_a), (b, u_b) = stretches
    change = (a / u_a**2 + b / u_b**2) / (1 / u_a**2 + 1 / u_b**2)
    u_change = stated((1 / u_a**2 + 1 / u_b**2) ** -0.5, pairs[0][0].freedom, _METHOD_STRETCH)
    found.append(Figure(f"{name} stretch", 1e6 * change, 1e6 * u_change, "ppm"))
    corner = hypot(
        abs(found[0].value) + abs(change) * shape[1] / 2,
        abs(found[1].value) + abs(change) * shape[0] / 2,
    )
    u_corner = hypot(found[0].u, found[1].u, u_change * hypot(*shape) / 2)
    found.append(Figure(f"{name} corner", corner, u_corner, "px", 0, MOST_PX))
    return found
