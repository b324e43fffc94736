"""How fast a model's engines are, beside each other in one run."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from engines.card import ModelCard
from engines.decode import decode
from engines.detect import detect, graded
from engines.detector import Candidates
from engines.golden import halved, whole_field
from engines.network_engine import NetworkEngine

MANY = 2_000
"""Candidates of a field as crowded as any."""
SGEMM, SGEMM_SIDE = "sgemm", 1_024
"""A product of matrices: what this machine's floating point can do at best."""
CROPS = 64


def bench(engines: dict[str, NetworkEngine], rounds: int) -> dict[str, Any]:
    """Times in ms, the fastest of some rounds in which all take turns: neighbours only slow down.

    Args:
        engines: By name; all of one card.
        rounds: How many.
    """
    card = next(iter(engines.values())).card
    tile, cut = halved(whole_field(card), card)
    some = _candidates(card)
    left, right = np.random.default_rng(0).random((2, SGEMM_SIDE, SGEMM_SIDE), np.float32)
    maps = _crowded(card)
    stride = card.tile_px[0] // maps[0].shape[2]
    work: dict[str, Callable[[], object]] = {
        SGEMM: partial(np.matmul, left, right),
        f"decode {MANY} candidates": partial(decode, *maps, stride, card.min_candidate / 10_000),
    }
    for name, engine in engines.items():
        work[f"{name}: locate"] = partial(engine.maps, tile)
        work[f"{name}: grade {CROPS} crops"] = partial(graded, engine, card, some, cut)
        work[f"{name}: field"] = partial(detect, engine, card, tile, cut)
    took_s: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(rounds + 1):  # the first one warms up
        for name, each in work.items():
            took_s[name].append(_taken_s(each))
    fastest_s = {name: min(times[1:]) for name, times in took_s.items()}
    return {
        "sgemm_gflop_s": round(2 * SGEMM_SIDE**3 / fastest_s.pop(SGEMM) / 1e9, 1),
        "ms": {name: round(1_000 * value, 3) for name, value in fastest_s.items()},
    }


def _taken_s(work: Callable[[], object]) -> float:
    began_s = time.perf_counter()
    work()
    return time.perf_counter() - began_s


def _candidates(card: ModelCard) -> Candidates:
    """Places all over a tile."""
    chance = np.random.default_rng(0)
    places = chance.uniform(0, 1, (CROPS, 2)) * card.tile_px[::-1]
    return Candidates(
        places.astype(np.float32),
        chance.normal(0, 1, (CROPS, 4)).astype(np.float32),
        truncated=False,
    )


def _crowded(card: ModelCard) -> tuple[Any, Any]:
    """Maps with so many peaks."""
    height, width = card.tile_px[0] // 4, card.tile_px[1] // 4
    chance = np.random.default_rng(0)
    peaks = np.zeros((1, 1, height, width), np.float32)
    chosen = chance.choice(height * width, MANY, replace=False)
    peaks.reshape(-1)[chosen] = chance.uniform(0.1, 1, MANY)
    return peaks, chance.normal(0, 1, (1, 5, height, width)).astype(np.float32)
