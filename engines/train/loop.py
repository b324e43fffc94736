"""Trains the network: seeded, on two threads, within a given time's worth of steps."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from engines.fields import TIERS, AnnotatedField
from engines.train.augment import NO_TIER, Example, example
from engines.train.net import forward, new_network

BATCH = 8
PEAK_RATE = 2e-3
WEIGHT_DECAY = 1e-2
TIER_WEIGHT = 0.5
"""Of the tiers' loss beside the middles' loss."""
MISTAKEN, FAR = 0.1, 0.1
"""Where the network is this sure of a nucleus and the target is under `FAR`, something else was
mistaken for one: a neutrophil, a fold. Its tier is taught to be negative, or it would be chance."""
MISTAKEN_WEIGHT = 0.5


@dataclass(frozen=True, slots=True)
class Progress:
    """How far training is."""

    step: int
    steps: int
    middle_loss: float
    tier_loss: float


def train(
    fields: Sequence[AnnotatedField],
    steps: int,
    seed: int,
    threads: int,
    report: Callable[[Progress], None],
) -> Any:  # noqa: ANN401
    """A trained network, ready for export.

    The same fields, steps, seed and threads give the same network on one machine.
    """
    torch.manual_seed(seed)
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(mode=True)
    chance = np.random.default_rng(seed)
    network = new_network().to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(network.parameters(), lr=PEAK_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, PEAK_RATE, total_steps=steps, pct_start=0.1
    )
    shares = sampling_shares(fields)
    weights = torch.from_numpy(tier_weights(fields))
    network.train()
    for step in range(1, steps + 1):
        drawn = chance.choice(len(fields), BATCH, p=shares)
        examples = [example(fields[index], chance) for index in drawn]
        middle_loss, tier_loss = losses(network, examples, weights)
        optimiser.zero_grad(set_to_none=True)
        (middle_loss + TIER_WEIGHT * tier_loss).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        schedule.step()
        report(Progress(step, steps, middle_loss.item(), tier_loss.item()))
    network.eval()
    return network


def losses(
    network: Any,  # noqa: ANN401
    examples: Sequence[Example],
    tier_weights: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    """The loss of the middles and that of the tiers, mistaken ones included."""
    logits = forward(network, torch.from_numpy(np.stack([one.crop for one in examples])))
    heat = torch.from_numpy(np.stack([one.heat for one in examples]))
    known = torch.from_numpy(np.stack([one.is_known for one in examples]))
    tiers = torch.from_numpy(np.stack([one.tiers for one in examples]))
    middle = penalty_reduced_focal(logits[:, 0], heat, known)
    tier = functional.cross_entropy(logits[:, 1:], tiers, tier_weights, ignore_index=NO_TIER)
    mistaken = (torch.sigmoid(logits[:, 0]) > MISTAKEN) & known & (heat < FAR) & (tiers == NO_TIER)
    negative = functional.log_softmax(logits[:, 1:], 1)[:, 0]
    of_mistaken = -(negative * mistaken).sum() / mistaken.sum().clamp(min=1)
    return middle, torch.nan_to_num(tier) + MISTAKEN_WEIGHT * of_mistaken


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


def sampling_shares(fields: Sequence[AnnotatedField]) -> npt.NDArray[np.float64]:
    """How often each field is drawn, float64, sum 1.

    Every folder equally often; within a folder, fields with rarer tiers more often.
    """
    having = np.array([[np.any(field.tiers == t) for t in range(len(TIERS))] for field in fields])
    rarity = np.sqrt(len(fields) / np.maximum(having.sum(0), 1))
    worth: npt.NDArray[np.float64] = np.where(having, rarity, 1.0).max(1)
    for folder in {field.folder for field in fields}:
        is_here = np.array([field.folder == folder for field in fields])
        worth[is_here] /= worth[is_here].sum()
    shares: npt.NDArray[np.float64] = worth / worth.sum()
    return shares


def tier_weights(fields: Sequence[AnnotatedField]) -> npt.NDArray[np.float32]:
    """Weight of each tier in the loss: the inverse root of its share, float32, mean 1."""
    counts = np.bincount(np.concatenate([f.tiers for f in fields]), minlength=len(TIERS))
    weights = 1 / np.sqrt(np.maximum(counts, 1))
    evened: npt.NDArray[np.float32] = (weights / weights.mean()).astype(np.float32)
    return evened
