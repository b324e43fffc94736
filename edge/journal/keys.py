"""The daemon's own CURVE key and the list of those that it lets in: files of the state folder."""

import os
from pathlib import Path

import zmq
import zmq.auth

from drivers.problem import Problem, Refusal
from edge.intake import allowed
from edge.intake.allowed import Allowed
from edge.journal.durable import StoreFault, write_file

SECRET, LIST = "curve.key", "allowed-keys"


def daemon_pair(state_dir: Path) -> tuple[bytes, bytes]:
    """The daemon's public and secret key in Z85; made when they are first asked for.

    Raises:
        StoreFault: The file cannot be read or written, or holds no key.
    """
    path = state_dir / SECRET
    try:
        if not path.exists():
            _, secret = zmq.curve_keypair()
            write_file(path, secret, 0o600)
            _give_to_owner(path)
        secret = path.read_bytes()
        return zmq.curve_public(secret), secret
    except (OSError, ValueError) as error:
        raise StoreFault(f"{path}: {error}") from error


def read_allowed(state_dir: Path) -> Allowed:
    """Who is let in; nobody where there is no list.

    Raises:
        Refusal: The list cannot be read.
    """
    path = state_dir / LIST
    try:
        return allowed.read(path.read_text())
    except FileNotFoundError:
        return Allowed({})
    except (OSError, UnicodeDecodeError) as error:
        raise Refusal(Problem("allowed-keys", str(path), str(error), "Mend the file")) from error


def write_allowed(state_dir: Path, known: Allowed) -> None:
    """Put the list in the place of the one before.

    Raises:
        StoreFault: The disk failed.
    """
    write_file(state_dir / LIST, known.text().encode())
    _give_to_owner(state_dir / LIST)


def age_ns(state_dir: Path) -> tuple[int, int]:
    """Another value whenever the list is another one."""
    try:
        found = (state_dir / LIST).stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_ino


def _give_to_owner(path: Path) -> None:
    """What an administrator writes must be the service's to read."""
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.chown(path, owner.st_uid, owner.st_gid)
