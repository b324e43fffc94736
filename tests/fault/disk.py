"""A disk without mercy: what may be on it after a power cut, by the letter of POSIX.

What was written since a file's last fsync is there or not, sector by sector, in any order. A name
that was made, taken away or changed since its folder's last fsync is so or not, each for itself.
After an fsync that failed, what it was for never reaches the disk unless it is written again.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from tests.fault.shim import Op

SECTOR_BYTES = 512


@dataclass
class File:
    """One file, whatever its name."""

    durable: bytearray = field(default_factory=bytearray)
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)
    """Writes (offset, bytes) and truncations (length, None), oldest first."""

    def sync(self) -> None:
        for at, data in self.pending:
            _put(self.durable, at, data)
        self.pending.clear()

    def after_cut(self, chance: random.Random) -> bytes:
        content, share = bytearray(self.durable), chance.choice((0.0, 0.5, 0.9, 1.0))
        for at, data in self.pending:
            if data is None:
                if chance.random() < share:
                    _put(content, at, None)
                continue
            for start, stop in _sectors(at, len(data)):
                if chance.random() < share:
                    _put(content, start, data[start - at : stop - at])
        return bytes(content)


class Disk:
    """What operations have made of it so far."""

    def __init__(self) -> None:
        self._now: dict[str, File | None] = {".": None}
        """What a process sees: files, and folders as None."""
        self._durable: dict[str, File | None] = {".": None}
        self._pending: list[tuple[str, str, str, File | None]] = []
        """Changes of names: what, the name, the new name, what it names."""

    def take(self, op: Op) -> None:
        """An operation that was done."""
        if op.path.endswith("-shm") or op.result < 0:
            return  # shared memory is made anew at every start
        match op.op:
            case "create":
                self._name("make", op.path, "", File())
            case "mkdir":
                self._name("make", op.path, "", None)
            case "unlink":
                self._name("take", op.path, "", self._now.get(op.path))
            case "rename":
                self._name("move", op.path, op.data.decode(), self._now[op.path])
            case "sync":
                self._sync(op.path)
            case "lost" if (file := self._now.get(op.path)) is not None:
                file.pending.clear()
            case "write":
                self._file(op.path).pending.append((op.at, op.data))
            case "truncate":
                self._file(op.path).pending.append((op.at, None))
            case "open" if op.at == 1:
                self._file(op.path).pending.append((0, None))

    def cut(self, chance: random.Random) -> Iterator[tuple[str, bytes | None]]:
        """The power goes: the files, and folders as None, that are there afterwards."""
        names, share = dict(self._durable), chance.choice((0.0, 0.5, 1.0))
        for change in self._pending:
            if chance.random() < share:
                _rename(names, *change)
        for name, file in sorted(names.items()):
            if all(str(above) in names for above in PurePosixPath(name).parents):
                yield name, None if file is None else file.after_cut(chance)

    def _file(self, name: str) -> File:
        file = self._now[name]
        assert file is not None, name
        return file

    def _name(self, what: str, name: str, new: str, file: File | None) -> None:
        _rename(self._now, what, name, new, file)
        self._pending.append((what, name, new, file))

    def _sync(self, name: str) -> None:
        file = self._now[name]
        if file is not None:
            file.sync()
            return
        kept = []
        for change in self._pending:
            if str(PurePosixPath(change[1]).parent) == name:
                _rename(self._durable, *change)
            else:
                kept.append(change)
        self._pending = kept


def write_to(folder: Path, found: Iterator[tuple[str, bytes | None]]) -> None:
    """Lay files into an empty folder."""
    for name, content in found:
        if content is None:
            (folder / name).mkdir(parents=True, exist_ok=True)
        else:
            (folder / name).write_bytes(content)


def _rename(
    names: dict[str, File | None], what: str, name: str, new: str, file: File | None
) -> None:
    match what:
        case "make":
            names[name] = file
        case "take":
            names.pop(name, None)
        case "move":
            names.pop(name, None)
            names[new] = file


def _put(content: bytearray, at: int, data: bytes | None) -> None:
    if data is None:
        del content[at:]
    if len(content) < at:
        content.extend(bytes(at - len(content)))
    if data is not None:
        content[at : at + len(data)] = data


def _sectors(at: int, length: int) -> Iterator[tuple[int, int]]:
    while length > 0:
        stop = min(at + length, (at // SECTOR_BYTES + 1) * SECTOR_BYTES)
        yield at, stop
        length -= stop - at
        at = stop
