"""What lies between the epithelial cells: blood, keratin, mucus, specks and bacteria."""

import cv2
import numpy as np

from drivers.scanner.words import Preparation
from drivers.sources.simulated import shapes
from drivers.sources.simulated.kinds import Kind
from drivers.sources.simulated.shapes import Layers
from drivers.sources.simulated.stain import Appearance


def draw(
    rng: np.random.Generator,
    kind: Kind,
    look: Appearance,
    um_per_px: float,
    preparation: Preparation,
) -> Layers:
    """One thing of a kind that is no epithelial cell."""
    del preparation
    draw_one = {
        Kind.NEUTROPHIL: _neutrophil,
        Kind.LYMPHOCYTE: _lymphocyte,
        Kind.RED_CELL: _red_cell,
        Kind.KERATIN: _keratin,
        Kind.MUCUS: _mucus,
        Kind.DEBRIS: _speck,
    }[kind]
    return draw_one(rng, look, um_per_px)


def _neutrophil(rng: np.random.Generator, look: Appearance, um_per_px: float) -> Layers:
    size_px = shapes.side_px(6.5, um_per_px)
    body = shapes.filled(
        shapes.blob(rng, rng.uniform(4.6, 5.8), rng.uniform(1, 1.2), 0.04), size_px, um_per_px
    )
    lobes = np.zeros_like(body)
    many = int(rng.integers(2, 5))
    start, along = rng.uniform(0, 2 * np.pi), rng.uniform(1.2, 1.9)
    for lobe in range(many):
        angle = start + along * lobe
        middle = rng.uniform(1.7, 2.4) * np.array([np.cos(angle), np.sin(angle)])
        outline = shapes.blob(rng, rng.uniform(1.5, 2.1), rng.uniform(1, 1.5), 0.05) + middle
        lobes = np.maximum(lobes, shapes.filled(outline, size_px, um_per_px))
    return [
        (lobes * float(rng.uniform(0.9, 1.3)), look.nucleus),
        (body * float(rng.uniform(0.05, 0.15)), look.green),
    ]


def _lymphocyte(rng: np.random.Generator, look: Appearance, um_per_px: float) -> Layers:
    size_px = shapes.side_px(5.5, um_per_px)
    mask = shapes.filled(
        shapes.blob(rng, rng.uniform(2.9, 3.9), rng.uniform(1, 1.2), 0.03), size_px, um_per_px
    )
    return [(mask * float(rng.uniform(0.9, 1.2)), look.nucleus)]


def _red_cell(rng: np.random.Generator, look: Appearance, um_per_px: float) -> Layers:
    outline = shapes.blob(rng, rng.uniform(2.9, 3.6), rng.uniform(1, 1.15), 0.03)
    mask = shapes.filled(outline, shapes.side_px(5, um_per_px), um_per_px)
    rim = 0.5 + np.exp(-shapes.depth_um(mask, um_per_px) / 0.9)
    return [(mask * rim * float(rng.uniform(0.08, 0.2)), look.orange)]


def _keratin(rng: np.random.Generator, look: Appearance, um_per_px: float) -> Layers:
    outline = shapes.polygon(rng, rng.uniform(12, 22), int(rng.integers(5, 9)), 0.3, 1)
    mask = shapes.filled(
        outline, shapes.side_px(float(np.abs(outline).max()), um_per_px), um_per_px
    )
    return [(mask * float(rng.uniform(0.15, 0.5)), look.orange)]


def _mucus(rng: np.random.Generator, look: Appearance, um_per_px: float) -> Layers:
    radius_um = rng.uniform(10, 30)
    outline = shapes.blob(rng, radius_um, rng.uniform(1.5, 3), 0.08)
    size_px = shapes.side_px(float(np.abs(outline).max()) * 1.3, um_per_px)
    mask = shapes.filled(outline, size_px, um_per_px)
    soft = np.asarray(cv2.GaussianBlur(mask, (0, 0), 0.25 * radius_um / um_per_px), np.float32)
    ragged = np.clip(shapes.grain(rng, size_px, 1.1 / um_per_px) * 0.7 + 0.1, 0, 2)
    return [(soft * ragged * float(rng.uniform(0.05, 0.22)), look.nucleus)]


def _speck(rng: np.random.Generator, look: Appearance, um_per_px: float) -> Layers:
    radius_um = rng.uniform(0.4, 1.6)
    outline = shapes.blob(rng, radius_um, rng.uniform(1, 2.5), 0.15)
    mask = shapes.filled(outline, shapes.side_px(3 * radius_um, um_per_px), um_per_px)
    return [(mask * float(rng.uniform(0.3, 1.5)), look.nucleus)]
