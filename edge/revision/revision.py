"""What one person said of a slide, and what the machine said, in the same words."""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from drivers.scanner.words import Id, RevisionAct, RevisionReason, Role
from edge.slide.canonical import canonical
from edge.verdict.verdict import Outcome

UNSATISFACTORY: Final = Outcome.UNSATISFACTORY.value

Count = Annotated[int, Field(ge=0)]


class Revision(BaseModel):
    """One entry of a slide's history. It changes nothing that stands before it."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    format: Literal["cytoedge-revision-1"] = "cytoedge-revision-1"
    slide: Id
    revision: Count
    """Its number, in one row with the machine's verdicts."""
    follows: Count
    """The newest that its author saw."""
    verdict_hash: str
    """Of the machine's verdict that it stands beside."""
    act: RevisionAct
    says: str
    """A category, or `unsatisfactory`."""
    reason: RevisionReason
    text: str
    person: Id
    role: Role
    blind: bool
    """The machine's verdict was hidden until then."""
    seconds: Count | None
    """Spent on the case; None where that is not counted."""
    at_us: Count
    """Microseconds UTC."""

    def to_json(self) -> bytes:
        """Its one form in bytes."""
        return canonical(self.model_dump(mode="json"))


def read(content: bytes) -> Revision:
    """A revision from its bytes.

    Raises:
        pydantic.ValidationError: They are none.
    """
    return Revision.model_validate_json(content)


def machine_says(verdict: dict[str, Any]) -> str | None:
    """What the machine calls the slide, in a reader's words; None where it leaves it to people.

    Args:
        verdict: As `edge.verdict.verdict.to_json` writes it.
    """
    if verdict["outcome"] == UNSATISFACTORY:
        return UNSATISFACTORY
    category: str | None = verdict["category"]
    return category
