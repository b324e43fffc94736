"""A real daemon process, started, killed and started again; and small slides to send it."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from drivers.problem import Refusal
from drivers.scanner.link import ScannerLink
from drivers.scanner.words import PixelFormat
from drivers.sources.camera import Camera
from drivers.sources.faults import Faults
from drivers.sources.scanner import Pace, Scan, scan_slide, start
from drivers.sources.simulated.render import Options, SimulatedSlide
from drivers.sources.simulated.specimen import Contents
from drivers.sources.source import Source
from edge.commands.common import Tools, What
from edge.commands.own_daemon import Place, launch, place

SMALL = Camera(width_px=512, height_px=512, format=PixelFormat.BAYER_RG8)
AT_ONCE = Pace(fields_per_s=0)


@dataclass
class Rig:
    """One state folder; at most one daemon at a time."""

    folder: Path
    changed: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def place(self) -> Place:
        return place(self.folder, **self.changed)

    @property
    def drivers(self) -> str:
        return f"ipc://{self.folder}/drivers.socket"

    @property
    def tools(self) -> str:
        return f"ipc://{self.folder}/tools.socket"

    @property
    def events(self) -> str:
        return f"ipc://{self.folder}/events.socket"

    def start(self) -> "Rig":
        before = dict(os.environ)
        os.environ.update(self.environment)
        try:
            self.process = launch(self.place)
        finally:
            os.environ.clear()
            os.environ.update(before)
        return self

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def end(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(60)

    def ask(self, what: What, slide: str | None = None) -> dict[str, Any]:
        with Tools(self.tools) as tools:
            return tools.ask(what, slide, timeout_ms=30_000)

    def wait_until(
        self, holds: Callable[[dict[str, Any]], bool], timeout_s: float = 60
    ) -> dict[str, Any]:
        """Ask for the status until it is as wanted."""
        until_s = time.monotonic() + timeout_s
        while time.monotonic() < until_s:
            try:
                status = self.ask("status")
            except Refusal:
                continue
            if holds(status):
                return status
            assert self.is_alive, self.log
        raise AssertionError(f"never came: {self.log}")

    def wait_ready(self) -> dict[str, Any]:
        return self.wait_until(lambda status: bool(status["ready"]))

    @property
    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def log(self) -> str:
        return (self.folder / "daemon.log").read_text()[-4_000:]

    def scan(self, source: Source, faults: Faults | None = None, driver: str = "sim") -> Scan:
        """Send a whole slide as fast as it is taken."""
        scan, faults = start(source.facts), faults or Faults()
        with ScannerLink(self.drivers, driver, on_answer=scan.hear, takes=faults.takes) as link:
            scan_slide(link, source, scan, pace=AT_ONCE, faults=faults, on_progress=_nothing)
        return scan


def _nothing(scan: Scan) -> None:
    del scan


def slide(
    fields: int = 36, seed: int = 3, contents: Contents | None = None, **options: Any
) -> SimulatedSlide:
    """A small simulated slide, dense enough to be adequate for its size."""
    return SimulatedSlide(
        Options(seed=seed, fields=fields, camera=SMALL, contents=contents or Contents(), **options)
    )
