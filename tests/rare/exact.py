"""Exact 95 % limits of a share."""

from collections.abc import Callable
from math import comb


def limits(found: int, of: int) -> tuple[float, float]:
    """Clopper and Pearson's limits.

    Source: Clopper and Pearson, The use of confidence or fiducial limits illustrated in the case of
    the binomial, Biometrika 26 (1934) 404.
    """
    low = _where(lambda p: 1 - _at_most(found - 1, of, p), 0.025) if found else 0.0
    high = _where(lambda p: 1 - _at_most(found, of, p), 0.975) if found < of else 1.0
    return low, high


def _at_most(found: int, of: int, p: float) -> float:
    return sum(comb(of, k) * p**k * (1 - p) ** (of - k) for k in range(found + 1))


def _where(rising: Callable[[float], float], value: float) -> float:
    """Where a rising function of a share has a value."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < value else (low, middle)
    return low
