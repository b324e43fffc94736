"""Fields of a laboratory's own slides: stained discs on a clean ground, for the stain reference."""

from dataclasses import dataclass

import numpy as np

from drivers.sources.targets.sensor import Camera, Chance, Floats, Picture, Sensor, grid_px


@dataclass(frozen=True, slots=True)
class Stained:
    """A laboratory's stain."""

    density: tuple[float, float, float] = (0.45, 0.6, 0.35)
    """Mean optical density of stained places, red, green, blue."""
    between: float = 0.02
    """Deviation between slides."""
    cells: int = 30
    light: float = 0.8


def stained_pictures(stained: Stained, slides: int, chance: Chance) -> tuple[list[Picture], Floats]:
    """A field a slide, shape (H, W, 3), and the grey level of clean glass, shape (3,)."""
    sensor = Sensor()
    x, y = grid_px()
    camera = Camera(sensor, chance, (y.size, x.size, 3))
    pictures = []
    for _ in range(slides):
        density = np.asarray(stained.density) + stained.between * chance.standard_normal(3)
        covered = np.zeros((y.size, x.size), bool)
        for _ in range(stained.cells):
            left, top = chance.uniform(x.min(), x.max()), chance.uniform(y.min(), y.max())
            covered |= (x - left) ** 2 + (y - top) ** 2 < chance.uniform(8, 24) ** 2
        light = np.where(covered[..., None], stained.light * 10**-density, stained.light)
        pictures.append(camera.expose(light.astype(np.float32)))
    white = sensor.black_dn + sensor.gain * sensor.full_e * stained.light
    return pictures, np.full(3, white, np.float32)
