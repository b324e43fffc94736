"""One training run: seeded, on some threads, a given number of steps."""

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader

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
    device: str
    makers: int
    """Processes that draw batches ahead; what is learnt does not depend on them."""


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
        run: Steps, seed, threads, device.
        table: The network.
        prepare: Told the new network, to set what differs from the usual start.
        batch: Draws one batch; the next are drawn in processes of their own while one is learnt.
        losses: The parts of the loss of a batch, whose sum is made small.
        report: Told after each step.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # or a GPU sums in any order
    torch.manual_seed(run.seed)
    torch.set_num_threads(run.threads)
    torch.use_deterministic_algorithms(mode=True)
    network = new_network(table)
    prepare(network)
    network.to(run.device, memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(network.parameters(), lr=run.rate, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, run.rate, total_steps=run.steps, pct_start=0.1
    )
    network.train()
    for step, drawn in enumerate(_batches(run, batch), start=1):
        # Half precision where the processor has it costs half the time; weights stay float32.
        with torch.autocast(run.device, dtype=torch.bfloat16):
            parts = losses(network, drawn)
        optimiser.zero_grad(set_to_none=True)
        torch.stack(list(parts)).sum().backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), LARGEST_GRADIENT)
        optimiser.step()
        schedule.step()
        report(Progress(run.what, step, run.steps, tuple(part.item() for part in parts)))
    network.eval()
    return network


@dataclass(frozen=True, slots=True)
class _Drawn(Generic[Batch]):
    """Batches by number; each has a stream of chance of its own."""

    seed: int
    batch: Callable[[np.random.Generator], Batch]

    def __getitem__(self, number: int) -> Batch:
        return self.batch(np.random.default_rng((self.seed, number)))


def _batches(run: Run, batch: Callable[[np.random.Generator], Batch]) -> Iterable[Batch]:
    """Batches in order, some made ahead."""
    drawn: Iterable[Batch] = DataLoader(
        _Drawn(run.seed, batch),
        batch_size=None,
        sampler=range(run.steps),
        num_workers=run.makers,
        collate_fn=lambda made: made,
        # OpenCV's threads do not outlive a fork.
        worker_init_fn=lambda number: cv2.setNumThreads(0),
        multiprocessing_context="fork",
    )
    return drawn
