"""A chequer of slanted edges seen in and out of focus: for sharpness, tilt and best focus."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import cos, erf, radians, sin

import numpy as np

from drivers.sources.targets.sensor import HEIGHT_PX, WIDTH_PX, Camera, Floats, Picture

ZONES = 3
"""Along each side."""
SLANT_DEG = 5.0
_STEP_PX = 1 / 64
_REACH_PX = 40


@dataclass(frozen=True, slots=True)
class Edges:
    """How the edges are seen."""

    blur_px: float = 0.8
    """Deviation of the optics' point spread in focus, without the pixel's own."""
    depth_um: float = 3.0
    """Defocus that adds one `blur_px`, in quadrature."""
    z_um: float = 0
    """Height of best focus in the middle."""
    tilt: tuple[float, float] = (0, 0)
    """Micrometres of height from the middle to the last zone, along x and y."""
    slant_deg: float = SLANT_DEG


def blur_at(edges: Edges, row: int, column: int, z_um: float) -> float:
    """Deviation of the point spread in a zone, pixels."""
    best = edges.z_um + edges.tilt[0] * (column - 1) + edges.tilt[1] * (row - 1)
    return edges.blur_px * float(np.hypot(1, (z_um - best) / edges.depth_um))


def edge_picture(edges: Edges, camera: Camera, z_um: float = 0) -> Picture:
    """Nine zones, each dark at the left of a slanted edge and bright at the right."""
    light = np.empty((HEIGHT_PX, WIDTH_PX), np.float32)
    tops = np.linspace(0, HEIGHT_PX, ZONES + 1).astype(int)
    lefts = np.linspace(0, WIDTH_PX, ZONES + 1).astype(int)
    for row in range(ZONES):
        for column in range(ZONES):
            place = (
                slice(tops[row], tops[row + 1]),
                slice(lefts[column], lefts[column + 1]),
            )
            light[place] = _edge(light[place].shape, blur_at(edges, row, column, z_um), edges)
    return camera.expose(light)


def edge_pictures(edges: Edges, camera: Camera, count: int) -> Sequence[Picture]:
    """Repeats in focus."""
    return [edge_picture(edges, camera, edges.z_um) for _ in range(count)]


def true_mtf50(blur_px: float, slant_deg: float = SLANT_DEG) -> float:
    """Cycles a pixel at which contrast across the edge is half: Gaussian optics, square pixels."""
    f = np.linspace(0, 1, 20_001)
    turn = radians(slant_deg)
    mtf = np.exp(-2 * (np.pi * f * blur_px) ** 2)
    mtf = mtf * np.abs(np.sinc(f * cos(turn)) * np.sinc(f * sin(turn)))
    return float(f[int(np.argmax(mtf < 0.5))])


def _edge(shape: tuple[int, ...], blur_px: float, edges: Edges) -> Floats:
    turn = radians(edges.slant_deg)
    y = np.arange(shape[0], dtype=np.float32)[:, None] - np.float32((shape[0] - 1) / 2)
    x = np.arange(shape[1], dtype=np.float32)[None, :] - np.float32((shape[1] - 1) / 2)
    away = np.float32(cos(turn)) * x + np.float32(sin(turn)) * y
    table = _spread(round(blur_px, 4), edges.slant_deg)
    place = np.clip((away + _REACH_PX) / np.float32(_STEP_PX), 0, len(table) - 1)
    return table[np.rint(place).astype(np.int32)]


@lru_cache(maxsize=256)
def _spread(blur_px: float, slant_deg: float) -> Floats:
    """Light across an edge: a step through the optics and a pixel's slanted square."""
    away = np.arange(-_REACH_PX, _REACH_PX + _STEP_PX, _STEP_PX)
    step = np.array([0.5 * (1 + erf(a / (blur_px * 2**0.5))) for a in away])
    turn = radians(slant_deg)
    for side in (cos(turn), sin(turn)):
        wide = max(1, round(side / _STEP_PX) | 1)
        padded = np.pad(step, wide // 2, mode="edge")
        step = np.convolve(padded, np.ones(wide) / wide, mode="valid")
    return (0.08 + 0.74 * step).astype(np.float32)
