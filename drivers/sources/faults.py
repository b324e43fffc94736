"""What can go wrong on the simulated scanner, said in words: `defocus=6`, `missing=5,7`."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from drivers.problem import Problem, Refusal, shown


@dataclass(frozen=True, slots=True)
class Region:
    """A disc on the glass, its middle and reach as shares of the planned ground's shorter side."""

    reach: float
    """Its radius. The disc lies in the middle of the planned ground."""
    defocus_um: float = 8.0


@dataclass(frozen=True, slots=True)
class Faults:
    """The faults of one scan; the default has none."""

    defocus_um: float = 0.0
    """The whole slide lies so far out of focus."""
    blurred: Region | None = None
    """A region that lies out of focus."""
    blank: Region | None = None
    """A region where nothing lies."""
    missing: frozenset[int] = field(default=frozenset())
    """Fields that are never sent, nor spoken of."""
    skipped: frozenset[int] = field(default=frozenset())
    """Fields that are given up."""
    frozen: frozenset[int] = field(default=frozenset())
    """Fields in which the camera repeats the picture of the field before them."""
    light: float = 1.0
    """The lamp's brightness: 1.6 overexposes, 0.25 underexposes."""
    manifest_is_wrong: bool = False
    """The manifest claims a capture that was never sent."""


def _number(text: str) -> float:
    return float(text)


def _fields(text: str) -> frozenset[int]:
    """`3`, `3,7` or `3-9`."""
    numbers: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        numbers.update(range(int(first), int(last or first) + 1))
    return frozenset(numbers)


_SAID: dict[str, tuple[str, Callable[[Faults, str], Faults]]] = {
    "defocus": ("UM", lambda faults, text: replace(faults, defocus_um=_number(text))),
    "blurred": ("SHARE", lambda faults, text: replace(faults, blurred=Region(_number(text)))),
    "blank": ("SHARE", lambda faults, text: replace(faults, blank=Region(_number(text)))),
    "missing": ("FIELDS", lambda faults, text: replace(faults, missing=_fields(text))),
    "skipped": ("FIELDS", lambda faults, text: replace(faults, skipped=_fields(text))),
    "frozen": ("FIELDS", lambda faults, text: replace(faults, frozen=_fields(text))),
    "light": ("FACTOR", lambda faults, text: replace(faults, light=_number(text))),
}
FAULTS_HELP = ", ".join([*(f"{name}={what}" for name, (what, _) in _SAID.items()), "manifest"])


def faults_of(said: list[str]) -> Faults:
    """The faults that a command line asks for.

    Raises:
        Refusal: One of them is not understood.
    """
    faults = Faults()
    for one in said:
        name, _, text = one.partition("=")
        try:
            if name == "manifest" and not text:
                faults = replace(faults, manifest_is_wrong=True)
            else:
                faults = _SAID[name][1](faults, text)
        except (KeyError, ValueError):
            problem = Problem(
                "fault", shown(one), "is no fault that we can make", f"Give one of {FAULTS_HELP}"
            )
            raise Refusal(problem) from None
    return faults
