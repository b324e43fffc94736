"""Which finding found which annotated nucleus: nearest pairs first, each used once."""

import numpy as np
import numpy.typing as npt

from engines.evaluation.looked import Floats, Ints

Points = npt.NDArray[np.float32]
"""float32, shape (n, 2): x, y in pixels."""


def one_to_one(points: Points, found: Points, within_px: float) -> Ints:
    """For each point the finding that found it, or -1: nearest pairs first, each used once.

    Equally near pairs go by the order of points, then of findings.
    """
    return _courted(points, found, np.zeros(len(found)), within_px)[0]


def first_found(points: Points, found: Points, scores: Floats, within_px: float) -> Ints:
    """For each point the finding with which it is first found as the threshold falls, or -1.

    At any threshold exactly those points are found, by `one_to_one` of the findings above it, whose
    first finding is above it: a point once found stays found, if by a nearer one.
    """
    return _courted(points, found, scores, within_px)[1]


def _courted(points: Points, found: Points, scores: Floats, within_px: float) -> tuple[Ints, Ints]:
    """Nearest pairs first is the one stable matching: neither of any two would rather have another.

    So findings may come in any order, each asking points from the nearest on; a point changes to a
    nearer finding, and the one left behind asks on.
    Source: Gale and Shapley, College Admissions and the Stability of Marriage (1962).
    """
    apart = np.hypot(*(points[:, None] - found[None]).astype(np.float64).transpose(2, 0, 1))
    wishes = [iter(near) for near in _nearest_first(apart, within_px)]
    holder, first = np.full(len(points), -1), np.full(len(points), -1)
    for coming in np.argsort(-scores, kind="stable"):
        suitor = int(coming)
        while (point := next(wishes[suitor], None)) is not None:
            held = int(holder[point])
            if held < 0:
                holder[point], first[point] = suitor, coming
                break
            if (apart[point, suitor], suitor) < (apart[point, held], held):
                holder[point], suitor = suitor, held
    return holder, first


def _nearest_first(apart: Floats, within_px: float) -> list[list[int]]:
    """For each finding the points within reach."""
    near: list[list[int]] = [[] for _ in range(apart.shape[1])]
    points, findings = np.nonzero(apart <= within_px)
    for pair in np.argsort(apart[points, findings], kind="stable"):
        near[findings[pair]].append(int(points[pair]))
    return near
