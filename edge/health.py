"""What forbids a negative verdict now, and what somebody should do something about.

An `Incident` is a row: it is written into a slide when it happens, and the verdict obeys it. An
`Alert` is for people; console, panel and `doctor` speak of the same one.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum

from drivers.scanner.messages import OpenSlide
from edge.slide.record import Incident, IncidentKind
from edge.verdict import system
from engines.card import ModelCard


class Severity(StrEnum):
    """How bad it is."""

    WARNING = "warning"
    FAULT = "fault"
    """No verdict can be had until it is mended."""


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that a person should know."""

    id: str
    severity: Severity
    text: str
    remedy: str
    since_us: int

    def body(self) -> dict[str, str | int]:
        """As JSON."""
        return asdict(self)


class Alerts:
    """What is wrong at the moment. One thread owns it."""

    def __init__(self) -> None:
        self._alerts: dict[str, Alert] = {}

    def rise(self, alert: Alert) -> bool:
        """Note an alert; whether it is new."""
        is_new = alert.id not in self._alerts
        self._alerts.setdefault(alert.id, alert)
        return is_new

    def fall(self, id_: str) -> None:
        """Forget an alert, if there is such: what it told is mended."""
        self._alerts.pop(id_, None)

    def bodies(self) -> list[dict[str, str | int]]:
        """All alerts, faults first, oldest first."""
        alerts = sorted(self._alerts.values(), key=lambda a: (a.severity, a.since_us))
        return [alert.body() for alert in alerts]


@dataclass(frozen=True, slots=True)
class EngineHealth:
    """What is known of the engine."""

    identity: str
    is_proved: bool
    problem: str
    """Why it is not proved; empty where it is."""
    cpu_because: str
    """Why a CPU serves; empty where a GPU does."""


def incidents_at_opening(
    message: OpenSlide, card: ModelCard, engine: EngineHealth
) -> Iterator[Incident]:
    """What a new slide's verdict must know from the first."""
    if engine.cpu_because:
        yield Incident(IncidentKind.ON_CPU, f"{engine.identity}: {engine.cpu_because}")
    if not engine.is_proved:
        yield Incident(IncidentKind.ENGINE_UNPROVED, engine.problem)
    if message.specimen not in card.specimens:
        reporting = ", ".join(system.of_specimen(message.specimen)) or "no system that is known"
        detail = (
            f"the model is for {', '.join(card.specimens)} by {card.system}; "
            f"{message.specimen} is reported by {reporting}"
        )
        yield Incident(IncidentKind.CARD_NOT_FOR_SPECIMEN, detail)


def incidents_on_restart(identities: dict[str, str], engine: EngineHealth) -> Iterator[Incident]:
    """What a slide that is open already must know of the engine that goes on with it.

    Args:
        identities: What its basis names.
        engine: What is there now.
    """
    if not engine.is_proved:
        yield Incident(IncidentKind.ENGINE_UNPROVED, engine.problem)
    elif identities.get("engine") != engine.identity:
        detail = f"from {identities.get('engine')} to {engine.identity}"
        yield Incident(IncidentKind.ENGINE_CHANGED, detail)
