"""The two line directions of a ruled grid, to a small part of a pixel, by their phase."""

from dataclasses import dataclass

import numpy as np

from calibration.steps.outcome import Floats, fit

BLOCK_PERIODS = 3
"""A block of whole periods under a Hann window sees its own line family alone: the other's mean is
constant over it, and its harmonics are near the window's zeros."""
LEAST_CONTRAST = 0.05
"""Amplitude of the fundamental over the mean: under it the lines are blurred or absent."""
_STEEPEST = 0.35
"""Tangent of the largest turn at which a family is still called x or y: 19 degrees."""


@dataclass(frozen=True, slots=True)
class Family:
    """Parallel lines."""

    frequency: Floats
    """Periods a pixel along x and y, shape (2,)."""
    covariance: Floats
    """Of frequency, shape (2, 2)."""
    phase: float
    """Periods at the picture's middle, within a half."""
    u_phase: float
    freedom: float
    contrast: float


def coarse_frequency(picture: Floats, axis: int) -> Floats:
    """Frequency of the strongest lines across an axis (0: y, 1: x), shape (2,), x first."""
    height, width = picture.shape
    window = np.hanning(height)[:, None] * np.hanning(width)[None, :]
    power = np.abs(np.fft.rfft2((picture - picture.mean()) * window))
    fy, fx = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :]
    along, across = (fx, fy) if axis == 1 else (np.abs(fy), fx)
    # Slower than six periods a picture is illumination.
    wanted = (np.abs(across) <= _STEEPEST * np.abs(along)) & (
        np.abs(along) > 6 / min(height, width)
    )
    top, left = np.unravel_index(int(np.argmax(np.where(wanted, power, 0))), power.shape)
    dy = _vertex(power[(top - 1) % height, left], power[top, left], power[(top + 1) % height, left])
    if 0 < left < power.shape[1] - 1:
        dx = _vertex(power[top, left - 1], power[top, left], power[top, left + 1])
    else:
        dx = 0.0
    found = np.array([fx[0, left] + dx / width, fy[top, 0] + dy / height])
    return found if found[1 - axis] > 0 else -found


def family(picture: Floats, frequency: Floats) -> Family | None:
    """A family of lines near a frequency; None where the picture is too small for it."""
    height, width = picture.shape
    if not frequency.any():  # Nothing but one grey level.
        return None
    side = round(BLOCK_PERIODS / float(np.hypot(*frequency)))
    rows, columns = height // side, width // side
    if side < 4 or rows < 3 or columns < 3:
        return None
    blocks = picture[: rows * side, : columns * side].reshape(rows, side, columns, side)
    blocks = blocks.transpose(0, 2, 1, 3)
    place = np.arange(side) - (side - 1) / 2
    window = np.hanning(side + 1)[:side] + np.hanning(side + 1)[1:]
    y_wave = window * np.exp(-2j * np.pi * frequency[1] * place)
    x_wave = window * np.exp(-2j * np.pi * frequency[0] * place)
    seen = np.einsum("rcyx,y,x->rc", blocks, y_wave, x_wave, optimize=True)
    mean = np.einsum("rcyx,y,x->rc", blocks, window, window, optimize=True)
    # A block is not wholly two periods; what its mean light leaves at the frequency is known.
    leaked = complex(y_wave.sum() * x_wave.sum()) / float(window.sum()) ** 2
    seen = seen - leaked * mean
    middle_x = np.arange(columns) * side + (side - 1) / 2 - (width - 1) / 2
    middle_y = np.arange(rows) * side + (side - 1) / 2 - (height - 1) / 2
    x, y = np.meshgrid(middle_x, middle_y)
    turned = np.angle(seen * np.exp(-2j * np.pi * (frequency[0] * x + frequency[1] * y)))
    phase = np.unwrap(np.unwrap(turned, axis=1), axis=0) / (2 * np.pi)
    design = np.stack([x.ravel(), y.ravel(), np.ones(x.size)], axis=1)
    found, covariance, freedom = fit(design, phase.ravel())
    return Family(
        frequency + found[:2],
        covariance[:2, :2],
        float((found[2] + 0.5) % 1 - 0.5),
        float(covariance[2, 2] ** 0.5),
        freedom,
        float(np.median(2 * np.abs(seen) / mean)),
    )


def _vertex(before: float, top: float, after: float) -> float:
    bend = before - 2 * top + after
    return 0.0 if bend == 0 else float(0.5 * (before - after) / bend)
