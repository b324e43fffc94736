"""One cell seen in two images: findings that are each the other's nearest, and near enough."""

from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from edge.evidence.ground import Ints
from edge.slide.finding import Column, Findings

_PAIRS_AT_ONCE: Final = 2**19
"""Distances computed in one piece: bounds the memory of two crowded images to a few MB."""


Pairs: TypeAlias = npt.NDArray[np.int32]
"""int32, shape (n, 3): of n pairs of twins the index in the lower image, the index in the higher
image, and whether the lower image's finding ranks above (1 or 0)."""


def shortest_side_nm(findings: Findings) -> Ints:
    """The shorter side of each finding's box: int64, shape (n,)."""
    shorter = np.minimum(findings[:, Column.W_NM], findings[:, Column.H_NM])
    return shorter.astype(np.int64)


def find_twins(lower: Findings, higher: Findings, registration_nm: int) -> Pairs:
    """The pairs of two images' findings with 2 d < s + 2 t, each the other's nearest.

    s is the shortest side of both boxes, t the stage's registration error; of two findings that are
    equally near, the lower index is the nearest. A wider reach without mutual nearest eats true
    neighbours.

    Rank: severity, then score, then the lower image. (Twins are never of one image.)
    """
    a, b = _close(lower, higher, registration_nm), _close(higher, lower, registration_nm)
    if not len(a) or not len(b):
        return np.zeros((0, 3), np.int32)
    x, y = (lower[a, axis].astype(np.int64) for axis in (Column.X_NM, Column.Y_NM))
    other_x, other_y = (higher[b, axis].astype(np.int64) for axis in (Column.X_NM, Column.Y_NM))
    nearest, squared = _nearest(x, y, other_x, other_y)
    back, _ = _nearest(other_x, other_y, x, y)
    mutual = back[nearest] == np.arange(len(a))
    a, b, squared = a[mutual], b[nearest[mutual]], squared[mutual]
    side = np.minimum(shortest_side_nm(lower[a]), shortest_side_nm(higher[b]))
    # 4 d^2 < (s + 2 t)^2, without a product that could exceed 64 bits.
    near = squared <= ((side + 2 * registration_nm) ** 2 - 1) // 4
    a, b = a[near], b[near]
    return np.stack([a, b, _is_above(lower[a], higher[b])], axis=1)


def _close(findings: Findings, others: Findings, registration_nm: int) -> npt.NDArray[np.int32]:
    """The findings so near to the others' surroundings that they could have a twin there."""
    if not len(findings) or not len(others):
        return np.zeros(0, np.int32)
    reach = int(shortest_side_nm(findings).max()) // 2 + registration_nm + 1
    close = np.ones(len(findings), bool)
    for column in (Column.X_NM, Column.Y_NM):
        place, surroundings = findings[:, column].astype(np.int64), others[:, column]
        close &= place >= int(surroundings.min()) - reach
        close &= place <= int(surroundings.max()) + reach
    return np.flatnonzero(close).astype(np.int32)


def _nearest(x: Ints, y: Ints, other_x: Ints, other_y: Ints) -> tuple[Ints, Ints]:
    """For each point the index of the nearest other (the lowest, of equals), and d^2."""
    nearest, squared = np.empty(len(x), np.int64), np.empty(len(x), np.int64)
    step = max(1, _PAIRS_AT_ONCE // len(other_x))
    for start in range(0, len(x), step):
        piece = slice(start, start + step)
        distance = (x[piece, None] - other_x) ** 2 + (y[piece, None] - other_y) ** 2
        nearest[piece] = distance.argmin(axis=1)
        squared[piece] = distance.min(axis=1)
    return nearest, squared


def _is_above(lower: Findings, higher: Findings) -> npt.NDArray[np.int32]:
    severity, other_severity = lower[:, Column.SEVERITY], higher[:, Column.SEVERITY]
    is_as_severe = severity == other_severity
    is_as_sure = lower[:, Column.SCORE] >= higher[:, Column.SCORE]
    is_above: npt.NDArray[np.bool_] = (severity > other_severity) | (is_as_severe & is_as_sure)
    return is_above.astype(np.int32)
