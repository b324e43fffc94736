"""Category systems: names, order and axes as data, one file each in `categories/`."""

import hashlib
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

MAX_SEVERITY: Final = 15
"""Evidence counts findings for the severities 0 to 15."""


@dataclass(frozen=True, slots=True)
class Category:
    """One name that a slide may be given."""

    name: str
    axis: str
    """Only categories of one axis are worse or milder than each other."""
    severity: int
    """Its number in records and evidence, unique in the system; 0 is the negative one."""
    title: str
    is_high_grade: bool

    def is_worse_than(self, other: "Category") -> bool:
        """Whether both stand on one axis and this one is the worse."""
        return self.axis == other.axis and self.severity > other.severity


@dataclass(frozen=True, slots=True)
class CategorySystem:
    """A reporting system, as its file says."""

    name: str
    """The file's name without `.toml`: what a basis calls `system`."""
    title: str
    specimens: tuple[str, ...]
    """The specimen types that it reports; a slide of another one ends `incomplete`."""
    categories: tuple[Category, ...]
    """By rising severity."""
    cells: str
    """What an adequate specimen has enough of, in words."""
    beyond: tuple[str, ...]
    """What no category stands for and a model may have no class for."""
    identity: str
    """SHA-256 of the file, 64 hex digits: the identity `categories` of a basis."""

    @property
    def negative(self) -> Category:
        """The category of severity 0."""
        return self.categories[0]

    def category(self, name: str) -> Category:
        """A category by its name.

        Raises:
            KeyError: The system has none of that name.
        """
        for category in self.categories:
            if category.name == name:
                return category
        raise KeyError(name)

    def and_worse(self, name: str) -> tuple[Category, ...]:
        """A category and all worse ones of its axis, by rising severity.

        Raises:
            KeyError: The system has none of that name.
        """
        least = self.category(name)
        return tuple(c for c in self.categories if c == least or c.is_worse_than(least))


def systems() -> tuple[str, ...]:
    """The names that `load` knows, rising."""
    names = (entry.name for entry in files("edge.verdict.categories").iterdir())
    return tuple(sorted(n.removesuffix(".toml") for n in names if n.endswith(".toml")))


@cache
def load(name: str) -> CategorySystem:
    """A system by its file's name.

    Raises:
        ValueError: There is no such file; the text names those that are there.
    """
    if name not in systems():
        raise ValueError(f"no category system {name!r}: there are {', '.join(systems())}")
    return parse(name, files("edge.verdict.categories").joinpath(f"{name}.toml").read_bytes())


def of_specimen(specimen: str) -> tuple[str, ...]:
    """The names of the systems that report a specimen type; empty where none does."""
    return tuple(name for name in systems() if specimen in load(name).specimens)


def parse(name: str, content: bytes) -> CategorySystem:
    """A system from its file's bytes.

    Raises:
        ValueError: It is not TOML, or names or severities are not unique, or none is 0, or one is
            over `MAX_SEVERITY`.
        KeyError: A key is absent.
    """
    data = tomllib.loads(content.decode())
    categories = sorted(
        (
            Category(c["name"], c["axis"], c["severity"], c["title"], c.get("high_grade", False))
            for c in data["category"]
        ),
        key=lambda category: category.severity,
    )
    severities = [category.severity for category in categories]
    is_unique = severities == sorted(set(severities))
    if not is_unique or severities[:1] != [0] or severities[-1] > MAX_SEVERITY:
        raise ValueError(
            f"{name}: severities must be unique, from 0 to {MAX_SEVERITY}, not {severities}"
        )
    names = [category.name for category in categories] + data["beyond"]
    if len(names) != len(set(names)):
        raise ValueError(f"{name}: names must be unique, not {names}")
    return CategorySystem(
        name=name,
        title=data["title"],
        specimens=tuple(data["specimens"]),
        categories=tuple(categories),
        cells=data["cells"],
        beyond=tuple(data["beyond"]),
        identity=hashlib.sha256(content).hexdigest(),
    )
