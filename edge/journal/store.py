"""One SQLite file a slide: its rows, and the verdicts that were made from them.

One writer; whatever is ready goes in one transaction. Each entry's SHA-256 stands in `sums`, and
the chain names the hash of all these: `verify` finds the entry that was changed.
"""

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from edge.journal import rows
from edge.journal.durable import DamagedFile, copy, fault_of, open_durable, transaction
from edge.slide.record import Crop, Image, Opening, Record, Row

STEPS = (
    """
CREATE TABLE records (
  field INTEGER, capture INTEGER, plane INTEGER, identity TEXT NOT NULL, head BLOB NOT NULL,
  findings BLOB NOT NULL, thumbnail BLOB NOT NULL, PRIMARY KEY (field, capture, plane));
CREATE TABLE crops (
  field INTEGER, capture INTEGER, plane INTEGER, finding INTEGER, jpeg BLOB NOT NULL,
  embedding BLOB NOT NULL, PRIMARY KEY (field, capture, plane, finding)) WITHOUT ROWID;
CREATE TABLE rows (kind TEXT, body BLOB, PRIMARY KEY (kind, body));
CREATE TABLE verdicts (
  revision INTEGER PRIMARY KEY, body BLOB NOT NULL, issued_at_us INTEGER NOT NULL);
-- What people said of it, in one numbering with the verdicts.
CREATE TABLE revisions (
  revision INTEGER PRIMARY KEY, body BLOB NOT NULL, said_at_us INTEGER NOT NULL);
CREATE TABLE owner (
  id INTEGER PRIMARY KEY CHECK (id = 1), driver TEXT, opening TEXT, pm_per_px INTEGER);
-- What provisional verdicts said, by settled ground. It depends on arrival: no verdict reads it.
CREATE TABLE curve (step INTEGER PRIMARY KEY, body BLOB NOT NULL);
-- When and where a row came in. No verdict reads it.
CREATE TABLE arrivals (what TEXT, boot TEXT, received_at_us INTEGER);
-- What each entry was when it was written: "record f3.c1.p0", "skip 0b9a...", "verdict 1".
CREATE TABLE sums (what TEXT PRIMARY KEY, sha256 TEXT NOT NULL) WITHOUT ROWID;
""",
)
"""From each form of the file to the next."""


_OF_IMAGE = "WHERE field = ? AND capture = ? AND plane = ?"
_STRAY_CROPS = """
SELECT field, capture, plane, finding FROM crops WHERE NOT EXISTS (
  SELECT 1 FROM records r
  WHERE r.field = crops.field AND r.capture = crops.capture AND r.plane = crops.plane)
"""


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
            self._sql = open_durable(path, STEPS, read_only=read_only)
        except OSError as error:
            raise fault_of(path, error) from error

    def close(self) -> None:
        """Fold the write-ahead log into the file and close it."""
        try:
            if not self._is_read_only:
                self._sql.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._sql.close()
        except sqlite3.Error as error:
            raise fault_of(self.path, error) from error

    def abandon(self) -> None:
        """Let go of a file that cannot be read, without a fault of its own."""
        with suppress(sqlite3.Error):
            self._sql.close()

    def commit(
        self, records: Iterable[Kept], others: Iterable[Row], boot: str, now_us: int
    ) -> None:
        """Write rows in one transaction. On return they are on the disk.

        Raises:
            StoreFault: They may or may not be: trust neither.
        """
        records, packed = list(records), [rows.row_bytes(row) for row in others]
        arrivals = [str(kept.record.image) for kept in records] + [kind for kind, _ in packed]
        with transaction(self._sql, self.path):
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
                "INSERT INTO arrivals VALUES (?,?,?)", [(what, boot, now_us) for what in arrivals]
            )
            self._sum(*map(_record_sum, records), *(_row_sum(*each) for each in packed))

    def belong_to(self, owner: Owner) -> None:
        """Note whose slide it is.

        Raises:
            StoreFault: It could not be written.
        """
        with transaction(self._sql, self.path):
            self._sql.execute("INSERT OR REPLACE INTO owner VALUES (1,?,?,?)", owner)
            self._sum(_sum("owner", *owner))

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
        with transaction(self._sql, self.path):
            self._sql.execute(
                "INSERT INTO verdicts VALUES (?,?,?)", (verdict.revision, body, now_us)
            )
            self._sum(_sum(f"verdict {verdict.revision}", body, now_us))
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

    def revise(self, said: Verdict) -> None:
        """Keep what a person said. Nothing that was said before is touched.

        Raises:
            StoreFault: It could not be written, or there is a revision of that number.
        """
        with transaction(self._sql, self.path):
            self._sql.execute(
                "INSERT INTO revisions VALUES (?,?,?)",
                (said.revision, said.body, said.issued_at_us),
            )
            self._sum(_sum(f"revision {said.revision}", said.body, said.issued_at_us))

    def revisions(self) -> list[Verdict]:
        """What people said, in order."""
        found = self._sql.execute(
            "SELECT revision, body, said_at_us FROM revisions ORDER BY revision"
        )
        return [Verdict(*columns) for columns in found]

    def mark(self, step: int, body: bytes) -> None:
        """Keep a point of the slide's curve, in place of one of the same step.

        Raises:
            StoreFault: It could not be written.
        """
        with transaction(self._sql, self.path):
            self._sql.execute("INSERT OR REPLACE INTO curve VALUES (?,?)", (step, body))
            self._sum(_sum(f"curve {step}", body))

    def curve(self) -> Sequence[bytes]:
        """The points of the slide's curve, by rising step."""
        return [body for _, body in self.steps()]

    def steps(self) -> list[tuple[int, bytes]]:
        """The same, each with its step."""
        return self._sql.execute("SELECT step, body FROM curve ORDER BY step").fetchall()

    def check_pages(self) -> None:
        """Look through the whole file, which a failing disk may have damaged.

        Raises:
            StoreFault: It is damaged, or the disk failed.
        """
        try:
            (found,) = self._sql.execute("PRAGMA quick_check(1)").fetchone()
        except sqlite3.Error as error:
            raise fault_of(self.path, error) from error
        if found != "ok":
            raise DamagedFile(f"{self.path}: {found}")

    def sums(self) -> dict[str, str]:
        """What each entry was when it was written: its name, and its SHA-256."""
        return dict(self._sql.execute("SELECT what, sha256 FROM sums"))

    def sums_now(self) -> Iterator[tuple[str, str]]:
        """The same of the entries as they stand; a name may come twice."""
        statement = "SELECT field, capture, plane, identity, head, findings, thumbnail FROM records"
        crops = "SELECT finding, jpeg, embedding FROM crops"
        order = "ORDER BY finding"
        for *image, identity, head, findings, thumbnail in self._sql.execute(statement):
            own = self._sql.execute(f"{crops} {_OF_IMAGE} {order}", image)
            parts = [part for crop in own for part in crop]
            yield _sum(_record_name(image), identity, head, findings, thumbnail, *parts)
        for *image, finding in self._sql.execute(_STRAY_CROPS):
            yield _sum(f"crop {_record_name(image)}.i{finding}")
        for row in self._sql.execute("SELECT kind, body FROM rows"):
            yield _row_sum(*row)
        for step, body in self.steps():
            yield _sum(f"curve {step}", body)
        for verdict in self.verdicts():
            yield _sum(f"verdict {verdict.revision}", verdict.body, verdict.issued_at_us)
        for said in self.revisions():
            yield _sum(f"revision {said.revision}", said.body, said.issued_at_us)
        if (owner := self.owner()) is not None:
            yield _sum("owner", *owner)

    def seal(self) -> str:
        """What the chain holds of all that is in this file: SHA-256 of its sums."""
        return seal_of(self.sums())

    def copy_to(self, path: Path) -> None:
        """Write a copy that holds together, also while the file is written to.

        Raises:
            StoreFault: It could not be read or written.
        """
        copy(self._sql, path)

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
        identity, head, findings, thumbnail = self._sql.execute(
            f"SELECT identity, head, findings, thumbnail FROM records {_OF_IMAGE}",  # noqa: S608
            image,
        ).fetchone()
        jpeg = "jpeg" if with_pictures else "x''"
        crops = tuple(
            Crop(*columns)
            for columns in self._sql.execute(
                f"SELECT finding, {jpeg}, embedding FROM crops {_OF_IMAGE} ORDER BY finding",  # noqa: S608
                image,
            )
        )
        picture = thumbnail if with_pictures else b""
        return Kept(rows.record(head, findings, crops, picture), identity)

    def has(self, image: Image) -> bool:
        """Whether this image has a record."""
        return bool(self._sql.execute(f"SELECT 1 FROM records {_OF_IMAGE}", image).fetchone())  # noqa: S608

    def _sum(self, *sums: tuple[str, str]) -> None:
        """Within a transaction."""
        self._sql.executemany("INSERT OR REPLACE INTO sums VALUES (?,?)", sums)

    def others(self) -> Sequence[Row]:
        """Every row that is no record."""
        return [
            rows.row(kind, body)
            for kind, body in self._sql.execute("SELECT kind, body FROM rows ORDER BY kind, body")
        ]


def seal_of(sums: Mapping[str, str]) -> str:
    """SHA-256 of names and sums, by rising name."""
    lines = "".join(f"{what} {digest}\n" for what, digest in sorted(sums.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def _sum(what: str, *parts: bytes | str | int) -> tuple[str, str]:
    """An entry's name, and SHA-256 of it and its parts, each with its length before it."""
    digest = hashlib.sha256()
    for part in (what, *parts):
        content = part if isinstance(part, bytes) else str(part).encode()
        digest.update(b"%d:" % len(content) + content)
    return what, digest.hexdigest()


def _record_sum(kept: Kept) -> tuple[str, str]:
    image, columns = kept.record.image, _record_columns(kept)[len(kept.record.image) :]
    crops = sorted(kept.record.crops, key=lambda crop: crop.finding)
    parts = [part for c in crops for part in (c.finding, c.jpeg, c.embedding)]
    return _sum(_record_name(image), *columns, *parts)


def _record_name(image: Sequence[int]) -> str:
    field, capture, plane = image
    return f"record f{field}.c{capture}.p{plane}"


def _row_sum(kind: str, body: bytes) -> tuple[str, str]:
    """A row has no name but what it says."""
    return _sum(f"{kind} {hashlib.sha256(body).hexdigest()[:16]}", body)


def _record_columns(kept: Kept) -> tuple[int | str | bytes, ...]:
    record = kept.record
    return (
        *record.image,
        kept.identity,
        rows.record_head(record),
        rows.findings_bytes(record.findings),
        record.thumbnail,
    )
