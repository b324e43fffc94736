"""What can go wrong on the simulated scanner, said in words: `defocus=6`, `missing=5,7`."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final, get_args

from drivers.problem import Problem, Refusal, shown
from drivers.scanner.words import RequestKind

REGION_DEFOCUS_UM = 8.0
"""How far a blurred region, or an unfocused field, lies out of focus."""
SUCCEEDS: Final = 0.7
"""How often a field that was not in focus is, when it is asked for again."""
MANNERS: Final = ("none", "obey", "worse", "refuse", "ignore")
"""How a scanner takes the daemon's requests: it takes none; does them; does them, and what fails is
further out of focus than before; refuses them; says nothing."""


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
    unfocused: frozenset[int] = field(default=frozenset())
    """Fields whose first capture is out of focus; a later one is in focus `SUCCEEDS` often."""
    requests: str = "none"
    """One of `MANNERS`."""
    light: float = 1.0
    """The lamp's brightness: 1.6 overexposes, 0.25 underexposes."""
    manifest_is_wrong: bool = False
    """The last field is not sent, and the manifest claims that it was."""

    @property
    def takes(self) -> tuple[RequestKind, ...]:
        """What the daemon may ask this scanner for."""
        return () if self.requests == "none" else get_args(RequestKind)


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


def _manner(text: str) -> str:
    if text not in MANNERS:
        raise ValueError
    return text


_SAID: dict[str, tuple[str, Callable[[Faults, str], Faults]]] = {
    "defocus": ("UM", lambda faults, text: replace(faults, defocus_um=_measure(text))),
    "blurred": ("SHARE", lambda faults, text: replace(faults, blurred=_measure(text))),
    "blank": ("SHARE", lambda faults, text: replace(faults, blank=_measure(text))),
    "missing": ("FIELDS", lambda faults, text: replace(faults, missing=_fields(text))),
    "skipped": ("FIELDS", lambda faults, text: replace(faults, skipped=_fields(text))),
    "frozen": ("FIELDS", lambda faults, text: replace(faults, frozen=_fields(text))),
    "unfocused": ("FIELDS", lambda faults, text: replace(faults, unfocused=_fields(text))),
    "requests": ("/".join(MANNERS), lambda faults, text: replace(faults, requests=_manner(text))),
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
