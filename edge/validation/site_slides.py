"""A site's slides with known answers: which they are, and where what was scanned of them lies.

The folder holds `slides.csv` with the columns slide, answer and preparation, and for each slide
either `SLIDE.rec`, which `cytoedge record` wrote, or a folder `SLIDE` of images.
"""

import csv
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from drivers.problem import Problem, Refusal, shown
from drivers.scanner.words import Preparation
from drivers.sources.recording import RecordingReader
from edge.validation.site_figures import UNSATISFACTORY
from edge.verdict.system import CategorySystem

TABLE = "slides.csv"
COLUMNS = ("slide", "answer", "preparation")
RECORDING = ".rec"
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class SiteSlide:
    """One slide to be judged."""

    name: str
    answer: str
    """A category of the system, or `unsatisfactory`."""
    preparation: Preparation
    path: Path
    """A recording, or a folder of images."""

    def sha256(self) -> str:
        """Of all its bytes, and of its files' names where it is a folder."""
        if self.path.is_file():
            return _of_file(self.path)
        files = sorted(path for path in self.path.rglob("*") if path.is_file())
        listed = [f"{path.relative_to(self.path).as_posix()} {_of_file(path)}\n" for path in files]
        return hashlib.sha256("".join(listed).encode()).hexdigest()


def site_slides(folder: Path, system: CategorySystem) -> list[SiteSlide]:
    """The slides of a folder, in the order of its table.

    Raises:
        Refusal: The table cannot be read, names a slide twice or none, or says something of a slide
            that cannot be; or a slide's recording or images are not there, or are another slide's.
    """
    slides = list(_listed(folder / TABLE, system))
    names = [slide.name for slide in slides]
    if twice := [name for name in names if names.count(name) > 1]:
        raise _wrong("slide", twice[0], "is named twice", "Remove one of its lines")
    if not slides:
        raise _wrong(TABLE, str(folder / TABLE), "names no slide", "Add a line for each slide")
    return slides


def _listed(table: Path, system: CategorySystem) -> Iterator[SiteSlide]:
    try:
        with table.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            lines, columns = list(reader), reader.fieldnames or ()
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        remedy = f"Write it, with the columns {', '.join(COLUMNS)}"
        raise _wrong(TABLE, str(table), f"cannot be read: {error}", remedy) from None
    if absent := [column for column in COLUMNS if column not in columns]:
        raise _wrong(TABLE, str(table), f"has no column {absent[0]}", "Add it")
    for line in lines:
        yield _slide(table.parent, {key: line[key] or "" for key in COLUMNS}, system)


def _slide(folder: Path, line: dict[str, str], system: CategorySystem) -> SiteSlide:
    name, answer, preparation = (line[key].strip() for key in COLUMNS)
    if not _ID.fullmatch(name):
        remedy = "Use up to 64 letters, digits, dots, dashes and underscores"
        raise _wrong("slide", name, f"is no slide's id, in {TABLE}", remedy)
    answers = [*(category.name for category in system.categories), UNSATISFACTORY]
    if answer not in answers:
        problem = f"is no answer, for slide {name}"
        raise _wrong("answer", answer, problem, f"Use one of {', '.join(answers)}")
    known = [each.value for each in Preparation]
    if preparation not in known:
        problem = f"is no preparation, for slide {name}"
        raise _wrong("preparation", preparation, problem, f"Use one of {', '.join(known)}")
    images, recording = folder / name, folder / f"{name}{RECORDING}"
    if images.is_dir() == recording.is_file():
        problem = f"has neither {name}{RECORDING} nor a folder of images, or both"
        raise _wrong("slide", name, problem, f"Put one of them into {folder}")
    if recording.is_file():
        _check_recording(recording, name, preparation)
        return SiteSlide(name, answer, Preparation(preparation), recording)
    return SiteSlide(name, answer, Preparation(preparation), images)


def _check_recording(path: Path, name: str, preparation: str) -> None:
    """A recording is of the slide that the table names, and that slide was prepared so."""
    first = next(RecordingReader(path).messages(), [b"{}"])
    try:
        header = dict(json.loads(first[0]))
    except (ValueError, TypeError):
        header = {}
    for key, expected in (("slide", name), ("preparation", preparation)):
        if (said := header.get(key)) != expected:
            problem = f"{path.name} says so, {TABLE} says {expected}"
            raise _wrong(key, str(said), problem, "Correct the table, or the file's name")


def _of_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _wrong(key: str, value: str, problem: str, remedy: str) -> Refusal:
    return Refusal(Problem(key, shown(value), problem, remedy))
