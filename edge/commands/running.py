"""`cytoedge run`: the daemon."""

import faulthandler
import fcntl
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import typer

from drivers.problem import Problem, Refusal
from edge.commands.common import FAULT, SettingsFile, refusals, settings_of
from edge.daemon import memory

log = logging.getLogger(__name__)

MISTAKE = 70
"""Exit status after a mistake of ours. Source: EX_SOFTWARE in sysexits.h."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(run)


def run(settings: SettingsFile = None) -> None:
    """Run the daemon until it is asked to end (SIGTERM, Ctrl-C)."""
    _log_as_json()
    faulthandler.enable()  # The watchdog's SIGABRT then tells where each thread was.
    cv2.setNumThreads(1)  # Fields are many: each thread of ours takes one.
    with refusals():
        chosen = settings_of(settings)
        memory.keep(chosen.window.bytes)
        with only_one(chosen.state_dir):
            # Here, so that a refusal of the settings does not wait for the libraries.
            from edge.daemon.serve import Daemon
            from edge.journal.durable import StoreFault

            try:
                daemon = Daemon(chosen)
            except StoreFault as fault:
                log.critical("the journal cannot be opened: %s", fault)
                raise typer.Exit(FAULT) from None
            threading.excepthook = _die
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, daemon.end)
            try:
                daemon.run()
            except StoreFault as fault:  # an orderly end would write what the disk has refused
                log.critical("ending, to read what is on the disk: %s", fault)
                os._exit(FAULT)
            except Exception:  # the sockets' thread is one of them
                log.critical("the sockets' thread made a mistake", exc_info=True)
                os._exit(MISTAKE)


def _die(mistake: threading.ExceptHookArgs) -> None:
    """A thread's mistake ends the process: half a daemon would be silent for ever.

    What was committed is kept; the service manager starts it again; what was in hand is suspect.
    """
    thread = mistake.thread.name if mistake.thread else "a thread"
    trace = (mistake.exc_type, mistake.exc_value, mistake.exc_traceback)
    log.critical("%s made a mistake", thread, exc_info=trace)  # type: ignore[arg-type]
    os._exit(MISTAKE)


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "at": self.formatTime(record),
            "level": record.levelname.lower(),
            "where": record.name,
            "text": record.getMessage(),
        }
        if record.exc_info:
            entry["trace"] = self.formatException(record.exc_info)
        return json.dumps(entry)


def _log_as_json() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


@contextmanager
def only_one(state_dir: Path) -> Iterator[None]:
    """A second daemon on one state folder would steal the sockets in silence."""
    try:
        state_dir.mkdir(parents=True, exist_ok=True)
        file = (state_dir / "lock").open("w")
    except OSError as error:
        remedy = "Name a folder that the daemon may write"
        raise Refusal(Problem("state_dir", str(state_dir), str(error), remedy)) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            problem = "another daemon runs on it"
            raise Refusal(
                Problem("state_dir", str(state_dir), problem, "End that one, or name another")
            ) from None
        yield
