"""How machine and readers agree: a matrix, and Cohen's kappa."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Concordance:
    """Signed slides on which the machine said something, by what both said."""

    names: Sequence[str]
    """What was said by either, in the system's order."""
    matrix: Sequence[Sequence[int]]
    """A row for what the machine said, a column for what was signed, in the order of `names`."""

    @property
    def slides(self) -> int:
        """How many."""
        return sum(map(sum, self.matrix))

    @property
    def agreed(self) -> int:
        """On how many both said the same."""
        return sum(row[place] for place, row in enumerate(self.matrix))

    @property
    def kappa(self) -> float | None:
        """Agreement beyond chance, at most 1; None where chance alone would give full agreement.

        Source:
            Cohen, Educational and Psychological Measurement 20 (1960) 37.
        """
        n = self.slides
        columns = [sum(column) for column in zip(*self.matrix, strict=True)]
        expected = sum(sum(row) * column for row, column in zip(self.matrix, columns, strict=True))
        if n * n == expected:
            return None
        return float((n * self.agreed - expected) / (n * n - expected))


def concordance(pairs: Iterable[tuple[str, str]], order: Sequence[str]) -> Concordance:
    """The matrix of (what the machine said, what was signed).

    Args:
        pairs: One a slide.
        order: Of all that can be said.
    """
    counted = Counter(pairs)
    names = [name for name in order if any(name in pair for pair in counted)]
    return Concordance(names, [[counted[row, column] for column in names] for row in names])
