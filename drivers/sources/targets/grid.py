"""A ruled grid: dark lines of a certified pitch; for scale and chromatic shift."""

from dataclasses import dataclass

import numpy as np

from drivers.sources.targets.sensor import Camera, Chance, Floats, Picture, Sensor, grid_px

PITCH_UM = 10.0
LINE_UM = 2.5
CERTIFIED = 0.0002
"""Standard uncertainty of the pitch, a share."""
_HARMONICS = 5


@dataclass(frozen=True, slots=True)
class Grid:
    """How a grid is seen."""

    um_per_px: tuple[float, float] = (0.25, 0.25)
    rotation_rad: float = 0
    blur_um: float = 0.4
    shift_px: tuple[float, float] = (0, 0)
    vignetting: float = 0.02
    stretch: float = 0
    """Magnification beside that of another colour, a share."""


def grid_light(grid: Grid, pitch_um: tuple[float, float]) -> Floats:
    """Light of a grid without noise, shape (H, W).

    Args:
        grid: How it is seen.
        pitch_um: The lines' true distance, across x and across y.
    """
    x, y = grid_px()
    x = (x - np.float32(grid.shift_px[0])) * np.float32(grid.um_per_px[0] / (1 + grid.stretch))
    y = (y - np.float32(grid.shift_px[1])) * np.float32(grid.um_per_px[1] / (1 + grid.stretch))
    cos, sin = np.float32(np.cos(grid.rotation_rad)), np.float32(np.sin(grid.rotation_rad))
    light = _lines((cos * x - sin * y) / np.float32(pitch_um[0]), grid.blur_um, pitch_um[0])
    light = light * _lines((sin * x + cos * y) / np.float32(pitch_um[1]), grid.blur_um, pitch_um[1])
    gx, gy = grid_px()
    fall = 1 - np.float32(grid.vignetting) * (gx**2 + gy**2) / (gx.max() ** 2 + gy.max() ** 2)
    return np.asarray(np.float32(0.85) * light * fall, np.float32)


def grid_picture(grid: Grid, chance: Chance, sensor: Sensor | None = None) -> Picture:
    """A grid whose true pitch is off by what its certificate leaves open."""
    true = PITCH_UM * (1 + CERTIFIED * chance.standard_normal())
    return Camera(sensor or Sensor(), chance).expose(grid_light(grid, (true, true)))


def colour_grid_picture(grids: tuple[Grid, Grid, Grid], chance: Chance) -> Picture:
    """The same grid in red, green and blue, each seen in its own way; shape (H, W, 3)."""
    light = np.stack([grid_light(grid, (PITCH_UM, PITCH_UM)) for grid in grids], axis=2)
    return Camera(Sensor(), chance, light.shape).expose(light)


def _lines(periods: Floats, blur_um: float, pitch_um: float) -> Floats:
    """Transmission of blurred dark lines, by their Fourier series."""
    share = LINE_UM / pitch_um
    table = np.linspace(0, 1, 4097, dtype=np.float64)
    value = np.full_like(table, 1 - 0.9 * share)
    for n in range(1, _HARMONICS + 1):
        height = 2 * np.sin(np.pi * n * share) / (np.pi * n)
        passed = np.exp(-2 * (np.pi * n * blur_um / pitch_um) ** 2)
        value -= 0.9 * height * passed * np.cos(2 * np.pi * n * table)
    place = (periods - np.floor(periods)) * np.float32(4096)
    return value.astype(np.float32)[np.rint(place).astype(np.int32)]
