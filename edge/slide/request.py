"""What a scanner was asked for while the glass was on its stage, and what came of it.

These rows are no evidence: a verdict tells how many there were, and rests on none. What they bring
are captures, which are.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class RequestKind(StrEnum):
    """What a scanner can be asked for."""

    REFOCUS = "refocus"
    """The field once more, focused anew."""
    RESCAN = "rescan"
    """The field once more."""
    ADD_PLANE = "add_plane"
    """One more depth of focus of the capture that is there."""
    REVISIT = "revisit"
    """A field that holds suspicious findings, and ground that was not seen, once more."""
    STOP_EARLY = "stop_early"
    """No more fields: the verdict stands."""


class RequestEnd(StrEnum):
    """How a request ended."""

    DONE = "done"
    REFUSED = "refused"
    LAPSED = "lapsed"
    """The scanner did not do it in time: it said nothing, or only that it would."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The scanner was asked for something."""

    number: int
    """Of the slide's requests, from 1."""
    kind: RequestKind
    field: int | None
    """None where the scan is to be stopped."""
    plane: int | None
    """Which plane to add."""
    images: int
    """How many images the field had: it is not asked for again before it has more."""
    why: str
    """The reason for which most ground is lost; or the category that stands."""
    worth: int
    """Lattice points of ground that it may bring: twice where the verdict hangs on ground, and a
    field's more where findings in it put a category in question."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A request has ended."""

    number: int
    end: RequestEnd


@dataclass(frozen=True, slots=True)
class Requests:
    """All requests of a slide, by rising number."""

    asked: tuple[Asked, ...] = ()
    answered: tuple[Answered, ...] = ()

    def many(self, end: RequestEnd) -> int:
        """How many ended so."""
        return sum(each.end is end for each in self.answered)


NO_REQUESTS: Final = Requests()
"""Of a scanner that was left alone."""
