"""A daemon of a command's own: a real process, with a state folder of its own."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from edge.settings import Endpoints, Settings

END_S = 30


@dataclass(frozen=True, slots=True)
class OwnDaemon:
    """A running daemon."""

    settings: Settings
    file: Path
    """Its settings file."""
    pid: int


@contextmanager
def own_daemon(folder: Path, **changed: str | int) -> Iterator[OwnDaemon]:
    """Run a daemon while the context lasts.

    Args:
        folder: Where its state, sockets, settings and log will be.
        changed: Settings that are not the defaults.
    """
    sockets = {key: f"ipc://{folder}/{key}.socket" for key in Endpoints.model_fields}
    lines = [f"state_dir = {str(folder / 'state')!r}"]
    lines += [f"{key} = {value!r}" for key, value in changed.items()]
    lines += ["[endpoints]", *(f"{key} = {where!r}" for key, where in sockets.items())]
    file = folder / "cytoedge.toml"
    file.write_text("\n".join(lines) + "\n")
    command = [sys.executable, "-m", "edge.cli", "run", "--settings", str(file)]
    with (folder / "daemon.log").open("ab") as log:
        process = subprocess.Popen(command, stderr=log)  # noqa: S603  # this program itself
    settings = Settings(state_dir=folder / "state", endpoints=Endpoints(**sockets))
    try:
        yield OwnDaemon(settings, file, process.pid)
    finally:
        process.terminate()
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
