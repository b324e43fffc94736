"""The shapes of cells, drawn as thickness: outlines, filled masks, grain, folds.

All are float32 squares of odd size whose middle pixel is the cell's reference point, at a pixel
size given in um.
"""

import cv2
import numpy as np
import numpy.typing as npt

Map = npt.NDArray[np.float32]
"""float32, shape (n, n), n odd."""
Layers = list[tuple[Map, npt.NDArray[np.float32]]]
"""Thickness maps, each with its dye's density in red, green and blue."""
Outline = npt.NDArray[np.float64]
"""float64, shape (k, 2): x, y in um from the reference point."""

_FINE = 4
"""Outlines are filled at so many times the resolution."""


def polygon(
    rng: np.random.Generator, radius_um: float, corners: int, uneven: float, rounds: int
) -> Outline:
    """A polygon with cut corners; more `rounds` of cutting make it rounder."""
    turns = (np.arange(corners) + rng.uniform(-0.28, 0.28, corners)) / corners
    angles = 2 * np.pi * (turns + rng.uniform())
    radii = radius_um * rng.uniform(1 - uneven, 1 + uneven, corners)
    points = np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=1)
    for _ in range(rounds):  # Chaikin's corner cutting
        after = np.roll(points, -1, axis=0)
        cut = np.stack([0.82 * points + 0.18 * after, 0.18 * points + 0.82 * after], axis=1)
        points = cut.reshape(-1, 2)
    return np.asarray(points * (1.0, rng.uniform(0.72, 1.0)))


def ragged(rng: np.random.Generator, outline: Outline, by_um: float) -> Outline:
    """The outline with a finer, uneven edge."""
    between = np.linspace(0, 1, 8, endpoint=False)[None, :, None]
    after = np.roll(outline, -1, axis=0)
    points = (outline[:, None] * (1 - between) + after[:, None] * between).reshape(-1, 2)
    rough = rng.standard_normal((len(points), 2))
    smooth = sum(np.roll(rough, shift, axis=0) for shift in range(-3, 4)) / np.sqrt(7)
    return np.asarray(points + smooth * by_um)


def blob(rng: np.random.Generator, radius_um: float, longer: float, wavy: float) -> Outline:
    """An ellipse of the same area as the circle, with a wavy edge."""
    angles = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    radii = np.ones_like(angles)
    for wave in range(2, 7):
        radii += rng.normal(0, wavy / wave**0.5) * np.cos(wave * angles + rng.uniform(0, 2 * np.pi))
    radii = np.maximum(radii, 0.5)
    stretch = np.sqrt(longer)
    points = np.stack([stretch * radii * np.cos(angles), radii * np.sin(angles) / stretch], axis=1)
    x, y = points.T
    area = 0.5 * abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))))
    return np.asarray(points * radius_um * np.sqrt(np.pi / area))


def filled(outline: Outline, size_px: int, um_per_px: float) -> Map:
    """The outline's inside: 1 within, 0 without, between them where it cuts a pixel."""
    fine = np.zeros((size_px * _FINE, size_px * _FINE), np.uint8)
    # OpenCV puts the middle of the first pixel at 0; `shift` keeps 1/16 of a fine pixel.
    points = (outline / um_per_px + size_px / 2) * _FINE - 0.5
    cv2.fillPoly(fine, [np.rint(points * 16).astype(np.int32)], 255, shift=4)
    mask = cv2.resize(fine, (size_px, size_px), interpolation=cv2.INTER_AREA)
    return np.asarray(mask / np.float32(255), np.float32)


def depth_um(mask: Map, um_per_px: float) -> Map:
    """How far inside the shape each pixel lies, in um."""
    inside = (mask > 0.5).astype(np.uint8)
    depth = np.asarray(cv2.distanceTransform(inside, cv2.DIST_L2, 3), np.float32)
    return depth * np.float32(um_per_px)


def grain(rng: np.random.Generator, size_px: int, sigma_px: float) -> Map:
    """Smooth noise of mean 0 and standard deviation 1."""
    noise = rng.standard_normal((size_px, size_px), np.float32)
    smooth = np.asarray(cv2.GaussianBlur(noise, (0, 0), sigma_px), np.float32)
    return np.asarray((smooth - smooth.mean()) / max(float(smooth.std()), 1e-6), np.float32)


def folds(
    rng: np.random.Generator, mask: Map, radius_um: float, um_per_px: float, many: int
) -> Map:
    """Creases, and at times a flap folded over: extra thickness, 0 and up."""
    size_px = len(mask)
    extra = np.zeros_like(mask)
    for _ in range(many):
        start, end = rng.uniform(-0.8, 0.8, (2, 2)) * radius_um / um_per_px + size_px / 2
        bend = (start + end) / 2 + rng.normal(0, 0.12 * radius_um / um_per_px, 2)
        t = np.linspace(0, 1, 12)[:, None]
        curve = (1 - t) ** 2 * start + 2 * t * (1 - t) * bend + t**2 * end
        line = np.zeros_like(mask)
        points = [np.rint(curve * 8).astype(np.int32)]
        cv2.polylines(line, points, isClosed=False, color=1.0, shift=3, lineType=cv2.LINE_AA)
        extra += np.asarray(cv2.GaussianBlur(line, (0, 0), rng.uniform(0.7, 1.8))) * float(
            rng.uniform(0.6, 1.6)
        )
    if rng.uniform() < 0.4:
        angle = rng.uniform(0, 2 * np.pi)
        y, x = (np.mgrid[:size_px, :size_px] - size_px // 2) * um_per_px
        beyond = x * np.cos(angle) + y * np.sin(angle) - rng.uniform(0.35, 0.7) * radius_um
        extra += np.clip(beyond / um_per_px, 0, 1).astype(np.float32) * float(rng.uniform(0.4, 0.9))
    return np.asarray(extra * mask, np.float32)


def side_px(reach_um: float, um_per_px: float) -> int:
    """Side of the odd square that holds what reaches so far from its middle."""
    return 2 * int(np.ceil(reach_um / um_per_px + 2)) + 1
