"""How the locator learns: its losses, and its run."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from engines.fields import AnnotatedField
from engines.train.field_crops import (
    NO_TIER,
    Example,
    at_half,
    example,
    sampling_shares,
    tier_weights,
)
from engines.train.loop import Report, Run, train
from engines.train.networks import LOCATOR
from engines.train.steps import forward

BATCH = 8
TIER_WEIGHT = 0.5
"""Of the tiers' loss beside the middles' loss."""
MISTAKEN, FAR = 0.1, 0.1
"""Where the network is this sure of a nucleus and the target is under `FAR`, something else was
mistaken for one: a neutrophil, a fold. Its tier is taught to be negative, or it would be chance."""
MISTAKEN_WEIGHT = 0.5


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


def losses(
    network: Any,  # noqa: ANN401
    examples: Sequence[Example],
    tier_weights: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    """The loss of the middles and that of the tiers, mistaken ones included."""
    crops = torch.from_numpy(np.stack([one.crop for one in examples]))
    logits = forward(network, LOCATOR, crops)["head"].float()
    heat, known, tiers = (
        torch.from_numpy(np.stack(parts)).to(logits.device)
        for parts in zip(*((one.heat, one.is_known, one.tiers) for one in examples), strict=True)
    )
    middle = penalty_reduced_focal(logits[:, 0], heat, known)
    tier = functional.cross_entropy(
        logits[:, 1:].permute(0, 2, 3, 1).flatten(0, 2),
        tiers.flatten(),
        tier_weights.to(logits.device),
        ignore_index=NO_TIER,
    )
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
