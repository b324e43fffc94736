"""The engine's thread: load, prove, then take pictures through stage 4."""

import logging
import time
from dataclasses import dataclass, replace
from pathlib import Path

from edge.detection.grade import Bar
from edge.health import EngineHealth
from edge.pipeline import Looked, judge
from edge.settings import Settings
from edge.slide.record import Record
from edge.verdict import system
from edge.verdict.system import CategorySystem
from engines import card as cards
from engines.card import CARD, ModelCard
from engines.crops import Rgb
from engines.detect import detect
from engines.detector import BadModel, Detector, EngineFault
from engines.golden import halved, whole_field
from engines.installed import Installed
from engines.parity import prove

log = logging.getLogger(__name__)

PROVED_EVERY = 250
"""Pictures between two proofs: under a hundredth of the engine's time."""
TIMED = 3
"""Runs of which the fastest tells the engine's pace: neighbours only make it slower."""


@dataclass(frozen=True, slots=True)
class Engine:
    """A model's card, its engine, and what is known of it; without a usable model neither."""

    card: ModelCard | None
    detector: Detector | None
    health: EngineHealth
    fields_per_1000_s: int

    def judge(self, looked: Looked, bars: tuple[Bar, ...], calibration: str) -> Record:
        """Stage 4.

        Raises:
            EngineFault: The engine failed.
        """
        if self.card is None or self.detector is None:
            raise EngineFault("engine", "none", self.health.problem, "Install a model")
        return judge(looked, self.detector, self.card, bars, calibration)


def serves(settings: Settings) -> Path:
    """The folder of the model that serves: the one in the settings, else the site's, else ours.

    Raises:
        BadModel: The site's choice cannot be read.
    """
    return settings.model or installed(settings).active() or cards.SHIPPED


def installed(settings: Settings) -> Installed:
    """The site's models."""
    return Installed(settings.state_dir / "models")


def start(settings: Settings) -> Engine:
    """Load and prove the engine. Never raises for a bad one: what is wrong is its health."""
    try:
        card = cards.load(serves(settings))
        system_of(card)
    except EngineFault as fault:
        log.error("no model: %s", fault)
        return _without(None, str(fault))
    if settings.engine == "idle":
        from engines.idle_engine import IdleEngine

        idle = IdleEngine(card)
        problem = "the idle engine finds nothing, and is for measuring only"
        health = EngineHealth(idle.identity, is_proved=False, problem=problem, cpu_because=problem)
        return Engine(card, idle, health, 0)
    try:
        # Importing a runtime takes longer than answering may: only this thread waits for it.
        from engines.choose import chosen

        plans = settings.state_dir / "plans"
        found = chosen(
            card, settings.engine, settings.engine_threads, plans, lambda one: prove(one, card)
        )
        field = whole_field(card)
        rate = round(1000 / min(_taken_s(found.engine, card, field) for _ in range(TIMED)))
    except EngineFault as fault:
        log.error("the engine is not proved: %s", fault)
        return _without(card, str(fault))
    health = EngineHealth(
        found.engine.identity, is_proved=True, problem="", cpu_because=found.cpu_because
    )
    return Engine(card, found.engine, health, rate)


def system_of(card: ModelCard) -> CategorySystem:
    """The category system that a card names.

    Raises:
        BadModel: There is no such one, it does not report the card's specimens, or it has no
            category that the card names.
    """
    if card.system not in system.systems():
        there = f"there are {', '.join(system.systems())}"
        raise BadModel(f"{CARD}: system", card.system, there, "Name one of them in the card")
    found = system.load(card.system)
    known = {category.name for category in found.categories}
    for key, named, allowed in (
        ("specimens", card.specimens, {*found.specimens}),
        ("categories_of_classes", card.categories_of_classes, known | {*found.beyond}),
        ("tables", [c.category for t in card.tables for c in t.categories], known),
    ):
        if strange := [name for name in named if name not in allowed]:
            problem = f"{found.name} knows {', '.join(sorted(allowed))}"
            if key == "specimens" and (others := system.of_specimen(strange[0])):
                problem += f"; {strange[0]} is reported by {', '.join(others)}"
            raise BadModel(f"{CARD}: {key}", strange[0], problem, "Mend the card")
    return found


def _without(card: ModelCard | None, problem: str) -> Engine:
    health = EngineHealth("none", is_proved=False, problem=problem, cpu_because=problem)
    return Engine(card, None, health, 0)


def _taken_s(detector: Detector, card: ModelCard, field: Rgb) -> float:
    tile, cut = halved(field, card)
    began_s = time.perf_counter()
    detect(detector, card, tile, cut)
    return time.perf_counter() - began_s


def prove_again(engine: Engine) -> None:
    """Hold a proved engine against the reference output once more.

    Raises:
        EngineFault: It does not say of the golden field what the model means any more.
    """
    if engine.card is not None and engine.detector is not None and engine.health.is_proved:
        prove(engine.detector, engine.card)


def broken(engine: Engine, fault: EngineFault) -> Engine:
    """The same engine, after it failed: it is not used again until a restart proves it."""
    health = replace(engine.health, is_proved=False, problem=str(fault))
    return replace(engine, detector=None, health=health)
