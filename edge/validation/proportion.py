"""A share of slides, with its exact 95 % interval: in whole numbers, the same on every machine."""

from collections.abc import Callable
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

SCALE = 10_000
"""Limits are given in 1/10,000, the lower one rounded down and the upper one up."""
_TAIL = 40
"""One in so many samples may lie beyond a limit: 2.5 % on each side."""


class Proportion(BaseModel):
    """So many of so many."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    part: Annotated[int, Field(ge=0)]
    whole: Annotated[int, Field(ge=0)]
    low: Annotated[int, Field(ge=0, le=SCALE)]
    """Lower 95 % limit, in 1/10,000; of nothing, nothing is known: 0 to 10,000."""
    high: Annotated[int, Field(ge=0, le=SCALE)]

    @classmethod
    def of(cls, part: int, whole: int) -> Self:
        """With its limits.

        Source:
            Clopper and Pearson, Biometrika 26 (1934) 404: a limit is the share at which so large or
            so small a part would come up in 2.5 % of samples.
        """
        low = _last(lambda p: _is_rare(part, whole, p)) if part else 0
        high = SCALE - _last(lambda p: _is_rare(whole - part, whole, p)) if part < whole else SCALE
        return cls(part=part, whole=whole, low=low, high=high)

    def __str__(self) -> str:
        if not self.whole:
            return "none"
        percent = 100 * self.part / self.whole
        return (
            f"{self.part} of {self.whole}: {percent:.1f} % ({self.low / 100:.2f} to "
            f"{self.high / 100:.2f})"
        )


def _is_rare(part: int, whole: int, p: int) -> bool:
    """Whether `part` or more of `whole` come up in at most 2.5 % of samples of a share p."""
    q = SCALE - p
    term: int = q**whole  # of 0; then of each number in turn
    below = 0
    for n in range(part):
        below += term
        term = term * (whole - n) * p // ((n + 1) * q)
    everything: int = SCALE**whole
    return _TAIL * (everything - below) <= everything


def _last(holds: Callable[[int], bool]) -> int:
    """The largest number under `SCALE` for which it holds; it holds for 0 and all up to there."""
    low, high = 0, SCALE
    while high - low > 1:
        middle = (low + high) // 2
        if holds(middle):
            low = middle
        else:
            high = middle
    return low
