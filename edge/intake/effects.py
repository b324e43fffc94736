"""What the intake wants done: the only way in which a message has any effect."""

from dataclasses import dataclass
from typing import Any, TypeAlias

from drivers.scanner.codec import Part
from drivers.scanner.lists import PlanList
from drivers.scanner.messages import FromDaemon, OpenSlide
from drivers.scanner.words import EventKind
from edge.slide.capture import Capture
from edge.slide.record import Image, Row


@dataclass(frozen=True, slots=True)
class Reply:
    """Send a message to a peer."""

    peer: bytes
    """The connection's routing id."""
    message: FromDaemon
    part: Part | None = None


@dataclass(frozen=True, slots=True)
class Open:
    """A new slide: check it, make it durable, then say `opened` or `not_opened`."""

    message: OpenSlide
    plan: PlanList
    session: str
    driver: str
    opening: str
    """Its identity."""


@dataclass(frozen=True, slots=True)
class Judge:
    """Take a capture through the stages, then say `committed` or `damaged`."""

    capture: Capture


@dataclass(frozen=True, slots=True)
class LetGo:
    """An image is no longer in hand."""

    slide: str
    image: Image


@dataclass(frozen=True, slots=True)
class Write:
    """Make a row durable, then say `written`."""

    slide: str
    row: Row
    ticket: int | None
    """None for a slide's end: then say `ended`."""


@dataclass(frozen=True, slots=True)
class Conclude:
    """All of a slide was judged: prove the engine once more, then write the slide's end."""

    end: Write


@dataclass(frozen=True, slots=True)
class TakeOver:
    """Note that a slide belongs to another driver now."""

    slide: str
    driver: str
    opening: str


@dataclass(frozen=True, slots=True)
class Takes:
    """Note what a slide's scanner can be asked for from now on."""

    slide: str
    kinds: frozenset[str]


@dataclass(frozen=True, slots=True)
class Tell:
    """Publish an event."""

    kind: EventKind
    slide: str
    body: dict[str, Any]


Effect: TypeAlias = Reply | Open | Judge | LetGo | Write | Conclude | TakeOver | Takes | Tell
