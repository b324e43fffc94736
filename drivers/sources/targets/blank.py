"""A clean, empty place of a slide under uneven light: for flat field, blank density and sensor."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from drivers.sources.targets.sensor import Camera, Chance, Floats, Picture, grid_px


@dataclass(frozen=True, slots=True)
class Blank:
    """How a blank is lit."""

    light: float = 0.8
    vignetting: float = 0.03
    """Share of light that the corners lack."""
    slope: float = 0.01
    """Share of light from the middle to the right edge: a lamp off the axis."""
    flicker: float = 0.003
    """Deviation of the lamp between pictures, a share."""
    debris: int = 0
    """Specks that move with the slide."""
    dust: int = 0
    """Specks that stay: on the camera or the lamp."""


def blank_light(blank: Blank) -> Floats:
    """Even light times its fall, shape (H, W)."""
    x, y = grid_px()
    radius = (x**2 + y**2) / (x.max() ** 2 + y.max() ** 2)
    fall = 1 - np.float32(blank.vignetting) * radius + np.float32(blank.slope) * x / x.max()
    return np.asarray(np.float32(blank.light) * fall, np.float32)


def blank_pictures(blank: Blank, camera: Camera, chance: Chance, count: int) -> Sequence[Picture]:
    """Pictures of different clean places."""
    light = _specks(blank_light(blank), blank.dust, chance)
    return [
        camera.expose(
            _specks(
                light * np.float32(1 + blank.flicker * chance.standard_normal()),
                blank.debris,
                chance,
            )
        )
        for _ in range(count)
    ]


def _specks(light: Floats, count: int, chance: Chance) -> Floats:
    light = light.copy()
    for _ in range(count):
        radius = int(chance.integers(6, 16))
        top = int(chance.integers(0, light.shape[0] - 2 * radius))
        left = int(chance.integers(0, light.shape[1] - 2 * radius))
        light[top : top + 2 * radius, left : left + 2 * radius] *= np.float32(0.6)
    return light
