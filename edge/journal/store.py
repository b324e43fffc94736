"""One SQLite file a slide: its rows, and the verdicts that were made from them.

Durability: WAL and `synchronous=FULL`, asserted at every open; one writer; whatever is ready goes
in one transaction. A write or fsync that fails is final: see `StoreFault`.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from edge.journal import rows
from edge.slide.record import Crop, Image, Opening, Record, Row

_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
  field INTEGER, capture INTEGER, plane INTEGER, identity TEXT NOT NULL, head BLOB NOT NULL,
  findings BLOB NOT NULL, thumbnail BLOB NOT NULL, PRIMARY KEY (field, capture, plane));
CREATE TABLE IF NOT EXISTS crops (
  field INTEGER, capture INTEGER, plane INTEGER, finding INTEGER, jpeg BLOB NOT NULL,
  embedding BLOB NOT NULL, PRIMARY KEY (field, capture, plane, finding)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS rows (kind TEXT, body BLOB, PRIMARY KEY (kind, body));
CREATE TABLE IF NOT EXISTS verdicts (
  revision INTEGER PRIMARY KEY, body BLOB NOT NULL, issued_at_us INTEGER NOT NULL);
-- What people said of it, in one numbering with the verdicts.
CREATE TABLE IF NOT EXISTS revisions (
  revision INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS owner (
  id INTEGER PRIMARY KEY CHECK (id = 1), driver TEXT, opening TEXT, pm_per_px INTEGER);
-- What provisional verdicts said, by settled ground. It depends on arrival: no verdict reads it.
CREATE TABLE IF NOT EXISTS curve (step INTEGER PRIMARY KEY, body BLOB NOT NULL);
-- When and where a row came in. No verdict reads it.
CREATE TABLE IF NOT EXISTS arrivals (what TEXT, boot TEXT, received_at_us INTEGER);
"""


class StoreFault(Exception):
    """The disk failed: nothing more is committed, nothing is retried and trusted."""


class Owner(NamedTuple):
    """Whose slide it is."""

    driver: str
    opening: str
    """SHA-256 of its `open_slide` and plan: another one is a conflict."""
    pm_per_px: int
    """What the camera's pixels are nominally worth."""


class Kept(NamedTuple):
    """A record with the identity of the capture that it was made from."""

    record: Record
    identity: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """A verdict as it was issued."""

    revision: int
    body: bytes
    issued_at_us: int


class SlideStore:
    """One slide's file. Writing belongs to one thread; readers open their own."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        """Open or make the file.

        Raises:
            StoreFault: It cannot be opened, is damaged, or does not keep what it promises.
        """
        self.path, self._is_read_only = path, read_only
        try:
            self._sql = open_durable(path, read_only=read_only)
            if not read_only:
                self._sql.executescript(_SCHEMA)
        except (sqlite3.Error, OSError) as error:
            raise StoreFault(f"{path}: {error}") from error

    def close(self) -> None:
        """Fold the write-ahead log into the file and close it."""
        try:
            if not self._is_read_only:
                self._sql.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._sql.close()
        except sqlite3.Error as error:
            raise StoreFault(f"{self.path}: {error}") from error

    def commit(
        self, records: Iterable[Kept], others: Iterable[Row], boot: str, now_us: int
    ) -> None:
        """Write rows in one transaction. On return they are on the disk.

        Raises:
            StoreFault: They may or may not be: trust neither.
        """
        records, packed = list(records), [rows.row_bytes(row) for row in others]
        arrivals = [str(kept.record.image) for kept in records] + [kind for kind, _ in packed]
        try:
            with self._sql:
                self._sql.executemany(
                    "INSERT INTO records VALUES (?,?,?,?,?,?,?)", map(_record_columns, records)
                )
                self._sql.executemany(
                    "INSERT INTO crops VALUES (?,?,?,?,?,?)",
                    [
                        (*kept.record.image, crop.finding, crop.jpeg, crop.embedding)
                        for kept in records
                        for crop in kept.record.crops
                    ],
                )
                self._sql.executemany("INSERT OR IGNORE INTO rows VALUES (?,?)", packed)
                self._sql.executemany(
                    "INSERT INTO arrivals VALUES (?,?,?)",
                    [(what, boot, now_us) for what in arrivals],
                )
        except sqlite3.Error as error:
            raise StoreFault(f"{self.path}: {error}") from error

    def belong_to(self, owner: Owner) -> None:
        """Note whose slide it is.

        Raises:
            StoreFault: It could not be written.
        """
        try:
            with self._sql:
                self._sql.execute("INSERT OR REPLACE INTO owner VALUES (1,?,?,?)", owner)
        except sqlite3.Error as error:
            raise StoreFault(f"{self.path}: {error}") from error

    def owner(self) -> Owner | None:
        """Whose slide it is; None where its opening never became durable."""
        found = self._sql.execute("SELECT driver, opening, pm_per_px FROM owner").fetchone()
        return None if found is None else Owner(*found)

    def issue(self, body: bytes, now_us: int) -> Verdict:
        """Write a verdict as the next revision; the same body again is the same revision."""
        last = self.last_verdict()
        if last is not None and last.body == body:
            return last
        verdict = Verdict(1 if last is None else last.revision + 1, body, now_us)
        try:
            with self._sql:
                self._sql.execute(
                    "INSERT INTO verdicts VALUES (?,?,?)", (verdict.revision, body, now_us)
                )
        except sqlite3.Error as error:
            raise StoreFault(f"{self.path}: {error}") from error
        return verdict

    def last_verdict(self) -> Verdict | None:
        """The newest verdict that was issued."""
        found = self._sql.execute(
            "SELECT revision, body, issued_at_us FROM verdicts ORDER BY revision DESC LIMIT 1"
        ).fetchone()
        return None if found is None else Verdict(*found)

    def verdicts(self) -> list[Verdict]:
        """Every verdict that was issued, by rising revision."""
        found = self._sql.execute(
            "SELECT revision, body, issued_at_us FROM verdicts ORDER BY revision"
        )
        return [Verdict(*columns) for columns in found]

    def revise(self, revision: int, body: bytes) -> None:
        """Keep what a person said. Nothing that was said before is touched.

        Raises:
            StoreFault: It could not be written, or there is a revision of that number.
        """
        try:
            with self._sql:
                self._sql.execute("INSERT INTO revisions VALUES (?,?)", (revision, body))
        except sqlite3.Error as error:
            raise StoreFault(f"{self.path}: {error}") from error

    def revisions(self) -> list[tuple[int, bytes]]:
        """What people said, with its numbers, in order."""
        return self._sql.execute(
            "SELECT revision, body FROM revisions ORDER BY revision"
        ).fetchall()

    def mark(self, step: int, body: bytes) -> None:
        """Keep a point of the slide's curve, in place of one of the same step.

        Raises:
            StoreFault: It could not be written.
        """
        try:
            with self._sql:
                self._sql.execute("INSERT OR REPLACE INTO curve VALUES (?,?)", (step, body))
        except sqlite3.Error as error:
            raise StoreFault(f"{self.path}: {error}") from error

    def curve(self) -> Sequence[bytes]:
        """The points of the slide's curve, by rising step."""
        return [body for (body,) in self._sql.execute("SELECT body FROM curve ORDER BY step")]

    def opening(self) -> Opening | None:
        """The slide's first row; None where its opening never became durable."""
        found = self._sql.execute("SELECT body FROM rows WHERE kind = 'opening'").fetchone()
        row = None if found is None else rows.row("opening", found[0])
        return row if isinstance(row, Opening) else None

    def records(self, *, with_pictures: bool = False) -> Iterator[Kept]:
        """Every record, by rising key."""
        keys = self._sql.execute(
            "SELECT field, capture, plane FROM records ORDER BY field, capture, plane"
        ).fetchall()
        for key in keys:
            yield self.record(Image(*key), with_pictures=with_pictures)

    def record(self, image: Image, *, with_pictures: bool = True) -> Kept:
        """One record; its pictures are left empty unless asked for.

        The gallery needs to know which findings have a crop, so their places are always there.
        """
        where = "WHERE field = ? AND capture = ? AND plane = ?"
        identity, head, findings, thumbnail = self._sql.execute(
            f"SELECT identity, head, findings, thumbnail FROM records {where}",  # noqa: S608
            image,
        ).fetchone()
        jpeg = "jpeg" if with_pictures else "x''"
        crops = tuple(
            Crop(*columns)
            for columns in self._sql.execute(
                f"SELECT finding, {jpeg}, embedding FROM crops {where} ORDER BY finding",  # noqa: S608
                image,
            )
        )
        picture = thumbnail if with_pictures else b""
        return Kept(rows.record(head, findings, crops, picture), identity)

    def has(self, image: Image) -> bool:
        """Whether this image has a record."""
        where = "WHERE field = ? AND capture = ? AND plane = ?"
        return bool(self._sql.execute(f"SELECT 1 FROM records {where}", image).fetchone())  # noqa: S608

    def others(self) -> Sequence[Row]:
        """Every row that is no record."""
        return [
            rows.row(kind, body)
            for kind, body in self._sql.execute("SELECT kind, body FROM rows ORDER BY kind, body")
        ]


def open_durable(path: Path, *, read_only: bool) -> sqlite3.Connection:
    """A connection whose commits are on the disk when they return.

    Raises:
        sqlite3.Error: The file cannot be opened, or cannot promise that.
    """
    where = f"file:{path}?mode=ro" if read_only else f"file:{path}"
    sql = sqlite3.connect(where, uri=True, timeout=5, check_same_thread=False)
    sql.execute("PRAGMA synchronous=FULL")
    if not read_only:
        (mode,) = sql.execute("PRAGMA journal_mode=WAL").fetchone()
        (level,) = sql.execute("PRAGMA synchronous").fetchone()
        if (mode, level) != ("wal", 2):
            raise sqlite3.OperationalError(f"not durable: journal {mode}, synchronous {level}")
    return sql


def _record_columns(kept: Kept) -> tuple[int | str | bytes, ...]:
    record = kept.record
    return (
        *record.image,
        kept.identity,
        rows.record_head(record),
        rows.findings_bytes(record.findings),
        record.thumbnail,
    )
