"""What a step says: figures with uncertainty and limit, or why it could not measure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import hypot, inf
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from drivers.problem import Problem

Floats: TypeAlias = npt.NDArray[np.floating[Any]]
Picture: TypeAlias = npt.NDArray[np.uint8]

K: Final = 2
"""Coverage factor: the true value lies within k u in 95 % (GUM, JCGM 100:2008, 6.2.1)."""
_ALLOWANCE: Final = 1.1
"""A tenth over the standard error: targets and optics are never wholly as a step's model has them.
Own choice; `make test-slow PART=metrology` shows what it comes to."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number."""

    name: str
    value: float
    u: float
    """Standard uncertainty; the interval is value +- 2 u."""
    unit: str
    low: float = -inf
    """The least that passes."""
    high: float = inf

    @property
    def passes(self) -> bool:
        """Whether the number is within its limits; one that is no number is not."""
        return self.low <= self.value <= self.high

    def holds(self, truth: float) -> bool:
        """Whether the interval holds a value."""
        return abs(self.value - truth) <= K * self.u

    def __str__(self) -> str:
        mark = "pass" if self.passes else "FAIL"
        limits = f"{_bound(self.low)} to {_bound(self.high)}"
        return f"{self.name}: {self.value:.5g} +- {K * self.u:.2g} {self.unit} ({limits}) {mark}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a step found."""

    step: str
    figures: tuple[Figure, ...] = ()
    problem: Problem | None = None
    """Why nothing could be measured: a wrong target, a blurred picture."""
    curves: Mapping[str, Floats] = field(default_factory=dict)
    """What to plot: name to array; shape (n, 2) is a curve, other shapes a map."""
    corrections: Mapping[str, Floats] = field(default_factory=dict)
    """What the daemon corrects by: a gain map, a colour matrix."""

    @property
    def passes(self) -> bool:
        """Whether all was measured and is within its limits."""
        return self.problem is None and all(figure.passes for figure in self.figures)

    def __getitem__(self, name: str) -> Figure:
        for figure in self.figures:
            if figure.name == name:
                return figure
        raise KeyError(name)


def refused(step: str, key: str, value: str, problem: str, remedy: str) -> Outcome:
    """A step that could not measure, and what to do."""
    return Outcome(step, problem=Problem(key, value, problem, remedy))


def stated(standard_error: float, freedom: float = inf, *others: float) -> float:
    """The uncertainty to state.

    Args:
        standard_error: From the scatter of what was measured.
        freedom: Its degrees of freedom; few widen the interval as Student's t does.
        others: Uncertainties from elsewhere: a target's certificate.
    """
    return _ALLOWANCE * hypot(standard_error * _student(freedom) / K, *others)


def mean_of(values: Sequence[float] | Floats) -> tuple[float, float]:
    """The mean of repeats, and its uncertainty to state."""
    array = np.asarray(values, np.float64)
    error = float(array.std(ddof=1)) / len(array) ** 0.5
    return float(array.mean()), stated(error, len(array) - 1)


def fit(design: Floats, seen: Floats) -> tuple[Floats, Floats, float]:
    """Least squares: parameters, their covariance from the scatter left, degrees of freedom.

    Args:
        design: Shape (n, parameters).
        seen: Shape (n,).
    """
    normal = np.linalg.inv(design.T @ design)
    found = normal @ design.T @ seen
    freedom = len(seen) - design.shape[1]
    left = seen - design @ found
    return found, normal * float(left @ left) / freedom, float(freedom)


def _student(freedom: float) -> float:
    """Student's t that holds as much as k = 2 of a normal does; Cornish and Fisher's expansion."""
    return K + 2.5 / freedom + 3.0625 / freedom**2 + 2.6 / freedom**3


def _bound(value: float) -> str:
    return "any" if abs(value) == inf else f"{value:g}"
