"""What makes a shape look alive: grain, wrinkles, creases, granules, flaps folded over.

All maps are float32 squares of odd size, in units of thickness.
"""

import cv2
import numpy as np
import numpy.typing as npt

from drivers.sources.simulated.shapes import Map

_COARSE_PX = 3.0
"""Noise smoother than this is drawn on a coarser grid and enlarged."""


def grain(rng: np.random.Generator, size_px: int, sigma_px: float) -> Map:
    """Smooth noise of mean 0 and standard deviation about 1."""
    if sigma_px > _COARSE_PX:
        nodes = int(size_px / (1.5 * sigma_px)) + 4
        rough = rng.standard_normal((nodes, nodes), np.float32)
        x, y = rng.uniform(0, 1, 2)
        side = nodes - 3
        lattice = np.array([[side / size_px, 0, 1 + x], [0, side / size_px, 1 + y]], np.float32)
        how = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        return np.asarray(cv2.warpAffine(rough, lattice, (size_px, size_px), flags=how) * 1.3)
    noise = rng.standard_normal((size_px, size_px), np.float32)
    smooth = np.asarray(cv2.GaussianBlur(noise, (0, 0), max(sigma_px, 0.3)), np.float32)
    return np.asarray(smooth / max(float(smooth.std()), 1e-6), np.float32)


def streaks(rng: np.random.Generator, size_px: int, sigma_px: float, longer: float) -> Map:
    """Grain drawn out along one direction, as fibres are."""
    plain = grain(rng, size_px, sigma_px)
    middle = (size_px - 1) / 2
    turn = cv2.getRotationMatrix2D((middle, middle), float(rng.uniform(0, 180)), 1.0)
    squeeze = np.array([[1 / longer, 0, middle * (1 - 1 / longer)], [0, 1, 0], [0, 0, 1]])
    lattice = (squeeze @ np.vstack([turn, [0, 0, 1]]))[:2]
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    drawn = cv2.warpAffine(
        plain, lattice, (size_px, size_px), flags=how, borderMode=cv2.BORDER_REFLECT
    )
    return np.asarray(drawn, np.float32)


def wrinkles(rng: np.random.Generator, size_px: int, sigma_px: float) -> Map:
    """A net of fine lines, 0 to 1, as a thin sheet has that dried on glass."""
    drawn = streaks(rng, size_px, sigma_px, float(rng.uniform(1.5, 3.5)))
    return np.asarray(np.exp(-((drawn / 0.13) ** 2)) * np.clip(drawn + 0.9, 0.3, 1.3), np.float32)


def creases(rng: np.random.Generator, mask: Map, um_per_px: float, many: int) -> Map:
    """Lines along which a sheet is pleated, fading at their ends: 0 and up, about 1 on a line."""
    size_px = len(mask)
    extra = np.zeros_like(mask)
    t = np.linspace(0, 1, 24)
    for _ in range(many):
        angle, out = rng.uniform(0, 2 * np.pi), rng.uniform(0.15, 0.5)
        start = size_px * (0.5 + out * np.array([np.cos(angle), np.sin(angle)]))
        heading = angle + rng.normal(np.pi, 0.9) + np.cumsum(rng.normal(0, 0.09, 24))
        length_px = size_px * rng.uniform(0.12, 0.6)
        steps = length_px / 24 * np.stack([np.cos(heading), np.sin(heading)], axis=1)
        points = np.rint((start + np.cumsum(steps, axis=0)) * 8).astype(np.int32)
        strength = np.sin(np.pi * t) ** 0.7 * rng.uniform(0.25, 1.0)
        for one, other, dark in zip(points[:-1], points[1:], strength, strict=False):
            ends = (int(one[0]), int(one[1])), (int(other[0]), int(other[1]))
            cv2.line(extra, *ends, float(dark), 1, cv2.LINE_AA, 3)
    soft = np.asarray(cv2.GaussianBlur(extra, (0, 0), 0.2 / um_per_px), np.float32)
    return np.asarray(1.8 * soft * mask, np.float32)


def folded_over(rng: np.random.Generator, sheet: Map) -> Map:
    """The sheet with one side of it folded back upon the rest, its edge a sharp line."""
    size_px = len(sheet)
    angle = rng.uniform(0, 2 * np.pi)
    u = np.array([np.cos(angle), np.sin(angle)])
    far_px = rng.uniform(0.22, 0.36) * size_px
    middle = (size_px - 1) / 2
    mirror = np.eye(2) - 2 * np.outer(u, u)
    offset = middle - mirror @ np.array([middle, middle]) + 2 * far_px * u
    lattice = np.column_stack([mirror, offset]).astype(np.float32)
    flap = cv2.warpAffine(sheet, lattice, (size_px, size_px))
    y, x = np.mgrid[:size_px, :size_px] - middle
    kept = np.clip(far_px - (x * u[0] + y * u[1]) + 0.5, 0, 1).astype(np.float32)
    return np.asarray((sheet + 0.9 * flap) * kept, np.float32)


def dots(rng: np.random.Generator, mask: Map, um_per_px: float, many: int) -> Map:
    """Small round granules strewn on a shape, up to about 1 in their middles."""
    drawn = np.zeros_like(mask)
    inside = np.argwhere(mask > 0.9)
    if not many or not len(inside):
        return drawn
    rows, columns = inside[rng.integers(len(inside), size=many)].T
    drawn[rows, columns] = rng.uniform(0.2, 1.0, many)
    sigma_px = float(rng.uniform(0.16, 0.34)) / um_per_px
    return np.asarray(softened(drawn, sigma_px * um_per_px, um_per_px) * (6.3 * sigma_px**2))


def distance_um(size_px: int, um_per_px: float) -> tuple[Map, Map]:
    """Abscissa and ordinate of each pixel from the middle, in um; float32, (size, size)."""
    line = (np.arange(size_px, dtype=np.float32) - size_px // 2) * np.float32(um_per_px)
    x, y = np.meshgrid(line, line)
    return np.asarray(x, np.float32), np.asarray(y, np.float32)


def away_um(size_px: int, um_per_px: float) -> Map:
    """How far each pixel lies from the middle, in um."""
    x, y = distance_um(size_px, um_per_px)
    return np.asarray(np.hypot(x, y), np.float32)


def softened(shape: Map, sigma_um: float, um_per_px: float) -> npt.NDArray[np.float32]:
    """A map, blurred."""
    return np.asarray(cv2.GaussianBlur(shape, (0, 0), sigma_um / um_per_px), np.float32)
