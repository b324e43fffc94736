"""Rendered fields, each scored once: a record depends on its capture alone, and may lie anywhere.

A negative field is one of a negative slide; a planted one a slide of its own, with one HSIL cell.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Final, TypeAlias

import cv2
import numpy as np

from drivers.scanner.lists import ImageKey
from drivers.sources.layout import Tiling, rectangle
from drivers.sources.simulated.render import Options, SimulatedSlide
from drivers.sources.simulated.specimen import Contents
from drivers.sources.source import Shot, SlideFacts
from edge.daemon.engine import Engine, start
from edge.daemon.live import Reading, reading
from edge.daemon.opening import NotOpened, open_slide
from edge.journal import rows
from edge.picture import Damaged
from edge.pipeline import look
from edge.settings import Settings
from edge.slide.finding import Column
from edge.slide.place import Rectangle
from edge.slide.record import Crop, Image, Incident, Opening, Record
from edge.validation.replay import capture_of, message_of
from edge.verdict import system

FIELDS_A_SLIDE: Final = 60
SEEDS: Final = 700_000
"""The first one; above all that the model was trained and its thresholds fitted with."""
WITHIN_NM: Final = 6_000
"""A finding so near to the planted cell is it."""


Before: TypeAlias = tuple[Opening, *tuple[Incident, ...]]
"""A slide's rows before its first image."""


@dataclass(frozen=True, slots=True)
class BankField:
    """One field of the bank, by its number among the negative or the planted ones."""

    is_planted: bool
    number: int

    @property
    def name(self) -> str:
        return f"{'planted' if self.is_planted else 'negative'}-{self.number:04}"

    @property
    def seed(self) -> int:
        """Of its slide."""
        if self.is_planted:
            return SEEDS + 100_000 + self.number
        return SEEDS + self.number // FIELDS_A_SLIDE

    @property
    def key(self) -> ImageKey:
        number = 0 if self.is_planted else self.number % FIELDS_A_SLIDE
        return ImageKey(field=number, capture=1, plane=0)

    @property
    def slide(self) -> SimulatedSlide:
        """Where it comes from."""
        return _slide(self.seed, 1 if self.is_planted else FIELDS_A_SLIDE, int(self.is_planted))


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """A field as it was scored."""

    record: Record
    """Without pictures."""
    is_clear: bool
    """Its planted cell reaches a high-grade category, shown as it is here."""


@lru_cache(maxsize=4)
def _slide(seed: int, fields: int, hsil: int) -> SimulatedSlide:
    return SimulatedSlide(Options(seed=seed, fields=fields, contents=Contents(hsil=hsil)))


@cache
def proved() -> Engine:
    """The shipped model on its engine, proved as the daemon proves it; one a process."""
    cv2.setNumThreads(1)
    engine = start(Settings())
    assert engine.detector is not None, engine.health.problem
    return engine


def facts(fields: int, slide: str) -> SlideFacts:
    """A slide of so many fields that do not overlap: each is shown by one picture."""
    of = _slide(SEEDS, FIELDS_A_SLIDE, 0).facts
    plan = rectangle(Tiling(of.plan.w_nm, of.plan.h_nm, 0), fields)
    return replace(of, plan=plan, slide=slide)


def opened(of: SlideFacts, folder: Path) -> Before:
    """A slide's first rows, as the daemon would have made them."""
    found = open_slide(message_of(of), of.plan, proved(), Settings(state_dir=folder))
    assert not isinstance(found, NotOpened), found
    return (found.opening, *found.incidents)


class Mosaic:
    """A slide put together from pictures of the bank: a source, as a scanner would show it."""

    def __init__(self, of: SlideFacts, fields: list[BankField]) -> None:
        self.facts = of
        self._fields = fields

    def capture(self, key: ImageKey) -> Shot:
        """The picture of a field, at the planned place."""
        one, planned = self._fields[key.field], self.facts.plan.fields[key.field]
        shot = one.slide.capture(one.key)
        return replace(shot, x_nm=planned.x_nm, y_nm=planned.y_nm)


def score(one: BankField, folder: Path) -> None:
    """Score a field by the daemon's own stages and keep it, unless it is there."""
    path = folder / f"{one.name}.npz"
    if path.exists():
        return
    slide = one.slide
    how = reading(opened(slide.facts, folder)[0])
    looked = look(capture_of(slide.facts, one.key, slide.capture(one.key)), how.opening.plan)
    assert not isinstance(looked, Damaged)
    record = proved().judge(looked, how.bars, how.calibration)
    is_clear = one.is_planted and _is_clear(record, slide, how)
    new = path.with_suffix(".new")
    with new.open("wb") as file:
        np.savez_compressed(
            file,
            head=np.frombuffer(rows.record_head(replace(record, thumbnail=b"")), np.uint8),
            findings=record.findings,
            crops=np.array([crop.finding for crop in record.crops], np.int64),
            is_clear=is_clear,
        )
    new.replace(path)


def _is_clear(record: Record, slide: SimulatedSlide, how: Reading) -> bool:
    (cell,) = (cell for cell in slide.truth() if cell.kind.label == "HSIL")
    severities = [
        category.severity
        for category in system.load(how.opening.basis.system).categories
        if category.is_high_grade
    ]
    findings = record.findings.astype(np.int64)
    offsets = findings[:, [Column.X_NM, Column.Y_NM]] - (cell.x_nm, cell.y_nm)
    near = findings[(offsets**2).sum(axis=1) <= WITHIN_NM**2]
    return any(bits >> s & 1 for bits in near[:, Column.REACHED].tolist() for s in severities)


def scored(one: BankField, folder: Path) -> Scored:
    """A field of the bank."""
    with np.load(folder / f"{one.name}.npz") as kept:
        findings = kept["findings"].astype("<i4").tobytes()
        crops = tuple(Crop(int(index), b"") for index in kept["crops"])
        record = rows.record(kept["head"].tobytes(), findings, crops, b"")
        return Scored(record, bool(kept["is_clear"]))


def placed(record: Record, opening: Opening, field: int) -> Record:
    """A record as it would be, had its picture been taken of another field."""
    planned = opening.plan.by_number[field]
    findings = record.findings.copy()
    findings[:, Column.X_NM] += planned.x_nm - record.place.x_nm
    findings[:, Column.Y_NM] += planned.y_nm - record.place.y_nm
    place = Rectangle(planned.x_nm, planned.y_nm, record.place.w_nm, record.place.h_nm)
    return replace(record, image=Image(field, 1, 0), place=place, findings=findings)


def composed(opening: Opening, fields: Iterable[Scored]) -> list[Record]:
    """A slide's records, from fields of the bank in the order of the plan."""
    return [
        placed(one.record, opening, planned.field)
        for planned, one in zip(opening.plan.fields, fields, strict=True)
    ]
