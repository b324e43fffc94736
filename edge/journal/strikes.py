"""Which captures were in hand when the daemon died: the suspects.

A capture is noted before it is decoded and struck out when it is answered. The note needs no
fsync, because a kill keeps the page cache. What is still noted at the next start is a suspect: when
it is sent again, a child process decodes it first (`edge/journal/ordeal.py`). A death of the daemon
alone proves nothing against a field.
"""

import json
import os
from contextlib import suppress
from pathlib import Path

from edge.journal.durable import write_all
from edge.slide.record import Image

Suspect = tuple[str, Image]
"""A slide's id and an image of it."""


class Strikes:
    """The note file, appended to by one thread."""

    def __init__(self, path: Path) -> None:
        """Read what an earlier process left, and start anew with it."""
        self.suspects: set[Suspect] = _left_over(path)
        self._path = path
        self._in_hand: set[Suspect] = set(self.suspects)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o640)
        self._lines = 0
        self._rewrite()

    def take(self, slide: str, image: Image) -> bool:
        """Note that an image is in hand; whether it is a suspect."""
        self._in_hand.add((slide, image))
        self._append("+", slide, image)
        return (slide, image) in self.suspects

    def answer(self, slide: str, image: Image) -> None:
        """Strike it out: it has been judged, or refused."""
        self._in_hand.discard((slide, image))
        self.suspects.discard((slide, image))
        self._append("-", slide, image)

    def forgive(self) -> None:
        """Strike all out: the process ends, and no capture is why. A full disk may forbid it."""
        with suppress(OSError):
            os.ftruncate(self._file, 0)

    def close(self) -> None:
        """Close the file, leaving in it what is still in hand."""
        os.close(self._file)

    def _append(self, sign: str, slide: str, image: Image) -> None:
        write_all(self._file, _line(sign, slide, image))
        self._lines += 1
        if self._lines > 4_096:
            self._rewrite()

    def _rewrite(self) -> None:
        os.ftruncate(self._file, 0)
        write_all(self._file, b"".join(_line("+", *suspect) for suspect in sorted(self._in_hand)))
        self._lines = 0


def _line(sign: str, slide: str, image: Image) -> bytes:
    field, capture, plane = image
    return f'["{sign}","{slide}",{field},{capture},{plane}]\n'.encode()


def _left_over(path: Path) -> set[Suspect]:
    if not path.exists():
        return set()
    left: set[Suspect] = set()
    for line in path.read_bytes().splitlines():
        try:
            sign, slide, field, capture, plane = json.loads(line)
        except ValueError:  # the last line of a process that died while writing it
            continue
        suspect = (slide, Image(field, capture, plane))
        (left.add if sign == "+" else left.discard)(suspect)
    return left
