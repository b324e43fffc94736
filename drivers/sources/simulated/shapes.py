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
    """The outline, drawn at steps of about 0.35 um, with an edge uneven over 1 um and more."""
    closed = np.vstack([outline, outline[:1]])
    steps = np.hypot(*np.diff(closed, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    many = max(24, int(along[-1] / 0.35))
    at = np.linspace(0, along[-1], many, endpoint=False)
    points = np.stack([np.interp(at, along, closed[:, axis]) for axis in (0, 1)], axis=1)
    rough = rng.standard_normal((many, 2))
    smooth = sum(np.roll(rough, shift, axis=0) for shift in range(-2, 3)) / np.sqrt(5)
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


def side_px(reach_um: float, um_per_px: float) -> int:
    """Side of the odd square that holds what reaches so far from its middle."""
    return 2 * int(np.ceil(reach_um / um_per_px + 2)) + 1


def dented(rng: np.random.Generator, outline: Outline, by_um: float) -> Outline:
    """The outline with a notch, as of a folded or kidney-shaped nucleus."""
    angles = np.arctan2(outline[:, 1], outline[:, 0])
    away = (angles - rng.uniform(-np.pi, np.pi) + np.pi) % (2 * np.pi) - np.pi
    inward = by_um * np.exp(-((away / rng.uniform(0.25, 0.6)) ** 2))
    length = np.hypot(outline[:, 0], outline[:, 1])
    return np.asarray(outline * (1 - inward / np.maximum(length, inward + 0.2))[:, None])


def tapered(rng: np.random.Generator, radius_um: float, longer: float) -> Outline:
    """A spindle, or a tadpole with one long tail, along x."""
    along = np.linspace(-1, 1, 40)
    peak = rng.uniform(-0.55, 0.1)
    left, right = (along - peak) / (1 + peak), (along - peak) / (1 - peak)
    half = np.clip(1 - np.where(along < peak, left, right) ** 2, 0, 1) ** rng.uniform(0.9, 1.8)
    half = half * (1 + rng.normal(0, 0.04, 40)) + 0.04
    bow = rng.normal(0, 0.2) * along**2
    reach, wide = radius_um * np.sqrt(longer), radius_um / np.sqrt(longer)
    upper = np.stack([(along - peak) * reach, (bow + half) * wide * 1.25], axis=1)
    lower = np.stack([(along - peak) * reach, (bow - half) * wide * 1.25], axis=1)
    return np.asarray(np.concatenate([upper, lower[::-1]]))


def spidery(rng: np.random.Generator, outline: Outline, many: int) -> Outline:
    """The outline with tapering processes pulled out of it."""
    angles = np.arctan2(outline[:, 1], outline[:, 0])
    length = np.ones_like(angles)
    for _ in range(many):
        away = np.abs((angles - rng.uniform(-np.pi, np.pi) + np.pi) % (2 * np.pi) - np.pi)
        length += rng.uniform(0.3, 0.9) * np.exp(-away / rng.uniform(0.12, 0.22))
    return np.asarray(outline * length[:, None])


def boxed(rng: np.random.Generator, radius_um: float, longer: float) -> Outline:
    """A column with rounded corners along x, at times narrower towards one end."""
    angles = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    square = (np.abs(np.cos(angles)) ** 3.5 + np.abs(np.sin(angles)) ** 3.5) ** (-1 / 3.5)
    x, y = square * np.cos(angles), square * np.sin(angles)
    y = y * (1 + rng.uniform(-0.3, 0.3) * x) + rng.normal(0, 0.12) * x**2
    return np.asarray(0.9 * radius_um * np.stack([x * longer**0.5, y / longer**0.5], axis=1))
