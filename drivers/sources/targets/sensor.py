"""A simulated camera sensor: light becomes grey levels, with the noise of a real one."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[Any]
"""float32 or float64."""
Picture: TypeAlias = npt.NDArray[np.uint8]
Chance: TypeAlias = np.random.Generator

HEIGHT_PX, WIDTH_PX = 512, 640


@dataclass(frozen=True, slots=True)
class Sensor:
    """One sensor's truth. Noise model: EMVA 1288, release 4.0 linear, section 2."""

    full_e: float = 10_000
    """Electrons of light 1."""
    gain: float = 0.0235
    """Grey levels an electron."""
    read_e: float = 28
    """Dark noise in time, electrons."""
    prnu: float = 0.008
    """Spatial deviation of sensitivity, a share."""
    dsnu_e: float = 30
    """Spatial deviation of dark signal, electrons."""
    black_dn: float = 6
    """Grey level of no light: far enough from 0 that noise is not cut off."""
    hot_px: int = 0
    """Pixels stuck at the top."""
    bend: float = 0
    """Share of light lost at light 1: response is light (1 - bend light)."""


class Camera:
    """A sensor with its own fixed pattern."""

    def __init__(
        self, sensor: Sensor, chance: Chance, shape: tuple[int, ...] = (HEIGHT_PX, WIDTH_PX)
    ) -> None:
        self.sensor = sensor
        self._chance = chance
        self._sensitivity = 1 + np.float32(sensor.prnu) * _normal(chance, shape)
        self._dark = np.float32(sensor.dsnu_e) * _normal(chance, shape)
        self._hot = chance.choice(int(np.prod(shape)), sensor.hot_px, replace=False)

    def expose(self, light: Floats | float) -> Picture:
        """One exposure.

        Args:
            light: Share of the brightest light, 0 to 1; shape (H, W), (H, W, 3) or one number.
        """
        s = self.sensor
        light = np.asarray(light, np.float32)
        electrons = np.float32(s.full_e) * light * (1 - np.float32(s.bend) * light)
        electrons = electrons * self._sensitivity
        # Poisson's, by its normal limit where there is light.
        noise = np.sqrt(np.maximum(electrons, 0) + np.float32(s.read_e**2))
        total = electrons + self._dark + noise * _normal(self._chance, self._dark.shape)
        grey = np.float32(s.gain) * total + np.float32(s.black_dn)
        picture: Picture = np.clip(np.rint(grey), 0, 255).astype(np.uint8)
        picture.reshape(-1)[self._hot] = 255
        return picture


def _normal(chance: Chance, shape: tuple[int, ...]) -> Floats:
    return chance.standard_normal(shape, np.float32)


def grid_px(shape: tuple[int, int] = (HEIGHT_PX, WIDTH_PX)) -> tuple[Floats, Floats]:
    """x, shape (1, W), and y, shape (H, 1), of pixel middles, from the picture's middle."""
    height, width = shape
    x = np.arange(width, dtype=np.float32) - (width - 1) / 2
    y = np.arange(height, dtype=np.float32) - (height - 1) / 2
    return x[None, :].astype(np.float32), y[:, None].astype(np.float32)
