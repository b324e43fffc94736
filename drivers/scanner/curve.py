"""CURVE: the keys by which a driver and the daemon know each other beyond one machine.

Source: ZeroMQ RFC 26 (CurveZMQ); key files are ZeroMQ certificates, as CZMQ and pyzmq write them.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import zmq
import zmq.auth

from drivers.problem import Problem, Refusal

KEY_CHARACTERS = 40
"""Of a key in Z85 (ZeroMQ RFC 32): 32 bytes."""


@dataclass(frozen=True, slots=True)
class Curve:
    """What a client needs: its own pair of keys and the daemon's public one, each in Z85."""

    daemon: bytes
    public: bytes
    secret: bytes

    @classmethod
    def load(cls, secret_file: Path, daemon_file: Path) -> Self:
        """From the two files that `cytoedge keys new` writes.

        Args:
            secret_file: The client's own: `NAME.key_secret`.
            daemon_file: The daemon's public key: `daemon.key`.

        Raises:
            Refusal: A file is not there, or holds no such key.
        """
        public, secret = _certificate(secret_file)
        daemon, _ = _certificate(daemon_file)
        if secret is None:
            problem = "it holds no secret key"
            raise Refusal(Problem("key", str(secret_file), problem, "Name NAME.key_secret"))
        return cls(daemon, public, secret)

    def put_on(self, socket: "zmq.Socket[bytes]") -> None:
        """Make a socket use them, before it connects."""
        socket.setsockopt(zmq.CURVE_SERVERKEY, self.daemon)
        socket.setsockopt(zmq.CURVE_PUBLICKEY, self.public)
        socket.setsockopt(zmq.CURVE_SECRETKEY, self.secret)


def is_key(text: str) -> bool:
    """Whether a text is a key in Z85."""
    try:
        return len(text) == KEY_CHARACTERS and len(zmq.utils.z85.decode(text.encode())) == 32
    except (ValueError, KeyError, UnicodeEncodeError, OverflowError):
        return False


def _certificate(file: Path) -> tuple[bytes, bytes | None]:
    try:
        public, secret = zmq.auth.load_certificate(file)
    except (OSError, ValueError) as error:
        remedy = "Name a file that `cytoedge keys new` wrote"
        raise Refusal(Problem("key", str(file), str(error), remedy)) from error
    for key in (public, secret):
        if key is not None and not is_key(key.decode(errors="replace")):
            raise Refusal(Problem("key", str(file), "it holds no key", "Make a new one"))
    return public, secret
