"""A specimen shown to a detector by the daemon's own stages: its verdict, and its planted cells."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from drivers.scanner.lists import ImageKey
from drivers.sources.simulated.render import Options, SimulatedSlide
from drivers.sources.simulated.specimen import preset
from drivers.sources.source import Shot, SlideFacts
from edge.daemon.engine import Engine
from edge.evidence.fold import Evidence
from edge.health import EngineHealth
from edge.pipeline import verdict
from edge.settings import Settings
from edge.slide.finding import Column
from edge.validation.replay import Shown, replayed
from edge.validation.slides import seen_points
from engines.card import ModelCard
from engines.detector import Detector
from engines.evaluation.matching import one_to_one
from tests.specimens.claims import Said
from tests.specimens.tiers import HIGH, LOW, NEGATIVE, Graded, graded, tier_of

WITHIN_NM = 6_000


class Kept:
    """A slide whose images are rendered once, however many detectors are shown them.

    Memory: all its images, 5 MB each at full size.
    """

    def __init__(self, slide: SimulatedSlide) -> None:
        self.slide = slide
        self._shots: dict[ImageKey, Shot] = {}

    @property
    def facts(self) -> SlideFacts:
        return self.slide.facts

    def capture(self, key: ImageKey) -> Shot:
        if key not in self._shots:
            self._shots[key] = self.slide.capture(key)
        return self._shots[key]


def specimen(name: str, seed: int, fields: int, **options: Any) -> Kept:
    """A slide of a specimen."""
    known = preset(name, fields)
    made = Options(seed=seed, fields=fields, contents=known.contents, faults=known.faults)
    return Kept(SimulatedSlide(replace(made, **options)))


def shown(
    source: Kept, detector: Detector, card: ModelCard, folder: Path
) -> tuple[Evidence, Shown]:
    """A slide's evidence, as it would be with that detector for an engine."""
    health = EngineHealth(detector.identity, is_proved=True, problem="", cpu_because="a test")
    settings = Settings(state_dir=folder, model=card.folder)
    return replayed(source, Engine(card, detector, health, 0), settings, lambda: None)


def said(name: str, seed: int, evidence: Evidence) -> Said:
    """What its verdict says."""
    found = verdict(evidence)
    codes = tuple(each.code.value for each in found.reasons)
    return Said(name, seed, found.outcome.value, found.category, codes)


def planted(source: Kept, evidence: Evidence, images: Shown, card: ModelCard) -> Graded:
    """How true cells on ground that was seen are called: a finding's likeliest tier."""
    truth = source.slide.truth()
    places = np.array([(cell.x_nm, cell.y_nm) for cell in truth], np.int64).reshape(-1, 2)
    tiers = np.array([tier_of(cell.kind.label) for cell in truth], np.int64)
    is_planted = tiers != NEGATIVE
    is_planted[is_planted] = [seen_points(place[None], images) for place in places[is_planted]]
    findings = evidence.counted()
    of_classes = np.array([tier_of(name) for name in card.classes])
    scores = findings[:, Column.CLASSES :]
    sums = [scores[:, of_classes == tier].sum(axis=1) for tier in (NEGATIVE, LOW, HIGH)]
    match = one_to_one(
        places[is_planted].astype(np.float32),
        findings[:, [Column.X_NM, Column.Y_NM]].astype(np.float32),
        WITHIN_NM,
    )
    called = np.argmax(sums, axis=0).astype(np.int64)
    negative = seen_points(places[tiers == NEGATIVE], images)
    return graded(tiers[is_planted], match, called, negative)
