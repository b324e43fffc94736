"""Who did what at the console: each entry names the hash of the one before it."""

import hashlib
import sqlite3
from collections.abc import Iterator
from typing import Final, NamedTuple

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS audit (
  seq INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, person TEXT NOT NULL, what TEXT NOT NULL,
  detail TEXT NOT NULL, hash TEXT NOT NULL);
"""
_GENESIS: Final = "0" * 64


class Entry(NamedTuple):
    """One thing that was done, or refused."""

    seq: int
    at_us: int
    person: str
    """Empty where nobody had logged in."""
    what: str
    detail: str
    hash: str


def _hash(previous: str, *columns: int | str) -> str:
    return hashlib.sha256("\x1f".join([previous, *map(str, columns)]).encode()).hexdigest()


class Audit:
    """The console's own chain, in its file. Judgements of slides stand in the daemon's."""

    def __init__(self, sql: sqlite3.Connection) -> None:
        self._sql = sql

    def add(self, at_us: int, person: str, what: str, detail: str = "") -> None:
        """Note something."""
        last = self._sql.execute("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
        seq, previous = (0, _GENESIS) if last is None else last
        columns = (seq + 1, at_us, person, what, detail[:500])
        with self._sql:
            self._sql.execute(
                "INSERT INTO audit VALUES (?,?,?,?,?,?)", (*columns, _hash(previous, *columns))
            )

    def entries(self) -> Iterator[Entry]:
        """All, oldest first."""
        for columns in self._sql.execute("SELECT * FROM audit ORDER BY seq"):
            yield Entry(*columns)

    def first_broken(self) -> Entry | None:
        """The first entry that does not follow from the one before it."""
        previous = _GENESIS
        for number, entry in enumerate(self.entries(), 1):
            if entry.seq != number or entry.hash != _hash(previous, *entry[:-1]):
                return entry
            previous = entry.hash
        return None
