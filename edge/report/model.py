"""The report: one verdict on its way out, with the slide's name and the time it was issued.

It is read back from a verdict's bytes, so that every format is made from what was recorded.
"""

import json
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from edge.slide.canonical import canonical
from edge.verdict.adequacy import AdequacyState
from edge.verdict.reasons import ReasonCode
from edge.verdict.verdict import Outcome, State, hash_of

Count = Annotated[int, Field(ge=0)]

LAST_INSTANT_US: Final = 253_402_300_799_999_999
"""The end of the year 9999, which calendars can still name."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class ReasonPart(_Part):
    """One reason or note."""

    code: ReasonCode
    text: str


class CoveragePart(_Part):
    """In lattice points of 400 um2."""

    planned: Count
    usable: Count
    empty: Count
    pending: Count
    lost: dict[str, Count]
    """By reason."""


class AdequacyPart(_Part):
    """True squamous cells: in mid-scan on the ground that was seen, at the end on the spot."""

    cells: Count | None
    low: Count | None
    high: Count | None
    minimum: Count | None
    state: AdequacyState


class RestsOnPart(_Part):
    """What the thresholds were set with."""

    table: str
    """The card's table, by the source of its slides."""
    negative_slides: Count


class AnnouncedPart(_Part):
    """A category that was announced in mid-scan."""

    category: str
    borne_out: bool | None
    """Whether the final verdict gives it or a worse one; null while there is none."""


class AnnouncementPart(_Part):
    """What was announced in mid-scan. No outcome depends on it."""

    state: Literal["announced", "none", "not established"]
    announced: list[AnnouncedPart]
    not_established: dict[str, str]
    """Categories that are never announced, and why."""
    milli_log10_e: dict[str, int]
    """Of those that may be, how the ground seen speaks against a negative slide."""


class VerdictPart(_Part):
    """A verdict, as `edge.verdict.verdict.to_json` writes it."""

    state: State
    outcome: Outcome
    category: str | None
    not_excluded: list[str]
    not_assessed: list[str]
    reasons: list[ReasonPart]
    notes: list[ReasonPart]
    coverage: CoveragePart
    adequacy: AdequacyPart
    counts: dict[str, Count]
    gallery: list[str]
    announcement: AnnouncementPart
    rests_on: RestsOnPart
    identities: dict[str, str]
    head: str
    """Of a model of whole slides."""
    system: str
    purpose: str
    use: str


class Report(_Part):
    """What is handed on of a slide."""

    format: Literal["cytoedge-report-1"] = "cytoedge-report-1"
    slide: str
    revision: Count
    """0 is a provisional verdict, 1 the final one, and one more for each revision of it."""
    issued_at_us: Annotated[int, Field(ge=0, le=LAST_INSTANT_US)]
    """Microseconds UTC. The verdict itself has no time."""
    verdict_hash: str
    """SHA-256 of the verdict's bytes."""
    verdict: VerdictPart

    @model_validator(mode="after")
    def _the_hash_is_the_verdicts(self) -> Self:
        held = hash_of(canonical(self.verdict.model_dump(mode="json")))
        if held != self.verdict_hash:
            raise ValueError(f"verdict_hash: the verdict's bytes hash to {held}")
        return self


def report(slide: str, revision: int, issued_at_us: int, verdict: bytes) -> Report:
    """A report on a verdict.

    Args:
        slide: The slide's name.
        revision: 0 for a provisional verdict, 1 for the final one.
        issued_at_us: Microseconds UTC.
        verdict: Its bytes, as `edge.verdict.verdict.to_json` wrote them.

    Raises:
        ValueError: They are no verdict of this version, or not in its one form; pydantic's
            `ValidationError` is one.
    """
    return Report(
        slide=slide,
        revision=revision,
        issued_at_us=issued_at_us,
        verdict_hash=hash_of(verdict),
        verdict=VerdictPart.model_validate(json.loads(verdict)),
    )
