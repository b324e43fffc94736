"""Exact limits, against published ones."""

import pytest

from tests.rare.exact import limits


@pytest.mark.parametrize(
    ("found", "of", "low", "high"),
    [(0, 10, 0, 0.3085), (5, 10, 0.1871, 0.8129), (10, 10, 0.6915, 1), (1, 400, 0.0001, 0.0138)],
)
def test_limits_are_clopper_and_pearsons(found: int, of: int, low: float, high: float) -> None:
    assert limits(found, of) == pytest.approx((low, high), abs=6e-5)
