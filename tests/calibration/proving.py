"""Many seeded targets a step: do the intervals hold the truth, are faults seen, are alarms true?"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from typing import TypeVar

import cv2
import numpy as np

from tests.calibration.trials import FAULTS, STEPS, TOLD

T = TypeVar("T")

LEAST_HELD, LEAST_RATIO, MOST_RATIO = 0.95, 0.5, 1.5
BOUNDS: Mapping[str, tuple[float, bool]] = {
    "scale x": (0.001, True),
    "scale y": (0.001, True),
    "scale rotation": (0.02, False),
    "sharpness MTF50": (0.03, True),
    "sensor gain": (0.05, True),
}
"""The largest error allowed, and whether it is a share of the truth."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One figure over all targets."""

    name: str
    count: int
    held: float
    """Share of intervals that hold the truth."""
    ratio: float
    """Mean squared error over uncertainty."""
    largest: float
    """Error; a share of the truth where the bound is one."""

    @property
    def is_right(self) -> bool:
        """Whether interval, uncertainty and error are as promised."""
        bound = BOUNDS.get(self.name, (np.inf, False))[0]
        return (
            self.held >= LEAST_HELD
            and LEAST_RATIO <= self.ratio <= MOST_RATIO
            and self.largest <= bound
        )


@dataclass(frozen=True, slots=True)
class Step:
    """One step over all targets."""

    figures: Sequence[Seen]
    alarms: Sequence[str]
    """What healthy targets were refused for."""
    extremes: Mapping[str, tuple[float, float]]
    """Mean and worst of figures that have a limit and no single truth."""


def step(name: str, seeds: Sequence[int], workers: int) -> Step:
    """All figures of a step over seeded healthy targets."""
    found = _spread(partial(_healthy, name), seeds, workers)
    errors: dict[str, list[tuple[float, float, float]]] = {}
    others: dict[str, list[float]] = {}
    for figures, _ in found:
        for figure, value, u, truth in figures:
            if truth is None:
                others.setdefault(figure, []).append(value)
            else:
                errors.setdefault(f"{name} {figure}", []).append((value, u, truth))
    extremes = {figure: (float(np.mean(v)), float(np.max(v))) for figure, v in others.items()}
    alarms = [alarm for _, alarm in found if alarm]
    return Step([_seen(figure, np.array(v)) for figure, v in errors.items()], alarms, extremes)


def missed(fault: str, seeds: Sequence[int], workers: int) -> int:
    """How often a planted fault was not seen, or not told where it must be."""
    return sum(_spread(partial(_fault, fault), seeds, workers))


def _healthy(name: str, seed: int) -> tuple[list[tuple[str, float, float, float | None]], str]:
    trial = STEPS[name](np.random.default_rng([seed, *name.encode()]))
    outcome = trial.outcome
    figures = [
        (
            f.name.split(" ")[0] if name == "sharpness" else f.name,
            f.value,
            f.u,
            trial.truth.get(f.name),
        )
        for f in outcome.figures
    ]
    failed = [str(f) for f in outcome.figures if not f.passes]
    return figures, "; ".join(failed) or (str(outcome.problem) if outcome.problem else "")


def _fault(fault: str, seed: int) -> bool:
    outcomes = FAULTS[fault](np.random.default_rng([seed, *fault.encode()]))
    if fault in TOLD:
        return any(outcome.problem is None for outcome in outcomes)
    return any(outcome.passes for outcome in outcomes)


def _seen(name: str, rows: np.ndarray) -> Seen:
    value, u, truth = rows.T
    off = np.abs(value - truth)
    share = off / np.abs(truth) if BOUNDS.get(name, (0, False))[1] else off
    return Seen(
        name,
        len(rows),
        float(np.mean(off <= 2 * u)),
        float(np.mean((off / u) ** 2)),
        float(share.max()),
    )


def _spread(work: Callable[[int], T], seeds: Sequence[int], workers: int) -> list[T]:
    if workers == 1:
        return [work(seed) for seed in seeds]
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    with ProcessPoolExecutor(workers, get_context("spawn"), _one_thread) as pool:
        return list(pool.map(work, seeds, chunksize=5))


def _one_thread() -> None:
    cv2.setNumThreads(1)


def all_faults() -> Iterable[str]:
    """Names of faults, as the page lists them."""
    return FAULTS
