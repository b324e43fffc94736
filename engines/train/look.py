"""What trained networks say of a field, before they are exported."""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from engines.detector import Tile
from engines.fields import AnnotatedField, at_scale
from engines.train import cell_crops, field_crops
from engines.train.cell_crops import CROP_PX
from engines.train.export import LEAST_HEAT, PEAK_CELLS
from engines.train.grading import grades
from engines.train.networks import LOCATOR
from engines.train.steps import forward

MIN_CANDIDATE = 0.05
"""Peaks under it are not graded."""
CERTAIN = 1e-4
"""A peak's probability is kept this far from 0 and 1 before its logit is taken."""
GRADED_AT_ONCE = 64
Floats = npt.NDArray[np.float64]


def locate(network: Any, field: AnnotatedField) -> tuple[Floats, Floats]:  # noqa: ANN401
    """The candidates in a field's annotated ground.

    Returns:
        Places in the file's pixels, float64, (n, 2), and what the locator says of each, float64,
        (n, 4).
    """
    seen = field_crops.at_half(field)
    picture = _padded(seen.picture)
    with torch.no_grad():
        maps = forward(network, LOCATOR, torch.from_numpy(picture[None]))["head"][0].cpu()
    logit, heat = maps[0], torch.sigmoid(maps[0])
    largest = functional.max_pool2d(logit[None], PEAK_CELLS, 1, PEAK_CELLS // 2)[0]
    rows, columns = torch.where((logit == largest) & (heat >= MIN_CANDIDATE))
    padded = functional.pad(heat, (1, 1, 1, 1))
    around = torch.stack([padded[rows + y, columns + x] for y in range(3) for x in range(3)], 1)
    steps = torch.tensor([[x - 1, y - 1] for y in range(3) for x in range(3)], dtype=torch.float32)
    offsets = around @ steps / (around.sum(1, keepdim=True) + LEAST_HEAT)
    cells = torch.stack([columns, rows], 1)
    places = ((cells + 0.5 + offsets) * field_crops.STRIDE).numpy().astype(np.float64)
    peak = heat[rows, columns].numpy().astype(np.float64).clip(CERTAIN, 1 - CERTAIN)
    tiers = maps[1:, rows, columns].numpy().T.astype(np.float64)
    located = np.concatenate([np.log(peak / (1 - peak))[:, None], tiers], axis=1)
    is_known = (places < seen.annotated_px).all(axis=1)
    return places[is_known] * field_crops.UM_PER_PX / field.um_per_px, located[is_known]


def grade(network: Any, field: AnnotatedField, places_px: Floats) -> Floats:  # noqa: ANN401
    """The judges' mean logits at some places in the file's pixels, float64, (n, 7)."""
    picture = at_scale(field.picture, field.um_per_px, cell_crops.UM_PER_PX)
    centres = np.rint(places_px * field.um_per_px / cell_crops.UM_PER_PX).astype(int)
    half = CROP_PX // 2
    padded = cv2.copyMakeBorder(
        picture, half, half, half, half, cv2.BORDER_CONSTANT, value=(255, 255, 255)
    )
    found = []
    for start in range(0, len(centres), GRADED_AT_ONCE):
        some = centres[start:][:GRADED_AT_ONCE]
        crops = [padded[y : y + CROP_PX, x : x + CROP_PX] for x, y in some]
        with torch.no_grad():
            logits = grades(network, torch.from_numpy(np.stack(crops))).mean(0)
        found.append(logits.cpu().numpy().astype(np.float64))
    return np.concatenate(found) if found else np.zeros((0, 7))


def _padded(picture: Tile) -> Tile:
    """With white, to multiples of 16."""
    height, width = picture.shape[:2]
    pad = ((0, -height % 16), (0, -width % 16), (0, 0))
    return np.pad(picture, pad, constant_values=255)
