"""What the locator learns from: crops of whole fields, with the middles of nuclei as targets."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from engines.detector import Tile
from engines.fields import TIERS, AnnotatedField, at_scale
from engines.train.augment import Placement, cropped, moved, placement, restained
from engines.train.loop import Report, Run, train
from engines.train.networks import LOCATOR, STRIDE
from engines.train.steps import forward

UM_PER_PX = 0.5
CROP_PX = 384
"""Side of a training crop."""
BATCH = 8
SIGMA_CELLS = 1.25
"""Spread of a nucleus' target: 2.5 um, about how far annotated points lie from the middle."""
NO_TIER = -1
TIER_WEIGHT = 0.5
"""Of the tiers' loss beside the middles' loss."""
MISTAKEN, FAR = 0.1, 0.1
"""Where the network is this sure of a nucleus and the target is under `FAR`, something else was
mistaken for one: a neutrophil, a fold. Its tier is taught to be negative, or it would be chance."""
MISTAKEN_WEIGHT = 0.5


@dataclass(frozen=True, slots=True)
class Seen:
    """A field at the locator's scale. Shapes and meanings as in `AnnotatedField`."""

    folder: str
    picture: Tile
    points_px: npt.NDArray[np.float32]
    tiers: npt.NDArray[np.int64]
    annotated_px: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Example:
    """A crop and what the network should say of it; cells are 4 x 4 px."""

    crop: Tile
    heat: npt.NDArray[np.float32]
    """float32, shape (h, w): 1 at the middle of a nucleus, falling off around it."""
    is_known: npt.NDArray[np.bool_]
    """bool, shape (h, w): whether the annotation covers the cell."""
    tiers: npt.NDArray[np.int64]
    """int64, shape (h, w): index of the tier near a nucleus' middle, else `NO_TIER`."""


def train_locator(fields: Sequence[AnnotatedField], run: Run, report: Report) -> Any:  # noqa: ANN401
    """A trained locator; `train` says more."""
    seen = [at_half(field) for field in fields]
    shares = sampling_shares(seen)
    weights = torch.from_numpy(tier_weights(seen))

    def batch(chance: np.random.Generator) -> list[Example]:
        drawn = chance.choice(len(seen), BATCH, p=shares)
        return [example(seen[index], chance) for index in drawn]

    def prepare(network: Any) -> None:  # noqa: ANN401
        network["head"].bias.data[0] = -4.0  # few cells of the output are the middle of a nucleus

    return train(
        run, LOCATOR, prepare, batch, lambda net, drawn: losses(net, drawn, weights), report
    )


def at_half(field: AnnotatedField) -> Seen:
    """A field as the locator sees it."""
    factor = field.um_per_px / UM_PER_PX
    right, bottom = field.annotated_px
    return Seen(
        field.folder,
        at_scale(field.picture, field.um_per_px, UM_PER_PX),
        field.points_px * np.float32(factor),
        field.tiers,
        (right * factor, bottom * factor),
    )


def example(field: Seen, chance: np.random.Generator) -> Example:
    """A random crop of a field, at random changes that leave its labels true."""
    by = placement(_middle(field, chance), np.exp(chance.uniform(-0.1, 0.1)), CROP_PX, chance)
    crop = cropped(field.picture, by, CROP_PX, chance)
    side = CROP_PX // STRIDE
    heat, tiers = targets(moved(field.points_px, by), field.tiers, side, side)
    return Example(restained(crop, UM_PER_PX, chance), heat, _known(field, by), tiers)


def targets(
    points_px: npt.NDArray[np.floating], tiers: npt.NDArray[np.int64], height: int, width: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """The heat map and tier map of a crop of `height` x `width` cells, given its nuclei."""
    heat = np.zeros((height, width), np.float32)
    tier_map = np.full((height, width), NO_TIER, np.int64)
    rows, columns = np.mgrid[0:height, 0:width]
    for (x, y), tier in zip(points_px, tiers, strict=True):
        column, row = int(x // STRIDE), int(y // STRIDE)
        if not (0 <= row < height and 0 <= column < width):
            continue
        window = np.s_[max(row - 5, 0) : row + 6, max(column - 5, 0) : column + 6]
        squares = (rows[window] - row) ** 2 + (columns[window] - column) ** 2
        spread = np.exp(-squares / (2 * SIGMA_CELLS**2)).astype(np.float32)
        heat[window] = np.maximum(heat[window], spread)
        near = tier_map[window]
        near[squares <= 2] = np.maximum(near[squares <= 2], tier)
    return heat, tier_map


def losses(
    network: Any,  # noqa: ANN401
    examples: Sequence[Example],
    tier_weights: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    """The loss of the middles and that of the tiers, mistaken ones included."""
    crops = torch.from_numpy(np.stack([one.crop for one in examples]))
    logits = forward(network, LOCATOR, crops)["head"].float()
    heat = torch.from_numpy(np.stack([one.heat for one in examples]))
    known = torch.from_numpy(np.stack([one.is_known for one in examples]))
    tiers = torch.from_numpy(np.stack([one.tiers for one in examples]))
    middle = penalty_reduced_focal(logits[:, 0], heat, known)
    tier = functional.cross_entropy(logits[:, 1:], tiers, tier_weights, ignore_index=NO_TIER)
    mistaken = (torch.sigmoid(logits[:, 0]) > MISTAKEN) & known & (heat < FAR) & (tiers == NO_TIER)
    negative = functional.log_softmax(logits[:, 1:], 1)[:, 0]
    of_mistaken = -(negative * mistaken).sum() / mistaken.sum().clamp(min=1)
    return middle, TIER_WEIGHT * (torch.nan_to_num(tier) + MISTAKEN_WEIGHT * of_mistaken)


def penalty_reduced_focal(
    logits: torch.Tensor, heat: torch.Tensor, known: torch.Tensor
) -> torch.Tensor:
    """Focal loss whose penalty falls near a true middle, over the annotated cells only.

    Source: Zhou, Wang, Kraehenbuehl, Objects as Points (2019), equation 1, alpha 2, beta 4.
    """
    log_yes, log_no = functional.logsigmoid(logits), functional.logsigmoid(-logits)
    yes = torch.sigmoid(logits)
    is_middle = heat == 1
    of_middles = -((1 - yes) ** 2) * log_yes * is_middle
    of_others = -((1 - heat) ** 4) * yes**2 * log_no * ~is_middle
    total = ((of_middles + of_others) * known).sum()
    return total / (is_middle & known).sum().clamp(min=1)


def sampling_shares(fields: Sequence[Seen]) -> npt.NDArray[np.float64]:
    """How often each field is drawn, float64, sum 1.

    Every folder by the root of its size; within a folder, fields with rarer tiers more often.
    """
    having = np.array([[np.any(field.tiers == t) for t in range(len(TIERS))] for field in fields])
    rarity = np.sqrt(len(fields) / np.maximum(having.sum(0), 1))
    worth: npt.NDArray[np.float64] = np.where(having, rarity, 1.0).max(1)
    for folder in {field.folder for field in fields}:
        is_here = np.array([field.folder == folder for field in fields])
        worth[is_here] *= np.sqrt(is_here.sum()) / worth[is_here].sum()
    shares: npt.NDArray[np.float64] = worth / worth.sum()
    return shares


def tier_weights(fields: Sequence[Seen]) -> npt.NDArray[np.float32]:
    """Weight of each tier in the loss: the inverse root of its share, float32, mean 1."""
    counts = np.bincount(np.concatenate([f.tiers for f in fields]), minlength=len(TIERS))
    weights = 1 / np.sqrt(np.maximum(counts, 1))
    evened: npt.NDArray[np.float32] = (weights / weights.mean()).astype(np.float32)
    return evened


def _middle(field: Seen, chance: np.random.Generator) -> npt.NDArray[np.float64]:
    """Where a crop is taken: half of them around a cell of a tier drawn evenly."""
    height, width = field.picture.shape[:2]
    inner = CROP_PX / 4
    present = np.unique(field.tiers)
    if present.size and chance.random() < 0.5:
        of_tier = np.flatnonzero(field.tiers == chance.choice(present))
        near = field.points_px[chance.choice(of_tier)] + chance.normal(0, CROP_PX / 6, 2)
        return np.asarray(near, np.float64)
    return chance.uniform((inner, inner), (width - inner, height - inner))


def _known(field: Seen, by: Placement) -> npt.NDArray[np.bool_]:
    """The cells that the annotation covers: beyond the field is nothing, and that is known."""
    height, width = field.picture.shape[:2]
    right, bottom = field.annotated_px
    side = CROP_PX // STRIDE
    middles = np.stack(np.meshgrid(*[(np.arange(side) + 0.5) * STRIDE] * 2), axis=-1)
    x, y = ((middles - by[:, 2]) @ np.linalg.inv(by[:, :2]).T).transpose(2, 0, 1)
    is_inside = (x >= 0) & (y >= 0) & (x < width) & (y < height)
    return np.asarray(~is_inside | ((x < right) & (y < bottom)))
