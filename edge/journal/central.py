"""`cytoedge.sqlite`: identifiers, and the chain of all verdicts that were ever issued.

Identifiers of patients and glasses stand here and nowhere else. The chain names each verdict's
hash and the hash of the entry before it, so that none can be taken out or changed unseen.
"""

import hashlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from edge.journal.store import StoreFault, open_durable

_SCHEMA = """
CREATE TABLE IF NOT EXISTS identifiers (slide TEXT PRIMARY KEY, barcode TEXT, operator TEXT);
CREATE TABLE IF NOT EXISTS chain (
  seq INTEGER PRIMARY KEY, slide TEXT NOT NULL, revision INTEGER NOT NULL, verdict TEXT NOT NULL,
  hash TEXT NOT NULL, UNIQUE (slide, revision));
"""
_GENESIS = "0" * 64


class Link(NamedTuple):
    """One entry of the chain."""

    seq: int
    slide: str
    revision: int
    verdict: str
    """SHA-256 of the verdict's bytes."""
    hash: str
    """SHA-256 of the entry before it and of this one."""


def link_hash(previous: str, seq: int, slide: str, revision: int, verdict: str) -> str:
    """The hash of a chain entry."""
    return hashlib.sha256(f"{previous}|{seq}|{slide}|{revision}|{verdict}".encode()).hexdigest()


class Central:
    """The central file. Writing belongs to one thread."""

    def __init__(self, state_dir: Path, *, read_only: bool = False) -> None:
        """Open or make it.

        Raises:
            StoreFault: It cannot be opened or written.
        """
        try:
            self._sql = open_durable(state_dir / "cytoedge.sqlite", read_only=read_only)
            if not read_only:
                self._sql.executescript(_SCHEMA)
        except (sqlite3.Error, OSError) as error:
            raise StoreFault(f"{state_dir}: {error}") from error

    def close(self) -> None:
        """Close it."""
        self._sql.close()

    def identify(self, slide: str, barcode: str, operator: str) -> None:
        """Note who a slide is of.

        Raises:
            StoreFault: It could not be written.
        """
        self._write("INSERT OR REPLACE INTO identifiers VALUES (?,?,?)", (slide, barcode, operator))

    def identifiers(self) -> dict[str, tuple[str, str]]:
        """Barcode and operator of each slide."""
        found = self._sql.execute("SELECT slide, barcode, operator FROM identifiers")
        return {slide: (barcode, operator) for slide, barcode, operator in found}

    def append(self, slide: str, revision: int, verdict: bytes) -> None:
        """Take a verdict into the chain; once only, however often it is called.

        Raises:
            StoreFault: It could not be written.
        """
        known = "SELECT 1 FROM chain WHERE slide = ? AND revision = ?"
        if self._sql.execute(known, (slide, revision)).fetchone():
            return
        last = self._sql.execute("SELECT seq, hash FROM chain ORDER BY seq DESC LIMIT 1").fetchone()
        seq, previous = (0, _GENESIS) if last is None else last
        digest = hashlib.sha256(verdict).hexdigest()
        link = link_hash(previous, seq + 1, slide, revision, digest)
        self._write(
            "INSERT INTO chain VALUES (?,?,?,?,?)", (seq + 1, slide, revision, digest, link)
        )

    def links(self) -> Iterator[Link]:
        """The chain, oldest first."""
        for columns in self._sql.execute("SELECT * FROM chain ORDER BY seq"):
            yield Link(*columns)

    def first_broken(self) -> Link | None:
        """The first entry that does not follow from the one before it."""
        previous = _GENESIS
        for number, link in enumerate(self.links(), 1):
            expected = link_hash(previous, number, link.slide, link.revision, link.verdict)
            if link.seq != number or link.hash != expected:
                return link
            previous = link.hash
        return None

    def _write(self, statement: str, values: tuple[str | int, ...]) -> None:
        try:
            with self._sql:
                self._sql.execute(statement, values)
        except sqlite3.Error as error:
            raise StoreFault(f"cytoedge.sqlite: {error}") from error
