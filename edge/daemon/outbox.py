"""How other threads hand results to the one that owns the sockets: a queue, and a bell."""

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import zmq

from drivers.scanner.words import EventKind
from edge.health import Alert
from edge.intake.desk import Desk
from edge.intake.effects import Effect, Reply

BELL = "inproc://bell"


@dataclass(frozen=True, slots=True)
class Publish:
    """Tell whoever listens."""

    kind: EventKind
    slide: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Raise:
    """Something that a person should know."""

    alert: Alert


News: TypeAlias = Callable[[Desk], Iterator[Effect]] | Publish | Raise | Reply
"""A change of what the intake knows, with its effects; an event; an alert; or a tool's answer."""


class Outbox:
    """Bounded by the window: there is at most one piece of news for each thing in hand."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]]) -> None:
        self._context = context
        self._news: queue.SimpleQueue[News] = queue.SimpleQueue()
        self._local = threading.local()

    def put(self, *news: News) -> None:
        """Hand news over, from any thread."""
        for each in news:
            self._news.put(each)
        self._bell().send(b"", zmq.NOBLOCK)

    def take(self) -> Iterator[News]:
        """What has come, for the socket's thread."""
        while True:
            try:
                yield self._news.get_nowait()
            except queue.Empty:
                return

    def close(self) -> None:
        """Close this thread's end of the bell."""
        self._bell().close(0)

    def _bell(self) -> zmq.Socket[bytes]:
        bell: zmq.Socket[bytes] | None = getattr(self._local, "bell", None)
        if bell is None:
            bell = self._context.socket(zmq.PUSH)
            bell.set_hwm(0)
            bell.connect(BELL)
            self._local.bell = bell
        return bell
