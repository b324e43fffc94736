"""What is kept of a replayed slide: enough to judge it again by any table, in milliseconds."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from drivers.problem import Problem, Refusal
from edge.daemon.live import bars_of
from edge.detection.basis import resting_on
from edge.detection.grade import reached
from edge.evidence.counts import SEVERITIES
from edge.evidence.fold import Evidence
from edge.evidence.summary import Area, Summary, Sums
from edge.journal import rows
from edge.slide.basis import Basis
from edge.slide.finding import Column
from edge.slide.record import End, Incident, IncidentKind, Opening
from edge.validation.course import Course
from edge.verdict.decide import decide
from edge.verdict.verdict import Verdict
from engines.card import ModelCard
from engines.tables import Source, Table

Scores = npt.NDArray[np.int32]
"""int32, shape (n, classes): class scores of counted findings, in 1/10,000."""


_OTHERWISE: Final = (
    "opening", "area", "sums", "incidents", "reached", "capped", "announcements", "gallery",
    "requests",
)  # fmt: skip
"""Parts of a summary that are not kept as they are."""


@dataclass(frozen=True, slots=True)
class Truth:
    """What a slide is known to be, by whoever made or labelled it."""

    source: Source
    origin: str
    """The data set; of a rendered slide, the specimen."""
    seed: int | None
    """Of a rendered slide."""
    worst: str
    """The worst label that any of its cells or the slide has; `NILM` is a negative slide."""
    seen_cells: int | None
    """True squamous cells on ground that was seen; None where nobody knows."""


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One replayed slide."""

    truth: Truth
    summary: Summary
    """Its evidence at the end, without what a table decides: `reached`, `capped`, the gallery."""
    scores: Scores
    course: Course
    """How the scan went, for announcements."""
    looker: str
    """What found them: `looker_of` its card."""

    @property
    def name(self) -> str:
        """For people."""
        opening = self.summary.opening
        return f"{self.truth.origin} {opening.preparation} {opening.slide}"

    @property
    def fields(self) -> int:
        """Planned fields."""
        return len(self.summary.opening.plan.fields)

    def at(self, card: ModelCard, table: Table) -> Verdict:
        """The verdict that a table would have given."""
        identities = dict(self.summary.opening.basis.identities)
        basis = resting_on(card, table, identities)
        opening = replace(self.summary.opening, basis=basis)
        return decide(
            replace(
                self.summary,
                opening=opening,
                reached=counts(self.scores, basis),
                capped=self._capped(basis),
            )
        )

    def _capped(self, basis: Basis) -> tuple[int, ...]:
        """Of each severity that a bar is for; of 0 nobody asks."""
        capped = [0] * SEVERITIES
        for bar in bars_of(basis):
            capped[bar.severity] = int(self.course.found(bar)[-1])
        return tuple(capped)


def counts(scores: Scores, basis: Basis) -> tuple[int, ...]:
    """How many findings reach each severity; [0] is those that reach none."""
    bits = reached(scores, bars_of(basis)).astype(np.int64)
    each = (bits[:, None] >> np.arange(SEVERITIES) & 1).sum(axis=0)
    each[0] = (bits == 0).sum()
    return tuple(each.tolist())


def looker_of(card: ModelCard) -> str:
    """All of a card that findings depend on: another table finds the same ones."""
    return f"{card.networks} {card.min_candidate} {card.min_score}"


def sample(truth: Truth, evidence: Evidence, course: Course, card: ModelCard) -> Sample:
    """What to keep of a slide that has ended."""
    summary = replace(evidence.summary(), reached=(), capped=(), gallery=())
    scores = evidence.counted()[:, Column.CLASSES :]
    return Sample(truth, summary, scores, course, looker_of(card))


def save(kept: Sample, path: Path) -> None:
    """Write it, whole or not at all."""
    summary = kept.summary
    numbers = {
        name: getattr(summary, name)
        for name in Summary.__dataclass_fields__
        if name not in _OTHERWISE
    }
    head = {
        "truth": asdict(kept.truth),
        "looker": kept.looker,
        "opening": rows.row_bytes(summary.opening)[1].decode(),
        "area": asdict(summary.area),
        "sums": asdict(summary.sums),
        "incidents": [[incident.kind, incident.detail] for incident in summary.incidents],
        "numbers": numbers,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    with new.open("wb") as file:
        arrays: dict[str, Any] = {"scores": kept.scores, **kept.course.arrays()}
        np.savez_compressed(file, head=np.array(json.dumps(head)), **arrays)
    new.replace(path)


def load(path: Path) -> Sample:
    """A sample as it was written.

    Raises:
        Refusal: It is none, or of another version.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            head: dict[str, Any] = json.loads(str(kept["head"]))
            scores: Scores = kept["scores"].astype(np.int32)
            course = Course.of(kept)
        opening = rows.row("opening", head["opening"].encode())
        if not isinstance(opening, Opening):
            raise ValueError("it has no opening")
        area, numbers = head["area"], head["numbers"]
        summary = Summary(
            opening=opening,
            area=Area(**area | {"lost": tuple((why, n) for why, n in area["lost"])}),
            sums=Sums(**head["sums"]),
            incidents=tuple(Incident(IncidentKind(kind), why) for kind, why in head["incidents"]),
            reached=(),
            capped=(),
            announcements=(),
            gallery=(),
            **numbers | {"end": End(numbers["end"])},
        )
        return Sample(Truth(**head["truth"]), summary, scores, course, head["looker"])
    except (OSError, EOFError, ValueError, KeyError, TypeError, BadZipFile) as error:
        problem = Problem("work", str(path), f"is no sample of a slide: {error}", "Remove the file")
        raise Refusal(problem) from None


def load_all(folder: Path, card: ModelCard) -> list[Sample]:
    """The samples in a folder that a card's model made, by rising name.

    Raises:
        Refusal: A file is no sample.
    """
    found = (load(path) for path in sorted(folder.glob("*.npz")))
    return [each for each in found if each.looker == looker_of(card)]
