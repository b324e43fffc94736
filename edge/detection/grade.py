"""Which categories a finding reaches."""

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge.slide.basis import Basis


@dataclass(frozen=True, slots=True)
class Bar:
    """What a finding must show to reach one category."""

    severity: int
    classes: tuple[int, ...]
    """Indices of the classes that count for it: its own and the worse ones."""
    threshold: int
    """Of the sum of their scores, in 1/10,000."""


def bars(
    basis: Basis, severities: Mapping[str, int], and_worse: Callable[[str], Container[str]]
) -> tuple[Bar, ...]:
    """The card's bars, by rising severity.

    Args:
        basis: Classes, what they stand for, and the thresholds.
        severities: Of every category of the system, by name.
        and_worse: The names of a category and of all worse ones.
    """
    found = [
        Bar(
            severities[numbers.category],
            tuple(
                k
                for k, name in enumerate(basis.categories_of_classes)
                if name in and_worse(numbers.category)
            ),
            numbers.threshold,
        )
        for numbers in basis.categories
    ]
    return tuple(sorted(found, key=lambda bar: bar.severity))


def reached(scores: npt.NDArray[np.int32], all_bars: tuple[Bar, ...]) -> npt.NDArray[np.int32]:
    """For each finding, bit s set where it reaches the category of severity s.

    Args:
        scores: int32, shape (n, classes), in 1/10,000.
        all_bars: The card's bars.

    Returns:
        int32, shape (n,); 0 where none is reached.
    """
    bits = np.zeros(len(scores), np.int32)
    for bar in all_bars:
        is_reached = scores[:, list(bar.classes)].sum(axis=1) >= bar.threshold
        bits |= is_reached.astype(np.int32) << bar.severity
    return bits


def severity(bits: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """The worst severity in each set of bits; 0 where none is set."""
    worst = np.zeros_like(bits)
    for s in range(1, 31):
        worst[(bits >> s) & 1 == 1] = s
    return worst
