"""What the grader learns from: crops of nuclei, and of what the locator mistook for one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from engines.detector import Tile
from engines.fields import TIER_OF_LABEL, AnnotatedField, at_scale
from engines.train.augment import cropped, placement, restained
from engines.train.loop import Report, Run, train
from engines.train.networks import CROP_PX, GRADER
from engines.train.steps import forward

UM_PER_PX = 0.25
BATCH = 64
OFF_UM = 0.9
"""Standard deviation, in x and in y, of how far a crop lies off the nucleus: as far as the
locator's places do."""
SMOOTHING = 0.05
TIER_WEIGHT = 1.0
"""Of the loss of the tiers beside that of the classes: neighbouring classes are often confused by
people, and less is lost by it."""
TIER_OF_CLASS = np.concatenate([[0], 1 + TIER_OF_LABEL])
"""By index into `CLASSES`: none, negative, low, high."""


@dataclass(frozen=True, slots=True)
class Graded:
    """A field at the grader's scale, and all places in it that a crop can be taken of."""

    folder: str
    picture: Tile
    points_px: npt.NDArray[np.float64]
    """float64, shape (n, 2)."""
    classes: npt.NDArray[np.int64]
    """int64, shape (n,): index into `CLASSES`."""


def graded(field: AnnotatedField, mistaken_px: npt.NDArray[np.floating]) -> Graded:
    """A field's nuclei and the places where there is none, both in the file's pixels."""
    factor = field.um_per_px / UM_PER_PX
    points = np.concatenate([field.points_px, mistaken_px.reshape(-1, 2)]).astype(np.float64)
    classes = np.concatenate([field.labels + 1, np.zeros(len(mistaken_px), np.int64)])
    picture = at_scale(field.picture, field.um_per_px, UM_PER_PX)
    return Graded(field.folder, picture, points * factor, classes)


def train_grader(fields: Sequence[Graded], run: Run, report: Report) -> Any:  # noqa: ANN401
    """A trained grader; `train` says more."""
    places = [(index, place) for index, f in enumerate(fields) for place in range(len(f.classes))]
    shares = sampling_shares(
        np.concatenate([f.classes for f in fields]),
        np.concatenate([np.full(len(f.classes), f.folder) for f in fields]),
    )

    def batch(chance: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        drawn = [places[one] for one in chance.choice(len(places), BATCH, p=shares)]
        crops = np.stack([example(fields[index], place, chance) for index, place in drawn])
        classes = [int(fields[index].classes[place]) for index, place in drawn]
        return torch.from_numpy(crops), torch.tensor(classes)

    return train(run, GRADER, lambda network: None, batch, losses, report)


def example(field: Graded, place: int, chance: np.random.Generator) -> Tile:
    """A crop around one place, at random changes that leave its class true."""
    middle = field.points_px[place] + chance.normal(0, OFF_UM / UM_PER_PX, 2)
    by = placement(middle, np.exp(chance.uniform(-0.1, 0.1)), CROP_PX, chance)
    return restained(cropped(field.picture, by, CROP_PX, chance), UM_PER_PX, chance)


def losses(
    network: Any,  # noqa: ANN401
    batch: tuple[torch.Tensor, torch.Tensor],
) -> tuple[torch.Tensor, torch.Tensor]:
    """The loss of the classes and that of the tiers."""
    crops, classes = batch
    logits = forward(network, GRADER, crops)["grade"].float().flatten(1)
    of_classes = functional.cross_entropy(logits, classes, label_smoothing=SMOOTHING)
    tiers = torch.from_numpy(TIER_OF_CLASS)
    of_tiers = functional.nll_loss(tier_log_probabilities(logits), tiers[classes])
    return of_classes, TIER_WEIGHT * of_tiers


def tier_log_probabilities(logits: torch.Tensor) -> torch.Tensor:
    """Of none, negative, low and high, shape (n, 4): each the sum of its classes."""
    log_classes = functional.log_softmax(logits, 1)
    return torch.stack(
        [
            torch.logsumexp(log_classes[:, np.flatnonzero(tier == TIER_OF_CLASS)], 1)
            for tier in range(TIER_OF_CLASS.max() + 1)
        ],
        1,
    )


def sampling_shares(
    classes: npt.NDArray[np.int64], folders: npt.NDArray[np.str_]
) -> npt.NDArray[np.float64]:
    """How often each place is drawn, float64, sum 1.

    Every class and every folder by the root of its size: rare ones more often than they are.
    """
    worth = np.ones(len(classes))
    for groups in (classes, folders):
        _, inverse, counts = np.unique(groups, return_inverse=True, return_counts=True)
        worth /= np.sqrt(counts[inverse])
    shares: npt.NDArray[np.float64] = worth / worth.sum()
    return shares
