"""What the daemon tells whoever listens: numbered events, alerts, progress."""

import math
import time
from collections import defaultdict
from typing import Any

import zmq

from drivers.scanner import codec
from drivers.scanner.messages import Event
from drivers.scanner.words import EventKind
from edge.daemon.sockets import Socket
from edge.health import Alert, Alerts, Severity
from edge.intake.book import Book
from edge.intake.desk import Desk

SLOW_AFTER_S = 10.0
"""A window that stays full so long, give or take, is no burst: the engine is the slower one."""
SLOW = "engine_is_slow"


class Publisher:
    """The only user of the events socket. It may drop: a snapshot over `ask` closes every gap."""

    def __init__(self, socket: Socket, boot: str) -> None:
        self._socket, self._boot, self._seq = socket, boot, 0
        socket.setsockopt(zmq.XPUB_VERBOSER, 1)  # every subscription is heard, not the first alone
        self.alerts = Alerts()
        self._listeners = 0
        self._waited_s: defaultdict[str, float] = defaultdict(float)
        self._told: dict[str, dict[str, Any]] = {}
        self._full = 0.0
        """How much of the last `SLOW_AFTER_S` the window was full, 0 to 1, smoothed."""

    def hear(self) -> None:
        """Take a subscription, or its end. The socket must have one."""
        self._listeners += {b"\x01": 1, b"\x00": -1}.get(self._socket.recv_multipart()[0][:1], 0)

    def publish(self, kind: EventKind, slide: str | None, body: dict[str, Any]) -> None:
        """Send one event. It has its number also where nobody listens."""
        self._seq += 1
        if not self._listeners:
            return
        event = Event(kind=kind, slide=slide, boot=self._boot, seq=self._seq, body=body)
        self._socket.send_multipart(codec.encode_event(event), zmq.NOBLOCK)

    def rise(self, alert: Alert) -> None:
        """Tell of an alert, once."""
        if self.alerts.rise(alert):
            self.publish(EventKind.HEALTH, None, alert.body())

    def count_waiting(self, desk: Desk, passed_s: float) -> None:
        """Note the time in which a scanner had to wait for us: the window was full."""
        is_full = bool(desk.books) and desk.in_hand >= desk.window().fields
        self._full += (is_full - self._full) * -math.expm1(-passed_s / SLOW_AFTER_S)
        if is_full:
            for book in desk.books.values():
                self._waited_s[book.slide] += passed_s
        if self.engine_is_slow:
            self.rise(_slow(desk.readiness.fields_per_1000_s))
        else:
            self.alerts.fall(SLOW)

    @property
    def engine_is_slow(self) -> bool:
        """Whether scanners wait for the engine, most of the time."""
        return self._full > 0.5

    def progress(self, book: Book) -> dict[str, Any]:
        """How far a slide is."""
        return {
            "slide": book.slide,
            "driver": book.driver,
            "state": book.state.value,
            "planned": sum(planned.planes for planned in book.plan.fields),
            "committed": sum(held.outcome is not None for held in book.images.values()),
            "skipped": len(book.skipped),
            "withdrawn": len(book.withdrawn),
            "waited_ms": round(1000 * self._waited_s[book.slide]),
            "engine_is_slow": self.engine_is_slow,
        }

    def tell_progress(self, desk: Desk) -> None:
        """Tell of every slide that went on."""
        for book in desk.books.values():
            progress = self.progress(book)
            if self._told.get(book.slide) != progress:
                self._told[book.slide] = progress
                self.publish(EventKind.PROGRESS, book.slide, progress)
        for slide in self._told.keys() - desk.books.keys():
            del self._told[slide]
            self._waited_s.pop(slide, None)


def _slow(fields_per_1000_s: int) -> Alert:
    rate = f"{fields_per_1000_s / 1000:.1f} fields a second"
    text = f"The scanner waits for the engine, which judges {rate}."
    remedy = "Nothing is lost. For speed: a GPU, or more `engine_threads`; see `engines bench`."
    return Alert(SLOW, Severity.WARNING, text, remedy, time.time_ns() // 1000)
