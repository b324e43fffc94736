"""Joins what both networks say into probabilities that come true, on cells neither has seen."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from engines.train.networks import CLASSES

LOCATED = 4
"""Numbers that the locator says of a candidate: logit of its peak, three tier logits."""
STIFFNESS = 1e-3
"""Of the pull towards what the grader says alone, beside the mean loss: rare classes have few cells
to fit eleven numbers on."""
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Calibration:
    """A multinomial logistic regression: softmax of `weights @ said + offsets`."""

    weights: Floats
    """float64, shape (7, 11): the grader's seven logits, then the locator's four numbers."""
    offsets: Floats
    """float64, shape (7,)."""


def uncalibrated() -> Calibration:
    """What the grader says alone."""
    return Calibration(np.eye(len(CLASSES), len(CLASSES) + LOCATED), np.zeros(len(CLASSES)))


def fitted(said: Floats, classes: npt.NDArray[np.int64]) -> Calibration:
    """The calibration that makes the classes most likely.

    Args:
        said: float64, shape (n, 11).
        classes: int64, shape (n,), index into `CLASSES`.
    """
    start = torch.from_numpy(uncalibrated().weights)
    weights = start.clone().requires_grad_()
    offsets = torch.zeros(len(CLASSES), dtype=torch.float64, requires_grad=True)
    inputs, targets = torch.from_numpy(said), torch.from_numpy(classes)
    optimiser = torch.optim.LBFGS(
        [weights, offsets], max_iter=500, line_search_fn="strong_wolfe", tolerance_grad=1e-7
    )

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        logits = inputs @ weights.T + offsets
        stiff = STIFFNESS * (weights - start).square().sum()
        total: torch.Tensor = functional.cross_entropy(logits, targets) + stiff
        total.backward()
        return total

    optimiser.step(loss)
    return Calibration(weights.detach().numpy().copy(), offsets.detach().numpy().copy())
