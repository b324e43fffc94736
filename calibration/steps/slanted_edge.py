"""Sharpness by a slanted edge: the spatial frequency at which contrast has halved.

Source: ISO 12233:2017, annex D (edge-based spatial frequency response).
"""

from dataclasses import dataclass

import numpy as np

from calibration.steps.outcome import Floats

BINS = 4
"""Samples a pixel of the edge's profile."""
_REACH_PX = 32
LEAST_STEP_DN = 20


@dataclass(frozen=True, slots=True)
class Edge:
    """One edge's sharpness."""

    mtf50: float
    """Cycles a pixel."""
    slant_deg: float
    mtf: Floats
    """Frequency and contrast, shape (n, 2)."""


def edge(zone: Floats) -> Edge | None:
    """Sharpness of the nearly upright edge in a zone, shape (H, W); None where there is none."""
    zone = zone.astype(np.float64)
    height, width = zone.shape
    ends = zone[:, : width // 8].mean(), zone[:, -(width // 8) :].mean()
    if abs(ends[1] - ends[0]) < LEAST_STEP_DN:
        return None
    line = _line(zone)
    if line is None:
        return None
    slope, middle, scatter = line
    if scatter > 1.5 or not 0.02 < abs(slope) < 0.3:
        return None
    across = 1 / float(np.hypot(1, slope))
    rows = np.arange(height) - (height - 1) / 2
    # Whole turns of the slant through a pixel, so that each phase is seen as often.
    turns = int(height * abs(slope)) / abs(slope)
    used = np.abs(rows) <= turns / 2
    away = (np.arange(width)[None, :] - middle - slope * rows[used, None]) * across
    profile = _profile(away, zone[used])
    spread = np.gradient(profile)
    spread = spread * _window(len(spread))
    contrast = np.abs(np.fft.rfft(spread, 8 * len(spread)))
    contrast = contrast / contrast[0]
    f = np.arange(len(contrast)) * BINS / (8 * len(spread))
    # What the difference over two bins and the bins' own width take away.
    contrast = contrast / np.maximum(np.sinc(2 * f / BINS) * np.sinc(f / BINS), 0.2)
    below = int(np.argmax(contrast < 0.5))
    before, after = contrast[below - 1], contrast[below]
    mtf50 = f[below - 1] + (before - 0.5) / (before - after) * (f[1] - f[0])
    shown = f <= 1
    return Edge(
        float(mtf50),
        float(np.degrees(np.arctan(abs(slope)))),
        np.stack([f[shown], contrast[shown]], axis=1),
    )


def _window(count: int) -> Floats:
    """Flat over the middle half, falling to 0 as a cosine: the edge whole, far noise left out."""
    place = np.abs(np.linspace(-1, 1, count))
    return np.asarray(np.where(place < 0.5, 1, 0.5 + 0.5 * np.cos(2 * np.pi * (place - 0.5))))


def _line(zone: Floats) -> tuple[float, float, float] | None:
    """The edge's slope, its place in the middle row, and rows' scatter about it, in pixels."""
    height, width = zone.shape
    steep = np.abs(np.diff(_smoothed(zone), axis=1))
    columns = np.arange(width - 1) + 0.5
    rows = np.arange(height) - (height - 1) / 2
    place = columns[np.argmax(steep, axis=1)].astype(np.float64)
    slope, middle = np.polyfit(rows, place, 1)
    for reach in (12, 8):
        near = np.abs(columns[None, :] - (middle + slope * rows)[:, None]) <= reach
        weight = np.where(near, steep, 0)
        total = weight.sum(axis=1)
        if total.min() <= 0:
            return None
        place = (weight * columns).sum(axis=1) / total
        slope, middle = np.polyfit(rows, place, 1)
    return float(slope), float(middle), float(np.std(place - middle - slope * rows))


def _smoothed(zone: Floats) -> Floats:
    """Means of three along a row: a noisy pixel is no edge."""
    padded = np.pad(zone, ((0, 0), (1, 1)), mode="edge")
    return np.asarray((padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]) / 3)


def _profile(away: Floats, values: Floats) -> Floats:
    """Mean grey level in each quarter pixel across the edge."""
    place = np.rint((away + _REACH_PX) * BINS).astype(np.int64).ravel()
    count = 2 * _REACH_PX * BINS + 1
    inside = (place >= 0) & (place < count)
    total = np.bincount(place[inside], values.ravel()[inside], count)
    seen = np.bincount(place[inside], minlength=count)
    filled = seen > 0
    at = np.arange(count)
    return np.interp(at, at[filled], total[filled] / seen[filled])
