"""An open slide, as the writer holds it: its file, its evidence, its verdict so far."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from edge.detection.grade import Bar, bars
from edge.evidence.fold import Evidence
from edge.journal.store import SlideStore
from edge.report.curve import point
from edge.slide.basis import Basis
from edge.slide.canonical import canonical
from edge.slide.record import Incident, Opening, Row
from edge.verdict import system
from edge.verdict.verdict import State


@dataclass(frozen=True, slots=True)
class Reading:
    """What the stages need to know to read a slide's pictures. Fixed when it is opened."""

    opening: Opening
    bars: tuple[Bar, ...]
    calibration: str
    model: str
    """SHA-256 of the networks that the slide was opened with."""

    @property
    def classes(self) -> int:
        """Class scores of a finding."""
        return len(self.opening.basis.classes)


def bars_of(basis: Basis) -> tuple[Bar, ...]:
    """What a finding must show to reach each category of a basis."""
    categories = system.load(basis.system)
    severities = {category.name: category.severity for category in categories.categories}

    def and_worse(name: str) -> frozenset[str]:
        return frozenset(category.name for category in categories.and_worse(name))

    return bars(basis, severities, and_worse)


def reading(opening: Opening) -> Reading:
    """How a slide is read."""
    identities = dict(opening.basis.identities)
    return Reading(opening, bars_of(opening.basis), identities["calibration"], identities["model"])


@dataclass(slots=True)
class Live:
    """Memory: its evidence, about 5 MB for 1,320 fields."""

    store: SlideStore
    evidence: Evidence
    is_changed: bool = True
    """Since the last provisional verdict."""
    takes: frozenset[str] = frozenset()
    """What its scanner can be asked for."""
    incidents: set[Incident] = field(default_factory=set)
    step: int = -1
    """Of the curve's last point since the start."""

    def mark(self, verdict: dict[str, Any]) -> None:
        """Keep what a verdict says as a point of the curve: one a step, and the final one.

        Raises:
            StoreFault: It could not be written.
        """
        at = point(verdict)
        if at.step > self.step or at.state is State.FINAL:
            self.store.mark(at.step, canonical(at.model_dump(mode="json")))
            self.step = at.step

    def add(self, rows: Iterable[Row]) -> None:
        """Take rows that are on the disk into the evidence."""
        for row in rows:
            self.evidence.add(row)
            if isinstance(row, Incident):
                self.incidents.add(row)
        self.is_changed = True
