"""How a scan went, row by row: what counted so far, of each field, on how much settled ground."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from edge.detection.grade import Bar
from edge.evidence.counts import MOST_A_FIELD
from edge.evidence.fold import Evidence
from edge.slide.finding import Column
from edge.slide.record import Opening
from edge.validation.candidates import LEAST_THRESHOLD
from edge.verdict import system

Ints = npt.NDArray[np.int64]
Scores = npt.NDArray[np.int32]

_CHANGES, _POINTS, _SCORES = "course_changes", "course_points", "course_scores"


@dataclass(slots=True)
class Course:
    """Enough to count again after every row, by any table that was fitted here.

    Memory: of the counted findings those alone that could reach a category, each time that its
    field was counted anew: on a negative slide a few.
    """

    points: list[int] = field(default_factory=list)
    """Settled usable lattice points after each row."""
    changes: list[tuple[int, int, int]] = field(default_factory=list)
    """Row, field, and how many findings count there from now on; their scores follow in order."""
    scores: list[Scores] = field(default_factory=list)
    """One array a change: int32, shape (n, classes)."""
    _last: dict[int, Scores] = field(default_factory=dict)

    def note(self, evidence: Evidence) -> None:
        """Take in what counts after one more row."""
        summary = evidence.summary()
        abnormal, row = _abnormal(summary.opening), len(self.points)
        self.points.append(summary.area.usable)
        for number, findings in evidence.counted_by_field().items():
            scores = findings[:, Column.CLASSES :]
            scores = scores[scores[:, abnormal].sum(axis=1) >= LEAST_THRESHOLD]
            if not np.array_equal(scores, self._last.get(number, scores[:0])):
                self._last[number] = scores
                self.changes.append((row, number, len(scores)))
                self.scores.append(scores)

    def found(self, bar: Bar, most: int = MOST_A_FIELD) -> Ints:
        """The findings that reach a bar after each row, of each field `most` at most.

        Returns:
            int64, shape (rows,): A of E(A, N); N is `points`.
        """
        found, now = np.zeros(len(self.points), np.int64), dict[int, int]()
        for (row, number, _), scores in zip(self.changes, self.scores, strict=True):
            sums = scores[:, list(bar.classes)].sum(axis=1)
            many = min(most, int(np.count_nonzero(sums >= bar.threshold)))
            found[row] += many - now.get(number, 0)
            now[number] = many
        return np.cumsum(found)

    def arrays(self) -> dict[str, Any]:
        """As it is kept in a file."""
        return {
            _POINTS: np.array(self.points, np.int64),
            _CHANGES: np.array(self.changes, np.int32).reshape(-1, 3),
            _SCORES: np.concatenate(self.scores) if self.scores else np.zeros((0, 0), np.int32),
        }

    @classmethod
    def of(cls, kept: Mapping[str, npt.NDArray[np.int32]]) -> "Course":
        """From its arrays.

        Raises:
            KeyError: One is missing.
            ValueError: They do not fit each other.
        """
        changes = [(row, number, many) for row, number, many in kept[_CHANGES].tolist()]
        ends = np.cumsum([many for _, _, many in changes]).astype(np.int64)
        scores = np.split(kept[_SCORES].astype(np.int32), ends[:-1]) if changes else []
        if len(kept[_SCORES]) != (ends[-1] if changes else 0):
            raise ValueError("changes and scores of its course do not fit")
        return cls(kept[_POINTS].tolist(), changes, scores)


def _abnormal(opening: Opening) -> list[int]:
    """The classes that stand for no negative finding."""
    negative = system.load(opening.basis.system).negative.name
    names = opening.basis.categories_of_classes
    return [index for index, name in enumerate(names) if name != negative]
