"""A real daemon under a service manager that a test plays, with threads that can be frozen."""

import contextlib
import ctypes
import errno
import json
import os
import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.edge.daemon.rig import Rig

_SEIZE, _INTERRUPT, _WALL = 0x4206, 0x4207, 0x40000000
"""Source: ptrace(2), wait(2)."""

_LAUNCHED = """
import json, os, pathlib, sys, threading, time
file = sys.argv.pop()
def tell():
    found = {}
    while not {"engine", "writer", "look-0"} <= found.keys():
        time.sleep(0.01)
        found = {t.name: t.native_id for t in threading.enumerate() if t.native_id}
    pathlib.Path(file + ".new").write_text(json.dumps(found))
    os.rename(file + ".new", file)
threading.Thread(target=tell, daemon=True).start()
from edge.cli import main
main()
"""
"""The daemon as it is; only its threads' numbers are written down, as `/proc` names them."""


class Manager:
    """A service manager's socket, and what it heard."""

    def __init__(self, folder: Path, *, is_abstract: bool = False) -> None:
        self.name = f"@cytoedge-{os.getpid()}-{folder.name}" if is_abstract else f"{folder}/notify"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + self.name[1:] if is_abstract else self.name)
        self.heard: list[str] = []
        self._waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._receive, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RD)
        self._thread.join(5)
        self._socket.close()

    def _receive(self) -> None:
        while message := self._socket.recv(4096):
            self._waiting.put(message.decode())

    def hear(self, timeout_s: float) -> str:
        """The next message; empty where none came."""
        try:
            self.heard.append(self._waiting.get(timeout=timeout_s))
        except queue.Empty:
            return ""
        return self.heard[-1]

    def hear_until(self, holds: Callable[[str], bool]) -> str:
        until_s = time.monotonic() + 60
        while time.monotonic() < until_s:
            if holds(said := self.hear(1)):
                return said
        raise AssertionError(f"never said: {self.heard[-20:]}")


@dataclass
class Watched(Rig):
    """A rig whose daemon is watched."""

    frozen: list[int] = field(default_factory=list)

    def start_watched(self, manager: Manager, watchdog_s: float) -> "Watched":
        self.threads_file = self.folder / "threads"
        arguments = ["run", "--settings", str(self.place.file), str(self.threads_file)]
        told = {"NOTIFY_SOCKET": manager.name, "WATCHDOG_USEC": str(round(watchdog_s * 1e6))}
        with (self.folder / "daemon.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", _LAUNCHED, *arguments], stderr=log, env=os.environ | told
            )
        return self

    def freeze(self, name: str) -> None:
        """Stop one thread of the daemon, as a disk or a driver that never answers would."""
        until_s = time.monotonic() + 30
        while not self.threads_file.exists() and time.monotonic() < until_s:
            threading.Event().wait(0.01)
        tid = json.loads(self.threads_file.read_text())[name]
        library = ctypes.CDLL(None, use_errno=True)
        library.ptrace.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
        library.ptrace.restype = ctypes.c_long
        for request in (_SEIZE, _INTERRUPT):
            if library.ptrace(request, tid, None, None) != 0:
                if ctypes.get_errno() in (errno.EPERM, errno.ENOSYS):
                    pytest.skip("this machine lets no process stop another's threads (ptrace)")
                raise OSError(ctypes.get_errno(), f"ptrace of {name}")
        os.waitpid(tid, _WALL)
        self.frozen.append(tid)

    def kill(self) -> None:
        """Kill it; a thread that was frozen is only gone once its freezer took note."""
        assert self.process is not None
        self.process.kill()
        for tid in self.frozen:
            if tid != self.process.pid:
                os.waitpid(tid, _WALL)
        self.frozen.clear()
        self.process.wait()


@contextlib.contextmanager
def watched(
    folder: Path, watchdog_s: float, **changed: object
) -> Iterator[tuple[Watched, Manager]]:
    manager = Manager(folder)
    rig = Watched(folder, {"engine": "idle", **changed}).start_watched(manager, watchdog_s)
    try:
        yield rig, manager
    finally:
        rig.kill()
        manager.close()
