"""The anytime curve: what verdicts said while a slide was scanned, against the ground settled."""

from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from edge.verdict.verdict import Outcome, State

STEPS: Final = 200
"""A point is kept each time that another 0.5 % of the planned ground is settled: at most 201."""

Count = Annotated[int, Field(ge=0)]


class Point(BaseModel):
    """What one verdict said. Ground is in lattice points of 400 um2."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    planned: Count
    settled: Count
    """Planned ground of which it is known who shows it, or that nobody does."""
    seen: Count
    """Settled ground that was usable or empty."""
    state: State
    outcome: Outcome
    category: str | None
    cells: Count | None
    low: Count | None
    """Lower limit of `cells`; null where there is none, as for `cells`."""
    minimum: Count | None
    counts: dict[str, Count]
    """Counted findings that reach each category."""
    milli_log10_e: dict[str, int]
    """Of each category that may be announced, floor(1,000 log10 E)."""

    @property
    def step(self) -> int:
        """Which of `STEPS` is reached."""
        return self.settled * STEPS // max(self.planned, 1)


def point(verdict: dict[str, Any]) -> Point:
    """What is kept of a verdict.

    Args:
        verdict: As `edge.verdict.verdict.to_json` writes it.

    Raises:
        pydantic.ValidationError: It is none.
    """
    area, cells = verdict["coverage"], verdict["adequacy"]
    return Point(
        planned=area["planned"],
        settled=area["planned"] - area["pending"],
        seen=area["usable"] + area["empty"],
        counts=verdict["counts"],
        milli_log10_e=verdict["announcement"]["milli_log10_e"],
        **{name: verdict[name] for name in ("state", "outcome", "category")},
        **{name: cells[name] for name in ("cells", "low", "minimum")},
    )
