"""A slide's messages in a file: what a driver sent, as it sent it.

The file: one line of JSON that says what it is, then one message after the other, each a count of
parts, and each part its length and its bytes. Numbers are big-endian, of 1 and 8 bytes. A file that
was cut short is read up to its last whole message.
"""

import json
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self, TypeAlias

from drivers.problem import Problem, Refusal, shown
from drivers.scanner.words import MAX_HEADER_BYTES, MAX_PIXEL_BYTES

KIND = "cytoedge recording"
VERSION = 1
RECORDED = frozenset(
    {"open_slide", "field", "skip_field", "withdraw", "close_slide", "abort_slide"}
)
"""Types of the messages that are kept: a slide's. Greetings and pings are the player's own."""
_PARTS, _LENGTH = struct.Struct(">B"), struct.Struct(">Q")
_MAX_PARTS = 2

Parts: TypeAlias = Sequence[bytes | memoryview]
"""A message as it went over the wire: its header, and its second part where it has one."""


class RecordingWriter:
    """Writes messages to a new file, each at once, so that a kill costs one at most."""

    def __init__(self, path: Path, made_at: str, software: str) -> None:
        """Makes the file.

        Raises:
            Refusal: It is there already, or cannot be made.
        """
        about = {"kind": KIND, "version": VERSION, "made_at": made_at, "software": software}
        try:
            self._file = path.open("xb", buffering=0)
        except OSError as error:
            remedy = "Name a new file in a folder that is there"
            raise Refusal(Problem("file", str(path), str(error.strerror), remedy)) from None
        self._file.write(json.dumps(about).encode() + b"\n")
        self.messages = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def write(self, parts: Parts) -> None:
        """Appends one message."""
        whole = [_PARTS.pack(len(parts))]
        for part in parts:
            whole += [_LENGTH.pack(memoryview(part).nbytes), bytes(part)]
        self._file.write(b"".join(whole))
        self.messages += 1


@dataclass(slots=True)
class RecordingReader:
    """The messages of a recording, read one by one: memory holds one at a time."""

    path: Path
    is_cut_short: bool = False
    """Known when all messages were read: whether the last one was incomplete."""

    def check(self) -> None:
        """Looks at the first line.

        Raises:
            Refusal: It is no recording, of another version, or cannot be read.
        """
        with self._open() as file:
            _read_about(file, self.path)

    def messages(self) -> Iterator[list[bytes]]:
        """Every whole message, in order.

        Raises:
            Refusal: It is no recording, or damaged other than by being cut short.
        """
        with self._open() as file:
            _read_about(file, self.path)
            while count := file.read(1):
                parts = []
                for _ in range(_checked(count[0], 1, _MAX_PARTS, self.path)):
                    part = _read_part(file, self.path)
                    if part is None:
                        self.is_cut_short = True
                        return
                    parts.append(part)
                yield parts

    def _open(self) -> BinaryIO:
        try:
            return self.path.open("rb")
        except OSError as error:
            remedy = "Name a file that is there"
            raise Refusal(
                Problem("recording", str(self.path), str(error.strerror), remedy)
            ) from None


def _read_about(file: BinaryIO, path: Path) -> None:
    line = file.readline(MAX_HEADER_BYTES)
    try:
        about = json.loads(line) if line.endswith(b"\n") else None
    except ValueError:
        about = None
    if not isinstance(about, dict) or about.get("kind") != KIND:
        problem = "is no recording of cytoedge"
        remedy = "Name a file that `cytoedge record` wrote"
        raise Refusal(Problem("recording", str(path), problem, remedy))
    if about.get("version") != VERSION:
        problem = f"is of version {shown(about.get('version'))}, known is {VERSION}"
        raise Refusal(Problem("recording", str(path), problem, "Record it again"))


def _read_part(file: BinaryIO, path: Path) -> bytes | None:
    """The next part, or None where the file ends before it does."""
    prefix = file.read(_LENGTH.size)
    if len(prefix) < _LENGTH.size:
        return None
    length = _checked(_LENGTH.unpack(prefix)[0], 0, MAX_PIXEL_BYTES, path)
    part = file.read(length)
    return part if len(part) == length else None


def _checked(number: int, least: int, most: int, path: Path) -> int:
    if not least <= number <= most:
        problem = f"is damaged: {number} is not between {least} and {most}"
        raise Refusal(Problem("recording", str(path), problem, "Record it again"))
    return number
