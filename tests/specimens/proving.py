"""One slide of the whole proof: shown to the model and to each baseline; its outcome kept."""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import cv2

from edge.daemon.engine import start
from edge.settings import Settings
from engines.card import ModelCard
from engines.detector import Detector
from tests.specimens.baselines import FindsNothing, FiresAtRandom
from tests.specimens.claims import Said
from tests.specimens.classical import Classical, Rule
from tests.specimens.showing import planted, said, shown, specimen
from tests.specimens.tiers import Graded

MODEL = "the model"
CELLS_PER_MM2 = 430
"""Of the detector that fires at random: what a slide has."""


@dataclass(frozen=True, slots=True)
class Job:
    """A slide to show."""

    specimen: str
    seed: int
    fields: int
    rule: Rule
    """Of the classical detector."""
    work: Path

    @property
    def kept(self) -> Path:
        """Where its outcome is kept."""
        return self.work / f"{self.specimen}-{self.seed}-{self.fields}.json"


@dataclass(frozen=True, slots=True)
class Shown:
    """What each detector made of it, by the detector's name."""

    said: Mapping[str, Said]
    graded: Mapping[str, Graded]


def show(job: Job) -> Shown:
    """Show a slide, or read what is kept of it."""
    if not job.kept.exists():
        new = job.kept.with_suffix(".new")
        new.write_text(json.dumps(asdict(_shown(job)), indent=1))
        new.replace(job.kept)
    kept = json.loads(job.kept.read_text())
    return Shown(
        {
            name: Said(**each | {"reasons": tuple(each["reasons"])})
            for name, each in kept["said"].items()
        },
        {name: Graded(**each) for name, each in kept["graded"].items()},
    )


def _shown(job: Job) -> Shown:
    card, model = _model()
    source = specimen(job.specimen, job.seed, job.fields)
    detectors: list[tuple[str, Detector]] = [
        (MODEL, model),
        *(
            (each.identity, each)
            for each in (
                FindsNothing(card),
                FiresAtRandom(card, job.seed, CELLS_PER_MM2, 0.2),
                Classical(card, job.rule),
            )
        ),
    ]
    verdicts, grades = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        for name, detector in detectors:
            evidence, images = shown(source, detector, card, Path(folder))
            verdicts[name] = said(job.specimen, job.seed, evidence)
            grades[name] = planted(source, evidence, images, card)
    return Shown(verdicts, grades)


@cache
def _model() -> tuple[ModelCard, Detector]:
    """The shipped model on its engine, proved as the daemon proves it; one a process."""
    cv2.setNumThreads(1)
    engine = start(Settings())
    assert engine.card is not None
    assert engine.detector is not None, engine.health.problem
    return engine.card, engine.detector
