"""The site file: what was validated here, and what came of it. Nothing acts on it: it is unsigned.

A new file for each new result, `site-1.json` and rising; none is ever written over.
"""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from drivers.problem import Problem, Refusal
from edge.slide.canonical import canonical
from edge.validation.site_figures import Figures, Judged, figures
from edge.verdict.system import CategorySystem

_NAME = re.compile(r"site-([1-9][0-9]*)\.json")


class SiteFile(BaseModel):
    """One validation of a model on a site's own slides."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    format: Literal["cytoedge-site-1"] = "cytoedge-site-1"
    version: Annotated[int, Field(ge=1)]
    """One more than that of the file before it."""
    signature: Literal["unsigned"] = "unsigned"
    system: str
    """The category system of the answers."""
    identities: dict[str, str]
    """What judged all slides: card, categories, engine, model, settings, software."""
    slides: tuple[Judged, ...]
    """By rising name."""
    figures: Figures
    sha256: str
    """Of all the rest, as JSON with sorted keys and no blanks."""

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        found = _hash_of(self.model_dump(mode="json", exclude={"sha256"}))
        if found != self.sha256:
            raise ValueError(f"sha256: the content hashes to {found}")
        return self


def site_file(
    version: int, slides: Sequence[Judged], identities: dict[str, str], system: CategorySystem
) -> SiteFile:
    """The file that holds these results."""
    ordered = tuple(sorted(slides, key=lambda each: each.slide))
    body = {
        "format": "cytoedge-site-1",
        "version": version,
        "signature": "unsigned",
        "system": system.name,
        "identities": identities,
        "slides": [each.model_dump(mode="json") for each in ordered],
        "figures": figures(ordered, system).model_dump(mode="json"),
    }
    return SiteFile.model_validate(body | {"sha256": _hash_of(body)})


def write(
    folder: Path, slides: Sequence[Judged], identities: dict[str, str], system: CategorySystem
) -> tuple[SiteFile, Path]:
    """Write the next version, and say where; where nothing changed, the last one stands.

    Raises:
        Refusal: The last file was changed by hand, or the new one cannot be written.
    """
    last = latest(folder)
    version = last.version if last else 0
    if last == (again := site_file(version or 1, slides, identities, system)):
        return again, _path(folder, version)
    made = site_file(version + 1, slides, identities, system)
    path = _path(folder, made.version)
    try:
        with path.open("xb") as file:
            file.write(canonical(made.model_dump(mode="json")) + b"\n")
    except OSError as error:
        problem = f"cannot be written: {error.strerror}"
        raise Refusal(Problem("site file", str(path), problem, "Mend the folder")) from None
    return made, path


def latest(folder: Path) -> SiteFile | None:
    """The file of the highest version; None where there is none.

    Raises:
        Refusal: It is not what was written.
    """
    names = (_NAME.fullmatch(path.name) for path in folder.iterdir())
    highest = max((int(name[1]) for name in names if name), default=0)
    if not highest:
        return None
    path = _path(folder, highest)
    try:
        found = SiteFile.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        problem = f"is no site file, or was changed: {error}"
        raise Refusal(Problem("site file", str(path), problem, "Put it aside")) from None
    if found.version != highest:
        problem = f"is of version {found.version}"
        raise Refusal(Problem("site file", str(path), problem, "Give it its own name back"))
    return found


def _path(folder: Path, version: int) -> Path:
    return folder / f"site-{version}.json"


def _hash_of(body: dict[str, Any]) -> str:
    return hashlib.sha256(canonical(body)).hexdigest()
