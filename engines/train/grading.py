"""How the grader learns: its losses, and its run."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from engines.fields import TIER_OF_LABEL
from engines.train.cell_crops import Graded, example, sampling_shares
from engines.train.loop import Report, Run, train
from engines.train.networks import GRADER, JUDGES
from engines.train.steps import forward

BATCH = 64
SMOOTHING = 0.05
TIER_WEIGHT = 1.0
"""Of the loss of the tiers beside that of the classes: neighbouring classes are often confused by
people, and less is lost by it."""
TIER_OF_CLASS = np.concatenate([[0], 1 + TIER_OF_LABEL])
"""By index into `CLASSES`: none, negative, low, high."""


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


def losses(
    network: Any,  # noqa: ANN401
    batch: tuple[torch.Tensor, torch.Tensor],
) -> tuple[torch.Tensor, torch.Tensor]:
    """The loss of the classes and that of the tiers, each the mean over the judges."""
    crops, classes = batch
    logits = grades(network, crops)
    targets = classes.repeat(len(JUDGES))
    tiers = torch.from_numpy(TIER_OF_CLASS)[targets].to(logits.device)
    of_classes = functional.cross_entropy(
        logits.flatten(0, 1), targets.to(logits.device), label_smoothing=SMOOTHING
    )
    of_tiers = functional.nll_loss(tier_log_probabilities(logits.flatten(0, 1)), tiers)
    return of_classes, TIER_WEIGHT * of_tiers


def grades(network: Any, crops: torch.Tensor) -> torch.Tensor:  # noqa: ANN401
    """Each judge's logits of some crops, float32, shape (judges, n, 7)."""
    values = forward(network, GRADER, crops)
    return torch.stack([values[f"{name}_grade"].float().flatten(1) for name in JUDGES])


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
