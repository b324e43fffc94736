"""A daemon of a command's own: a real process, with a state folder of its own."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from edge.settings import Endpoints, Settings, load

END_S = 30


@dataclass(frozen=True, slots=True)
class Place:
    """A folder for a daemon: state, sockets, settings and log."""

    settings: Settings
    file: Path
    """Its settings file."""
    log: Path


def place(folder: Path, **changed: str | int | list[str]) -> Place:
    """Make a folder ready.

    Args:
        folder: An absolute path, short enough for sockets.
        changed: Settings that are not the defaults.

    Raises:
        Refusal: Those settings are wrong.
    """
    sockets = {key: f"ipc://{folder}/{key}.socket" for key in Endpoints.model_fields}
    lines = [f"{key} = {value!r}" for key, value in changed.items()]
    if "state_dir" not in changed:
        lines.append(f"state_dir = {str(folder / 'state')!r}")
    lines += ["[endpoints]", *(f"{key} = {where!r}" for key, where in sockets.items())]
    file = folder / "cytoedge.toml"
    file.write_text("\n".join(lines) + "\n")
    return Place(load(file), file, folder / "daemon.log")


def launch(where: Place) -> "subprocess.Popen[bytes]":
    """Start a daemon there."""
    command = [sys.executable, "-m", "edge.cli", "run", "--settings", str(where.file)]
    with where.log.open("ab") as log:
        return subprocess.Popen(command, stderr=log)  # noqa: S603  # this program itself


@contextmanager
def own_console(file: Path, port: int) -> Iterator[str]:
    """Run a console beside a daemon while the context lasts: what it says when it serves.

    Args:
        file: The daemon's settings.
        port: Where; 0 is any.
    """
    command = [sys.executable, "-m", "edge.cli", "console", "--settings", str(file)]
    command += ["--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603  # this program itself
    assert process.stdout is not None  # noqa: S101  # it is a pipe
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait(END_S)
        process.stdout.close()


@contextmanager
def own_daemon(folder: Path, **changed: str | int) -> Iterator[tuple[Settings, int]]:
    """Run a daemon while the context lasts: its settings, and its process."""
    where = place(folder, **changed)
    process = launch(where)
    try:
        yield where.settings, process.pid
    finally:
        process.terminate()
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
