"""Drivers that send on though the window is full: shut out for a while, each time for longer."""

from collections import Counter
from dataclasses import dataclass, field

OVERRUNS = 50
"""Refusals for the window in a second that no driver comes to which counts, or waits 250 ms."""
SHUT_S, LONGEST_S = 10.0, 640.0


@dataclass(slots=True)
class Floods:
    """Who overran how often, and who is shut out."""

    _since_s: float = 0.0
    _overruns: Counter[str] = field(default_factory=Counter)
    """By driver, in this second."""
    _times: Counter[str] = field(default_factory=Counter)
    """How often a driver was shut out."""
    _until_s: dict[str, float] = field(default_factory=dict)
    _peers: dict[bytes, float] = field(default_factory=dict)

    def overran(self, driver: str, peer: bytes, now_s: float) -> bool:
        """Note an image beyond the window; whether its driver is shut out for it."""
        if now_s - self._since_s >= 1:
            self._overruns.clear()
            self._since_s = now_s
        self._overruns[driver] += 1
        if self._overruns[driver] <= OVERRUNS:
            return False
        del self._overruns[driver]
        until_s = now_s + min(LONGEST_S, SHUT_S * 2 ** self._times[driver])
        self._times[driver] = min(10, self._times[driver] + 1)
        self._peers = {known: end_s for known, end_s in self._peers.items() if end_s > now_s}
        self._until_s[driver] = self._peers[peer] = until_s
        return True

    def is_shut(self, driver: str, now_s: float) -> bool:
        """Whether a driver is not let in now."""
        return self._until_s.get(driver, 0.0) > now_s

    def drops(self, peer: bytes, now_s: float) -> bool:
        """Whether what comes on a connection is dropped unread."""
        return bool(self._peers) and self._peers.get(peer, 0.0) > now_s
