"""What can go wrong on the simulated scanner, said in words: `defocus=6`, `missing=5,7`."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from drivers.problem import Problem, Refusal, shown

REGION_DEFOCUS_UM = 8.0
"""How far a blurred region lies out of focus."""


@dataclass(frozen=True, slots=True)
class Faults:
    """The faults of one scan; the default has none."""

    defocus_um: float = 0.0
    """The whole slide lies so far out of focus."""
    blurred: float = 0.0
    """Radius of a disc out of focus in the middle of the planned ground, as a share of the
    ground's shorter side."""
    blank: float = 0.0
    """Radius, in the same way, of a disc where nothing lies."""
    missing: frozenset[int] = field(default=frozenset())
    """Fields that are never sent, nor spoken of."""
    skipped: frozenset[int] = field(default=frozenset())
    """Fields that are given up."""
    frozen: frozenset[int] = field(default=frozenset())
    """Fields in which the camera repeats the picture of the field before them."""
    light: float = 1.0
    """The lamp's brightness: 1.6 overexposes, 0.25 underexposes."""
    manifest_is_wrong: bool = False
    """The last field is not sent, and the manifest claims that it was."""


def _measure(text: str) -> float:
    value = float(text)
    if not (math.isfinite(value) and value >= 0):
        raise ValueError
    return value


def _fields(text: str) -> frozenset[int]:
    """`3`, `3,7` or `3-9`."""
    numbers: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        numbers.update(range(int(first), int(last or first) + 1))
    return frozenset(numbers)


_SAID: dict[str, tuple[str, Callable[[Faults, str], Faults]]] = {
    "defocus": ("UM", lambda faults, text: replace(faults, defocus_um=_measure(text))),
    "blurred": ("SHARE", lambda faults, text: replace(faults, blurred=_measure(text))),
    "blank": ("SHARE", lambda faults, text: replace(faults, blank=_measure(text))),
    "missing": ("FIELDS", lambda faults, text: replace(faults, missing=_fields(text))),
    "skipped": ("FIELDS", lambda faults, text: replace(faults, skipped=_fields(text))),
    "frozen": ("FIELDS", lambda faults, text: replace(faults, frozen=_fields(text))),
    "light": ("FACTOR", lambda faults, text: replace(faults, light=_measure(text))),
}
FAULTS_HELP = ", ".join([*(f"{name}={what}" for name, (what, _) in _SAID.items()), "manifest"])


def faults_of(said: list[str], faults: Faults | None = None) -> Faults:
    """The faults that a command line asks for, beside those that are there already.

    Raises:
        Refusal: One of them is not understood.
    """
    faults = faults or Faults()
    for one in said:
        name, _, text = one.partition("=")
        try:
            if one == "manifest":
                faults = replace(faults, manifest_is_wrong=True)
            else:
                faults = _SAID[name][1](faults, text)
        except (KeyError, ValueError):
            problem = "is no fault that can be made"
            remedy = f"Give one of {FAULTS_HELP}"
            raise Refusal(Problem("fault", shown(one), problem, remedy)) from None
    return faults
