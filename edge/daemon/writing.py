"""What the writer is asked to do."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from drivers.scanner.messages import Revise
from edge.daemon.engine import Engine
from edge.intake.effects import Open, TakeOver, Takes, Write
from edge.slide.record import Incident, Record


@dataclass(frozen=True, slots=True)
class Keep:
    """Make a record durable, and count it."""

    slide: str
    record: Record
    identity: str
    """Of the capture that it was made from."""


@dataclass(frozen=True, slots=True)
class Correct:
    """Keep what a person says of a slide."""

    peer: bytes
    """Who waits for the answer."""
    wish: Revise


@dataclass(frozen=True, slots=True)
class EngineIs:
    """The engine was proved, or is broken."""

    engine: Engine


@dataclass(frozen=True, slots=True)
class Everywhere:
    """Write an incident into every open slide."""

    incident: Incident


@dataclass(frozen=True, slots=True)
class Audit:
    """Append an entry to the chain."""

    kind: str
    who: str
    what: Mapping[str, str | int]


Task: TypeAlias = Audit | Keep | Write | Open | TakeOver | Takes | Correct | EngineIs | Everywhere
