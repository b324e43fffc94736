"""Who was turned away: told to people, and to the chain in few entries however many there were."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

log = logging.getLogger(__name__)

STRANGER_REFUSED = "stranger_refused"
AGAIN_S = 60.0
"""The same kind of stranger gets one entry in so long: an entry is for ever, and costs an fsync."""
Audit = Callable[[str, str, Mapping[str, str | int]], None]


@dataclass(slots=True)
class _Kind:
    told_s: float
    untold: int = 0
    peer: str = ""


@dataclass(slots=True)
class Strangers:
    """Counts who was refused, by socket, reason and name. The names are those of the list."""

    audit: Audit
    tell: Callable[[str], None]
    """People, in words."""
    counts: Counter[str]
    _kinds: dict[tuple[str, str, str], _Kind] = field(default_factory=dict)

    def refused(
        self,
        socket: str,
        reason: str,
        now_s: float,
        *,
        name: str = "",
        peer: str = "",
        times: int = 1,
    ) -> None:
        """Note one, or several of a kind.

        Args:
            socket: At which door.
            reason: Why, one word.
            now_s: Monotonic time.
            name: Who it is, where its key is known.
            peer: Its key or address, as far as it is known.
            times: How many.
        """
        self.counts[f"{socket}_{reason}"] += times
        key = (socket, reason, name)
        kind = self._kinds.setdefault(key, _Kind(now_s - AGAIN_S))
        kind.untold += times
        kind.peer = peer
        if now_s - kind.told_s >= AGAIN_S:
            self._enter(key, kind, now_s)

    def tell_due(self, now_s: float) -> None:
        """Enter what came since, where it is time."""
        for key, kind in self._untold():
            if now_s - kind.told_s >= AGAIN_S:
                self._enter(key, kind, now_s)

    def tell_all(self, now_s: float) -> None:
        """Enter all that came since: the daemon ends."""
        for key, kind in self._untold():
            self._enter(key, kind, now_s)

    def _untold(self) -> Iterator[tuple[tuple[str, str, str], _Kind]]:
        return ((key, kind) for key, kind in self._kinds.items() if kind.untold)

    def _enter(self, key: tuple[str, str, str], kind: _Kind, now_s: float) -> None:
        socket, reason, name = key
        log.warning("%d refused at %s: %s %s %s", kind.untold, socket, reason, name, kind.peer)
        what: dict[str, str | int] = {
            "socket": socket,
            "reason": reason,
            "peer": kind.peer,
            "times": kind.untold,
        }
        self.audit(STRANGER_REFUSED, name or "unknown", what)
        self.tell(
            f"{name or 'Somebody unknown'} was refused at {socket}: {reason} {kind.peer}".strip()
        )
        kind.told_s, kind.untold = now_s, 0
