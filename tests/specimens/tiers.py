"""How many planted cells are called by their grade: low (LSIL), or high (ASC-H, HSIL, SCC)."""

from dataclasses import astuple, dataclass

import numpy as np
import numpy.typing as npt

from engines.fields import LABELS, TIER_OF_LABEL, TIERS

Ints = npt.NDArray[np.int64]
NEGATIVE, LOW, HIGH = range(len(TIERS))


@dataclass(frozen=True, slots=True)
class Graded:
    """Counts of cells; those of several pictures can be added."""

    low: int = 0
    """Planted ones."""
    low_right: int = 0
    high: int = 0
    high_right: int = 0
    negative: int = 0
    """True cells that were not planted."""
    false: int = 0
    """Findings called low or high where no cell was planted."""

    def __add__(self, other: "Graded") -> "Graded":
        return Graded(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    @property
    def planted_right(self) -> float:
        """Share of planted cells called by their grade. Low and high weigh the same, so that
        calling all alike gets a half."""
        return (self.low_right / self.low + self.high_right / self.high) / 2

    @property
    def negative_right(self) -> float:
        """1 less the false findings a negative cell."""
        return 1 - self.false / self.negative

    @property
    def balanced(self) -> float:
        """All three weigh the same."""
        return (2 * self.planted_right + self.negative_right) / 3


def tier_of(label: str | None) -> int:
    """Of a class by its name; what is no cell is negative."""
    return int(TIER_OF_LABEL[LABELS.index(label)]) if label in LABELS else NEGATIVE


def graded(tiers: Ints, match: Ints, called: Ints, negative: int) -> Graded:
    """How planted cells are called; one without a finding is called nothing.

    Args:
        tiers: int64, shape (n,): what they are.
        match: int64, shape (n,): the finding of each, or -1.
        called: int64: what each finding is called.
        negative: How many more true cells there are.
    """
    said = np.where(match < 0, NEGATIVE, np.append(called, NEGATIVE)[match])
    is_right = said == tiers
    is_false = called != NEGATIVE
    is_false[match[match >= 0]] = False
    return Graded(
        low=int((tiers == LOW).sum()),
        low_right=int((is_right & (tiers == LOW)).sum()),
        high=int((tiers == HIGH).sum()),
        high_right=int((is_right & (tiers == HIGH)).sum()),
        negative=negative,
        false=int(is_false.sum()),
    )
