"""Who may come in from beyond this machine: a list of keys, one a line, as people can read it.

`ROLE NAME KEY`: the role says which sockets a key opens; a driver's name is all that it can say
`hello` as. A revoked key keeps its line, so that whoever still uses it is known.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from drivers.problem import Problem, Refusal, shown
from drivers.scanner.curve import is_key


class Role(StrEnum):
    """What a key is for."""

    DRIVER = "driver"
    """A scanner's: the drivers' socket."""
    TOOL = "tool"
    """A console's: questions and events."""
    REVOKED = "revoked"
    """Nothing any more."""


OPENS: Mapping[Role, frozenset[str]] = {
    Role.DRIVER: frozenset({"drivers"}),
    Role.TOOL: frozenset({"tools", "events"}),
    Role.REVOKED: frozenset(),
}
"""The sockets that a role opens."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Known:
    """One key of the list."""

    role: Role
    name: str
    """A driver's id, or a tool's name."""
    key: str
    """Public, in Z85."""

    def __str__(self) -> str:
        return f"{self.role} {self.name} {self.key}"


class Allowed:
    """The list. A key stands in it once; a name may have several while keys are changed."""

    def __init__(self, known: Mapping[str, Known]) -> None:
        self._known = dict(known)

    def __iter__(self) -> Iterator[Known]:
        return iter(self._known.values())

    def get(self, key: str) -> Known | None:
        """Whose key this is."""
        return self._known.get(key)

    def opens(self, key: str, socket: str) -> bool:
        """Whether a key opens `drivers`, `tools` or `events`."""
        known = self._known.get(key)
        return known is not None and socket in OPENS[known.role]

    def with_key(self, role: Role, name: str, key: str) -> "Allowed":
        """The list with one key more.

        Raises:
            Refusal: It is no key or no name, or stands in the list as another's or as revoked.
        """
        if not _NAME.fullmatch(name):
            remedy = "Use letters, digits and ._-, at most 64"
            raise Refusal(Problem("name", shown(name), "it is no name", remedy))
        if not is_key(key):
            remedy = "Give the 40 characters of `public-key` in the client's NAME.key"
            raise Refusal(Problem("key", shown(key), "it is no public key", remedy))
        known = self._known.get(key)
        if known is not None and (known.role, known.name) != (role, name):
            problem = f"it stands in the list as {known.role} {known.name}"
            raise Refusal(Problem("key", key, problem, "Make a new one: `cytoedge keys new`"))
        return Allowed(self._known | {key: Known(role, name, key)})

    def without(self, name_or_key: str) -> "Allowed":
        """The list with all of a name's keys, or one key, revoked.

        Raises:
            Refusal: Nobody in the list is called so.
        """
        found = {
            known.key: Known(Role.REVOKED, known.name, known.key)
            for known in self
            if name_or_key in (known.name, known.key) and known.role is not Role.REVOKED
        }
        if not found:
            remedy = "`cytoedge keys list` names them"
            raise Refusal(Problem("name", shown(name_or_key), "it opens nothing", remedy))
        return Allowed(self._known | found)

    def text(self) -> str:
        """As the file holds it."""
        return "".join(f"{known}\n" for known in self)


def read(text: str) -> Allowed:
    """The list from its text; empty lines are passed over.

    Raises:
        Refusal: Names the first line that is wrong.
    """
    known = Allowed({})
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        words = line.split()
        if len(words) != 3 or words[0] not in list(Role):
            remedy = "Write `driver NAME KEY`, `tool NAME KEY` or `revoked NAME KEY`"
            raise Refusal(Problem(f"line {number}", shown(line), "not a role, name, key", remedy))
        known = known.with_key(Role(words[0]), words[1], words[2])
    return known
