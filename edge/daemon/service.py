"""What the service manager is told: ready, alive, ending. A stuck daemon is not called alive.

The sockets' thread tells it, so that its own limit is the manager's (`WatchdogSec=`).
Source: sd_notify(3), sd_watchdog_enabled(3).
"""

import logging
import os
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edge.daemon.tasks import Tasks
from edge.settings import Endpoints

log = logging.getLogger(__name__)

FEEDS = 4
"""Times that the manager is told within its limit: three may be late."""
LOOK_S = 1.0
"""The threads are looked at so often where the manager does not want to know more often."""


class Service:
    """The daemon, as its manager sees it. Does nothing where there is no manager."""

    def __init__(
        self,
        environment: Mapping[str, str],
        threads: Sequence[Tasks[Any]],
        endpoints: Endpoints,
    ) -> None:
        """Take note of the threads, and of the sockets as they are bound now."""
        self._address = address(environment.get("NOTIFY_SOCKET", ""))
        self.interval_s = interval_s(environment)
        self._threads = threads
        named = [Path(str(where)[6:]) for _, where in endpoints if str(where).startswith("ipc://")]
        self._files = {path: _file_at(path) for path in named}
        self._looked_s = float("-inf")
        self._is_ready = self._is_stuck = False
        self._status = ""

    def tend(self, now_s: float, *, is_taking: bool, status: str) -> None:
        """Tell what is due. Called at every turn of the sockets' thread.

        Args:
            now_s: By the monotonic clock.
            is_taking: Whether a field would be taken now. The first time, the daemon is ready.
            status: What it does, for people.
        """
        is_new = is_taking and not self._is_ready
        if now_s - self._looked_s < self.interval_s and not is_new:
            return
        self._looked_s = now_s
        stuck = self.stuck(now_s)
        lines = [] if stuck else ["WATCHDOG=1"]
        if is_new and not stuck:
            lines.append("READY=1")
        if stuck and not self._is_stuck:
            log.critical("stuck: %s; the service manager starts the daemon again", stuck)
            lines.append(f"STATUS=stuck: {stuck}")
        elif not stuck and (status != self._status or self._is_stuck):
            lines.append(f"STATUS={status}")
        if self._tell(lines):
            self._status, self._is_stuck = status, bool(stuck)
            self._is_ready = self._is_ready or "READY=1" in lines

    def stuck(self, now_s: float) -> str:
        """What keeps the daemon from being alive, in words; empty where nothing does."""
        for tasks in self._threads:
            age_s = tasks.age_s(now_s)
            if age_s > tasks.limit_s:
                return f"{tasks.name} has had work for {age_s:.1f} s without a step"
        for path, file in self._files.items():
            if _file_at(path) != file:
                return f"{path} is not this daemon's socket any more"
        return ""

    def end(self) -> None:
        """Tell that the orderly end has begun."""
        self._tell(["STOPPING=1"])

    def _tell(self, lines: Sequence[str]) -> bool:
        """Tell the manager, where there is one; whether that is done."""
        if not self._address or not lines:
            return True
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
                manager.setblocking(False)
                manager.sendto("\n".join(lines).encode(), self._address)
        except OSError as error:  # A manager that does not hear ends us; there is nobody to tell.
            log.warning("the service manager cannot be told %s: %s", lines, error)
            return False
        return True


def address(named: str) -> str:
    """A NOTIFY_SOCKET's address: `/path`, or `@name` of an abstract one; empty where none is."""
    return "\0" + named[1:] if named.startswith("@") else named


def interval_s(environment: Mapping[str, str]) -> float:
    """Seconds between two looks at the threads, and two signs of life."""
    limit_us = environment.get("WATCHDOG_USEC", "")
    is_ours = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    if not is_ours or not limit_us.isdecimal() or not int(limit_us):
        return LOOK_S
    return min(LOOK_S, int(limit_us) / 1e6 / FEEDS)


def _file_at(path: Path) -> tuple[int, int] | None:
    """A file's number, and when it was made: numbers of deleted files are given again."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns
