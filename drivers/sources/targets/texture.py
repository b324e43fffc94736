"""A textured slide under a moving stage, and a wedge of lines under a moving focus."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from drivers.sources.targets.sensor import (
    HEIGHT_PX,
    WIDTH_PX,
    Camera,
    Chance,
    Floats,
    Picture,
    Sensor,
    grid_px,
)

FINEST_PX = 8.0
"""Shortest wave of the texture."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage's truth."""

    px_per_um: tuple[tuple[float, float], tuple[float, float]] = ((4.0, 0.0), (0.0, 4.0))
    """How a picture's content moves when the stage does: 2 x 2."""
    backlash_um: tuple[float, float] = (0.5, 0.5)
    """How much further a place lies when it is come to from below than from above."""
    repeat_um: float = 0.1
    """Deviation of a place come to again, each axis."""


def true_shift(stage: Stage, place_um: Floats, side: Floats, chance: Chance) -> Floats:
    """Content's shift in pixels, x and y, where a stage was sent to a place from a side (+-1)."""
    off = np.asarray(stage.backlash_um) * side / 2 + stage.repeat_um * chance.standard_normal(2)
    return np.asarray(np.asarray(stage.px_per_um) @ (place_um + off))


def texture(chance: Chance) -> Floats:
    """Spectrum of a periodic random texture twice a picture wide, no wave under `FINEST_PX`."""
    noise = np.fft.rfft2(
        chance.standard_normal((2 * HEIGHT_PX, WIDTH_PX + 128), np.float32)[: HEIGHT_PX + 128]
    )
    fy = np.fft.fftfreq(noise.shape[0])[:, None]
    fx = np.fft.rfftfreq(WIDTH_PX + 128)[None, :]
    radius = np.hypot(fx, fy)
    passed = (radius < 1 / FINEST_PX) & (radius > 0.004)
    found = noise * passed
    scale = np.fft.irfft2(found, s=(HEIGHT_PX + 128, WIDTH_PX + 128)).std()
    return np.asarray(found / scale)


def shifted_picture(spectrum: Floats, shift_px: Floats, camera: Camera) -> Picture:
    """The texture moved by any part of a pixel, exactly, by its waves' phase."""
    shape = (HEIGHT_PX + 128, WIDTH_PX + 128)
    fy = np.fft.fftfreq(shape[0])[:, None]
    fx = np.fft.rfftfreq(shape[1])[None, :]
    moved = spectrum * np.exp(-2j * np.pi * (fx * shift_px[0] + fy * shift_px[1]))
    light = 0.55 + 0.1 * np.fft.irfft2(moved, s=shape)[64:-64, 64:-64]
    return camera.expose(np.clip(light, 0, 1).astype(np.float32))


@dataclass(frozen=True, slots=True)
class Wedge:
    """Lines on a slope of known angle: where they are sharp tells the true height."""

    slope: float = 0.1
    """Micrometres of height a micrometre along x: certified."""
    um_per_px: float = 0.25
    gain: float = 1.0
    """True micrometres for each that the focus drive says."""
    hysteresis_um: float = 0.2
    """How much lower the true height is on the way down than on the way up."""
    repeat_um: float = 0.05
    depth_um: float = 2.0
    period_px: float = 16
    stuck: bool = False


def wedge_pictures(
    wedge: Wedge, z_um: Sequence[float], rising: Sequence[bool], chance: Chance
) -> Sequence[Picture]:
    """A picture at each height that the drive was sent to, rising or falling."""
    camera = Camera(Sensor(), chance)
    x, y = grid_px()
    lines = np.cos(2 * np.pi * y / np.float32(wedge.period_px))
    found = []
    for z, up in zip(z_um, rising, strict=True):
        side = wedge.hysteresis_um / 2 * (1 if up else -1)
        true = wedge.gain * (0 if wedge.stuck else z) + side
        true += wedge.repeat_um * chance.standard_normal()
        away = (true - wedge.slope * wedge.um_per_px * x) / wedge.depth_um
        light = 0.5 + 0.35 * lines * np.exp(-0.5 * (1 + away**2) * 0.5)
        found.append(camera.expose(light.astype(np.float32)))
    return found
