"""The slides to replay: rendered ones, whose truth is known, and public fields by slide."""

import csv
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from drivers.problem import Problem, Refusal, shown
from drivers.scanner.words import Preparation, Specimen
from drivers.sources.replay import ImageFolder, ReplayOptions
from drivers.sources.simulated.render import Options, SimulatedSlide
from drivers.sources.simulated.specimen import preset
from edge.daemon.engine import Engine
from edge.settings import Settings
from edge.slide.record import GRID, sees
from edge.validation.course import Course
from edge.validation.replay import Shown, replayed
from edge.validation.sample import Sample, Truth, sample
from edge.verdict import system
from edge.verdict.system import CategorySystem
from engines.card import ModelCard

NEGATIVE = "NILM"


class Slide(Protocol):
    """A slide that can be replayed."""

    @property
    def name(self) -> str:
        """Its file in the folder of samples, without suffix."""
        ...

    @property
    def planned(self) -> int:
        """How many images it has."""
        ...

    def replay(self, engine: Engine, settings: Settings, on_image: Callable[[], None]) -> Sample:
        """Take it through the daemon's stages."""
        ...


@dataclass(frozen=True, slots=True)
class Rendered:
    """A simulated slide."""

    specimen: str
    preparation: Preparation
    seed: int
    fields: int

    @property
    def name(self) -> str:
        """What tells it from all others."""
        return f"rendered-{self.specimen}-{self.preparation}-{self.fields}-{self.seed}"

    @property
    def planned(self) -> int:
        """How many images it has."""
        return self.fields

    def replay(self, engine: Engine, settings: Settings, on_image: Callable[[], None]) -> Sample:
        """Render and judge it.

        Raises:
            Refusal: There is no such specimen, or no such slide.
            EngineFault: The engine failed.
        """
        known = preset(self.specimen, self.fields)
        slide = SimulatedSlide(
            Options(
                seed=self.seed,
                fields=self.fields,
                contents=known.contents,
                faults=known.faults,
                preparation=self.preparation,
            )
        )
        course = Course()
        evidence, images = replayed(slide, engine, settings, on_image, course.note)
        truth = slide.truth()
        squamous = [(c.x_nm, c.y_nm) for c in truth if c.kind.is_squamous]
        categories = system.load(evidence.summary().opening.basis.system)
        labels = {NEGATIVE, *(cell.kind.label for cell in truth if cell.kind.label)}
        worst = max(labels, key=lambda label: categories.category(label).severity)
        seen = seen_points(np.array(squamous, np.int64).reshape(-1, 2), images)
        return sample(
            Truth("rendered", self.specimen, self.seed, worst, seen),
            evidence,
            course,
            _card(engine),
        )


@dataclass(frozen=True, slots=True)
class Public:
    """The fields of one label of one slide of a public data set."""

    folder: Path
    slide: str
    label: str
    images: tuple[str, ...]
    preparation: Preparation

    @property
    def name(self) -> str:
        """What tells it from all others."""
        kind = f"{self.label}-{self.preparation}"
        return _id(f"public-{self.folder.resolve().name}-{kind}-{self.slide}")

    @property
    def planned(self) -> int:
        """How many images it has."""
        return len(self.images)

    def replay(self, engine: Engine, settings: Settings, on_image: Callable[[], None]) -> Sample:
        """Read and judge its fields.

        Raises:
            Refusal: An image cannot be read, or has no scale.
            EngineFault: The engine failed.
        """
        options = ReplayOptions(
            self.folder,
            preparation=self.preparation,
            slide=_id(self.slide),
            images=frozenset(self.images),
            specimen=Specimen(_card(engine).specimens[0]),
        )
        course = Course()
        evidence, _ = replayed(ImageFolder(options), engine, settings, on_image, course.note)
        return sample(
            Truth("public", self.folder.resolve().name, None, self.label, None),
            evidence,
            course,
            _card(engine),
        )


def rendered(
    slides: int,
    seed: int,
    fields: int,
    specimens: Sequence[str],
    preparations: Sequence[Preparation],
) -> list[Rendered]:
    """So many slides of every specimen and preparation, each with a seed of its own, rising.

    Raises:
        Refusal: There is no such specimen.
    """
    for specimen in specimens:
        preset(specimen)
    kinds = [
        (specimen, preparation)
        for specimen in specimens
        for preparation in preparations
        for _ in range(slides)
    ]
    return [Rendered(*kind, seed + number, fields) for number, kind in enumerate(kinds)]


def public(folder: Path, preparation: Preparation, categories: CategorySystem) -> list[Public]:
    """The slides of a folder whose `images.csv` names a slide and a label for each field.

    A slide's fields of one label are one slide: its negative ones are a negative slide.

    Args:
        folder: Of the images, or of one named `images`.
        preparation: Of all its slides.
        categories: Those that labels may name.

    Raises:
        Refusal: It does not, or holds no negative field, or an unknown label.
    """
    table = folder / "images.csv"
    try:
        with table.open(newline="", encoding="utf-8") as file:
            listed = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError) as error:
        problem = f"cannot be read: {error}"
        remedy = "Name a folder of annotated fields"
        raise Refusal(Problem("public", str(table), problem, remedy)) from None
    labels = {category.name for category in categories.categories}
    negative = categories.negative.name
    images: dict[tuple[str, str], list[str]] = {}
    for row in listed:
        slide, label, name = (row.get(key) or "" for key in ("slide", "label", "image_filename"))
        if label and label not in labels:
            problem = f"is no category, in {table}"
            raise Refusal(Problem("label", shown(label), problem, "Use the category's own name"))
        if slide and label:
            images.setdefault((slide, label), []).append(name)
    if not any(label == negative for _, label in images):
        problem = f"has no field with a `slide` and the `label` {negative}"
        raise Refusal(Problem("public", str(table), problem, "Add these columns to it"))
    return [
        Public(folder, slide, label, tuple(names), preparation)
        for (slide, label), names in sorted(images.items())
    ]


def seen_points(points: npt.NDArray[np.int64], images: Shown) -> int:
    """How many points lie in a cell of any image that sees: usable or empty ground.

    Args:
        points: int64, shape (n, 2): x, y in nm.
        images: What each shows.
    """
    is_seen = np.zeros(len(points), bool)
    for place, cells in images:
        size = np.array([place.w_nm, place.h_nm])
        within = (points - [place.left_nm, place.top_nm]) * GRID // size
        is_inside = ((within >= 0) & (within < GRID)).all(axis=1)
        seeing = np.array([sees(cell) for cell in cells]).reshape(GRID, GRID)
        column, row = within[is_inside].T
        is_seen[is_inside] |= seeing[row, column]
    return int(is_seen.sum())


def _card(engine: Engine) -> ModelCard:
    assert engine.card is not None  # noqa: S101  # else no slide was opened
    return engine.card


def _id(name: str) -> str:
    """A name that slides and files may have."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name)[:63]
