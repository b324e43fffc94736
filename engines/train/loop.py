"""One training run: seeded, on some threads, a given number of steps."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch

from engines.train.steps import Step, new_network

WEIGHT_DECAY = 1e-2
LARGEST_GRADIENT = 5.0
Batch = TypeVar("Batch")
Report = Callable[["Progress"], None]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far training is."""

    what: str
    step: int
    steps: int
    losses: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """What a run depends on, besides its data."""

    what: str
    steps: int
    rate: float
    """The highest learning rate; it rises for a tenth of the steps and falls to nothing."""
    seed: int
    threads: int


def train(
    run: Run,
    table: Sequence[Step],
    prepare: Callable[[Any], None],
    batch: Callable[[np.random.Generator], Batch],
    losses: Callable[[Any, Batch], Sequence[torch.Tensor]],
    report: Report,
) -> Any:  # noqa: ANN401
    """A trained network. The same run and data give the same network on one machine.

    Args:
        run: Steps, seed, threads.
        table: The network.
        prepare: Told the new network, to set what differs from the usual start.
        batch: Draws one batch; the next is drawn on a thread of its own while one is learnt.
        losses: The parts of the loss of a batch, whose sum is made small.
        report: Told after each step.
    """
    torch.manual_seed(run.seed)
    torch.set_num_threads(run.threads)
    torch.use_deterministic_algorithms(mode=True)
    network = new_network(table).to(memory_format=torch.channels_last)
    prepare(network)
    optimiser = torch.optim.AdamW(network.parameters(), lr=run.rate, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, run.rate, total_steps=run.steps, pct_start=0.1
    )
    network.train()
    for step, drawn in enumerate(_batches(run, batch), start=1):
        # Half precision where the processor has it costs half the time; weights stay float32.
        with torch.autocast("cpu", dtype=torch.bfloat16):
            parts = losses(network, drawn)
        optimiser.zero_grad(set_to_none=True)
        torch.stack(list(parts)).sum().backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), LARGEST_GRADIENT)
        optimiser.step()
        schedule.step()
        report(Progress(run.what, step, run.steps, tuple(part.item() for part in parts)))
    network.eval()
    return network


def _batches(run: Run, batch: Callable[[np.random.Generator], Batch]) -> Iterator[Batch]:
    """Batches in order, one made ahead; each has a stream of chance of its own."""
    with ThreadPoolExecutor(1) as maker:
        coming = maker.submit(batch, np.random.default_rng((run.seed, 0)))
        for step in range(1, run.steps + 1):
            made = coming.result()
            if step < run.steps:
                coming = maker.submit(batch, np.random.default_rng((run.seed, step)))
            yield made
