"""How large the largest hole is: lost lattice points that hang together by four neighbours."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from edge.evidence.ground import Home, Ints

Runs: TypeAlias = npt.NDArray[np.int32]
"""int32, shape (n, 3): of lost points side by side the row, the first column, and one after the
last."""


def lost_runs(home: Home, rows: Ints, columns: Ints) -> Runs:
    """The runs of a field's lost points, in lattice lines of the slide.

    Args:
        home: Where the points are at home.
        rows: int64, shape (n,), counted from `home.row`.
        columns: int64, shape (n,), counted from `home.column`.
    """
    lost = np.zeros((home.rows, home.columns + 2), np.int8)
    lost[rows, columns + 1] = 1
    steps = np.diff(lost, axis=1)
    row, first = np.nonzero(steps == 1)
    _, after = np.nonzero(steps == -1)
    runs = np.stack([row + home.row, first + home.column, after + home.column], axis=1)
    return runs.astype(np.int32)


def largest_patch(fields: Sequence[Runs]) -> int:
    """The most points of all fields' runs that hang together; 0 where there are none."""
    if not fields:
        return 0
    runs = np.concatenate(fields).astype(np.int64)
    runs = runs[np.lexsort((runs[:, 1], runs[:, 0]))]
    line = np.int64(1) << 32
    first, after = runs[:, 0] * line + runs[:, 1], runs[:, 0] * line + runs[:, 2]
    beside = np.flatnonzero(after[:-1] == first[1:])
    # Of the next row: the runs that end after this one begins, and begin before it ends.
    low = np.searchsorted(after, first + line, side="right")
    high = np.searchsorted(first, after + line, side="left")
    below = np.maximum(high - low, 0)
    upper = np.repeat(np.arange(len(runs)), below)
    lower = np.arange(len(upper)) - np.repeat(np.cumsum(below) - below, below) + low[upper]
    patch = _components(len(runs), np.append(beside, upper), np.append(beside + 1, lower))
    points = np.zeros(len(runs), np.int64)
    np.add.at(points, patch, runs[:, 2] - runs[:, 1])
    return int(points.max())


def _components(n: int, one: Ints, other: Ints) -> Ints:
    """For each of n nodes the lowest node that edges (one, other) join it to, over any way.

    Every round hooks each tree to the lowest that it touches, then flattens all trees.
    """
    root = np.arange(n)
    while True:
        low = np.minimum(root[one], root[other])
        hooked = root.copy()
        np.minimum.at(hooked, root[one], low)
        np.minimum.at(hooked, root[other], low)
        if np.array_equal(hooked, root):
            return root
        while not np.array_equal(flat := hooked[hooked], hooked):
            hooked = flat
        root = hooked
