"""Who is connected: sessions, who lives, who was replaced."""

from dataclasses import dataclass

from drivers.scanner.states import SessionState

MAX_SESSIONS = 8
"""Bounds the memory: every session has a window."""


@dataclass(slots=True)
class Session:
    """One driver's conversation, from `hello` until `bye`, silence, or the next `hello`."""

    id: str
    peer: bytes
    driver: str
    heard_s: float
    takes: frozenset[str] = frozenset()
    """What it can be asked for."""


class Sessions:
    """All live sessions: at most `MAX_SESSIONS`, one a driver."""

    def __init__(self, silent_after_s: float) -> None:
        self._silent_after_s = silent_after_s
        self._live: dict[str, Session] = {}
        self._by_driver: dict[str, str] = {}

    def has_room_for(self, driver: str, now_s: float) -> bool:
        """Whether this driver can be let in."""
        self._forget_silent(now_s)
        return driver in self._by_driver or len(self._live) < MAX_SESSIONS

    def open(self, session: Session) -> None:
        """Let a driver in; its session so far is replaced."""
        self._live.pop(self._by_driver.get(session.driver, ""), None)
        self._live[session.id] = session
        self._by_driver[session.driver] = session.id

    def close(self, session: Session) -> None:
        """End a session."""
        if self._live.pop(session.id, None) is not None:
            del self._by_driver[session.driver]

    def state(self, session: str, peer: bytes) -> SessionState:
        """What a message that names this session comes from. A session keeps to its connection."""
        live = self._live.get(session)
        if live is None:
            return SessionState.NONE
        return SessionState.LIVE if live.peer == peer else SessionState.REPLACED

    def get(self, session: str) -> Session | None:
        """A live session."""
        return self._live.get(session)

    def of_peer(self, peer: bytes) -> Session | None:
        """The live session on a connection."""
        return next((live for live in self._live.values() if live.peer == peer), None)

    def is_heard(self, driver: str, now_s: float) -> bool:
        """Whether a driver holds a session and has spoken lately."""
        session = self._live.get(self._by_driver.get(driver, ""))
        return session is not None and now_s - session.heard_s < self._silent_after_s

    def __len__(self) -> int:
        return len(self._live)

    def _forget_silent(self, now_s: float) -> None:
        for session in list(self._live.values()):
            if not self.is_heard(session.driver, now_s):
                self.close(session)
