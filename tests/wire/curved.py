"""A daemon whose drivers' socket is tcp and asks for keys; and peers that are none of its."""

import socket
import struct
import time
from dataclasses import dataclass
from pathlib import Path

import zmq
from typer.testing import CliRunner, Result

from drivers.scanner.curve import Curve
from edge.cli import app
from edge.commands.own_daemon import Place, place
from edge.journal.central import Central
from edge.settings import load
from tests.edge.daemon.rig import Rig

V3 = b"\xff" + bytes(8) + b"\x7f\x03\x00"


def greeting(mechanism: bytes) -> bytes:
    """ZMTP 3.0's, as a client sends it."""
    return V3 + mechanism.ljust(20, b"\0") + bytes(32)


READY = b"\x05READY\x0bSocket-Type" + struct.pack(">I", 6) + b"DEALER"
OLD = {
    "ZMTP 1.0": b"\x01\x00\x08\x00rubbish",
    "ZMTP 2.0": b"\xff" + bytes(8) + b"\x7f\x01\x05\x00\x00" + b"\x00\x07rubbish",
    "rubbish": b"GET / HTTP/1.1\r\nHost: cytoedge\r\n\r\n" + bytes(64),
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Curved(Rig):
    """The rig, with `drivers` on tcp and keys."""

    port: int = 0

    @property
    def place(self) -> Place:
        made = place(self.folder, **self.changed)
        text = made.file.read_text()
        text = text.replace(super().drivers, self.drivers)
        made.file.write_text("curve = true\n" + text)
        return Place(load(made.file), made.file, made.log)

    @property
    def drivers(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    def keys(self, *arguments: str) -> Result:
        command = ["keys", *arguments, "--settings", str(self.place.file)]
        return CliRunner().invoke(app(), command)

    def new(self, name: str) -> Curve:
        """Keys of which nothing is known yet."""
        made = self.keys("new", name, "--to", str(self.folder))
        assert made.exit_code == 0, made.output
        return Curve.load(self.folder / f"{name}.key_secret", self.folder / "daemon.key")

    def allowed(self, name: str, role: str = "driver") -> Curve:
        """Keys that stand on the list."""
        curve = self.new(name)
        done = self.keys("allow", name, str(self.folder / f"{name}.key"), "--as", role)
        assert done.exit_code == 0, done.output
        return curve

    def audited(self) -> list[tuple[str, str, str]]:
        """Who was refused, at which socket, and why."""
        central = Central(self.folder / "state", read_only=True)
        found = [
            (entry.who, str(entry.body["socket"]), str(entry.body["reason"]))
            for entry in central.entries()
            if entry.kind == "stranger_refused"
        ]
        central.close()
        return found


def make(folder: Path) -> Curved:
    (folder / "state").mkdir()
    return Curved(folder, {"engine": "idle"}, port=free_port())


def dealer(
    context: "zmq.Context[zmq.Socket[bytes]]", endpoint: str, curve: Curve | None
) -> "zmq.Socket[bytes]":
    made = context.socket(zmq.DEALER)
    made.setsockopt(zmq.LINGER, 0)
    if curve is not None:
        curve.put_on(made)
    made.connect(endpoint)
    return made


def raw(rig: Rig) -> socket.socket:
    """A connection that says nothing yet."""
    if rig.drivers.startswith("ipc://"):
        peer = socket.socket(socket.AF_UNIX)
        peer.settimeout(10)
        while True:
            try:
                peer.connect(rig.drivers.removeprefix("ipc://"))
            except BlockingIOError:  # so many wait already as may
                time.sleep(0.01)
            else:
                return peer
    host, _, port = rig.drivers.removeprefix("tcp://").rpartition(":")
    return socket.create_connection((host, int(port)), timeout=10)
