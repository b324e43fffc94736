"""Random changes of a picture that leave its labels true: turned, scaled, re-stained, blurred."""

import cv2
import numpy as np
import numpy.typing as npt

from engines.detector import Tile

_DENSITY = -np.log((np.arange(256, dtype=np.float32) + 1) / 256)
"""Optical density of each grey level, to base e."""
_BORDERS = (255, 255, 240, 0)
"""What lies beyond a field: blank glass, or nothing."""

Placement = npt.NDArray[np.float64]
"""float64, shape (2, 3): the affine map from a field's pixels to a crop's."""


def placement(
    middle_px: npt.NDArray[np.float64], scale: float, side_px: int, chance: np.random.Generator
) -> Placement:
    """A map that brings a place to the middle of a crop: turned by any angle, flipped or not."""
    angle = chance.uniform(0, 2 * np.pi)
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    linear = np.array([[cos, -sin], [sin, cos]]) * [chance.choice([-1.0, 1.0]), 1.0]
    return np.concatenate([linear, (side_px / 2 - linear @ middle_px)[:, None]], axis=1)


def moved(points_px: npt.NDArray[np.floating], by: Placement) -> npt.NDArray[np.float64]:
    """Where points come to lie, float64, shape (n, 2)."""
    places: npt.NDArray[np.float64] = points_px @ by[:, :2].T + by[:, 2]
    return places


def cropped(picture: Tile, by: Placement, side_px: int, chance: np.random.Generator) -> Tile:
    """The crop of a field that a map shows."""
    border = int(chance.choice(_BORDERS))
    crop = cv2.warpAffine(
        picture,
        by,
        (side_px, side_px),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(border, border, border),
    )
    return crop.astype(np.uint8, copy=False)


def restained(crop: Tile, um_per_px: float, chance: np.random.Generator) -> Tile:
    """Another stain, lamp, focus and sensor: jitter of optical density, blur, noise."""
    mixing = np.eye(3) + chance.normal(0, 0.06, (3, 3))
    mixing *= np.exp(chance.normal(0, 0.2)) * np.exp(chance.normal(0, 0.08, 3))
    offsets = chance.normal(0, 0.07, (3, 1))
    density = cv2.transform(_DENSITY[crop], np.concatenate([mixing, offsets], axis=1))
    light = 256 * cv2.exp(-np.maximum(density, -0.1).astype(np.float32)).astype(np.float32) - 1
    if chance.random() < 0.3:
        sigma_px = float(chance.uniform(0.15, 0.65)) / um_per_px
        light = cv2.GaussianBlur(light, (0, 0), sigma_px).astype(np.float32)
    elif chance.random() < 0.3:
        soft = cv2.GaussianBlur(light, (0, 0), 0.5 / um_per_px)
        light = light + float(chance.uniform(0.2, 0.9)) * (light - soft)
    if chance.random() < 0.5:
        noise = chance.standard_normal(light.shape, np.float32)
        light = light + np.float32(chance.uniform(1, 6)) * noise
    changed: Tile = np.clip(light + 0.5, 0, 255).astype(np.uint8)
    return changed
