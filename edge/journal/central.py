"""`cytoedge.sqlite`: identifiers, and the chain of all that must be accounted for.

Identifiers of patients and glasses stand here and nowhere else. The chain holds every verdict that
was issued, and what people and strangers did: see `edge/journal/chain.py`.
"""

import hashlib
import json
import logging
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path

from edge.journal import chain, signing
from edge.journal.chain import Entry, Head
from edge.journal.durable import (
    copy,
    fault_of,
    make_folder,
    open_durable,
    transaction,
    write_file,
)
from edge.journal.signing import Signer
from edge.slide.canonical import canonical

log = logging.getLogger(__name__)

FILE, HEAD = "cytoedge.sqlite", "head"
SOFTWARE = f"cytoedge {version('cytoedge')}"

STEPS = (
    """
CREATE TABLE identifiers (
  slide TEXT PRIMARY KEY, barcode TEXT NOT NULL, operator TEXT NOT NULL, salt TEXT NOT NULL);
CREATE TABLE chain (
  seq INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, kind TEXT NOT NULL, who TEXT NOT NULL,
  what TEXT NOT NULL, hash TEXT NOT NULL, signature TEXT NOT NULL);
CREATE UNIQUE INDEX verdict_once ON chain (what) WHERE kind = 'verdict';
""",
)
"""From each form of the file to the next."""


class Central:
    """The central file. Processes may append at the same time; within one, a single thread."""

    def __init__(
        self,
        state_dir: Path,
        *,
        read_only: bool = False,
        signer: Signer | None = None,
        clock_us: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        """Open or make it.

        Args:
            state_dir: Its folder.
            read_only: Whether to leave it as it is.
            signer: By default the one whose key lies in this folder.
            clock_us: What entries are dated by.

        Raises:
            StoreFault: It cannot be opened or written.
        """
        self.path, self._head = state_dir / FILE, state_dir / HEAD
        self._clock_us = clock_us
        try:
            if not read_only:
                make_folder(state_dir)
            self._sql = open_durable(self.path, STEPS, read_only=read_only)
        except OSError as error:
            raise fault_of(self.path, error) from error
        if not read_only:
            self._signer = signer or signing.device(state_dir)
            if self.signer() != self._signer.public:
                self.audit(chain.SIGNER, SOFTWARE, {"key": self._signer.public})

    def close(self) -> None:
        """Close it."""
        self._sql.close()

    # What is written ------------------------------------------------------------------------------

    def audit(self, kind: str, who: str, what: Mapping[str, str | int]) -> Entry:
        """Append an entry.

        Args:
            kind: What happened, one word: `stranger_refused`, `key_allowed`.
            who: Who did it: a person's account, a peer's key, the software.
            what: The rest. No identifiers of patients: an entry can never be taken out.

        Raises:
            StoreFault: It could not be written.
        """
        with transaction(self._sql, self.path):
            entry = self._append(kind, who, what)
        return self._note(entry)

    def identify(self, slide: str, barcode: str, operator: str) -> None:
        """Note who a slide is of. The chain holds a salted hash, which says nothing by itself.

        Raises:
            StoreFault: It could not be written.
        """
        if self.identifiers(slide)[:2] == (barcode, operator):
            return
        salt = secrets.token_hex(16)
        with transaction(self._sql, self.path):
            self._sql.execute(
                "INSERT OR REPLACE INTO identifiers VALUES (?,?,?,?)",
                (slide, barcode, operator, salt),
            )
            what = {"slide": slide, "sha256": identity_hash(slide, barcode, operator, salt)}
            entry = self._append(chain.IDENTIFIED, SOFTWARE, what)
        self._note(entry)

    def enter(
        self,
        slide: str,
        revision: int,
        verdict: bytes,
        issued_at_us: int,
        seal: str,
        reader: str | None = None,
    ) -> None:
        """Take a verdict into the chain; once only, however often it is called.

        Args:
            slide: Its slide.
            revision: Its number.
            verdict: Its bytes; of a reader's, the revision's.
            issued_at_us: When it was issued.
            seal: Of the slide's rows: `SlideStore.seal`.
            reader: The person who said it; None for the machine.

        Raises:
            StoreFault: It could not be written.
        """
        what: dict[str, str | int] = {
            "slide": slide,
            "revision": revision,
            "sha256": hashlib.sha256(verdict).hexdigest(),
            "issued_at_us": issued_at_us,
            "seal": seal,
        }
        known = "SELECT 1 FROM chain WHERE kind = ? AND what = ?"
        kind = chain.VERDICT if reader is None else chain.REVISED
        if self._sql.execute(known, (kind, canonical(what).decode())).fetchone() is None:
            self.audit(kind, reader or SOFTWARE, what)

    def forget(self, slide: str, who: str, why: str) -> None:
        """Note that a slide is deleted, and forget who it was of. Its files go afterwards.

        Raises:
            StoreFault: It could not be written.
        """
        with transaction(self._sql, self.path):
            self._sql.execute("DELETE FROM identifiers WHERE slide = ?", (slide,))
            entry = self._append(chain.DELETED, who, {"slide": slide, "why": why})
        self._note(entry)

    # What is there --------------------------------------------------------------------------------

    def entries(self) -> Iterator[Entry]:
        """The chain, oldest first."""
        columns = "seq, at_us, kind, who, what, hash, signature"
        for found in self._sql.execute(f"SELECT {columns} FROM chain ORDER BY seq"):  # noqa: S608
            yield Entry(*found)

    def slides(self, kind: str) -> dict[str, Entry]:
        """The slides that have an entry of this kind, each with its last; oldest first."""
        return {str(e.body["slide"]): e for e in self.entries() if e.kind == kind}

    def copy_to(self, path: Path) -> None:
        """Write a copy that holds together, also while the file is written to.

        Raises:
            StoreFault: It could not be read or written.
        """
        copy(self._sql, path)

    def has(self, kind: str, slide: str) -> bool:
        """Whether a slide has an entry of this kind."""
        statement = "SELECT 1 FROM chain WHERE kind = ? AND json_extract(what, '$.slide') = ?"
        return self._sql.execute(statement, (kind, slide)).fetchone() is not None

    def signer(self) -> str:
        """The public key whose signatures stand at the end; empty where there is no entry."""
        found = self._sql.execute(
            "SELECT what FROM chain WHERE kind = ? ORDER BY seq DESC LIMIT 1", (chain.SIGNER,)
        ).fetchone()
        return "" if found is None else str(json.loads(found[0])["key"])

    def identifiers(self, slide: str) -> tuple[str, str, str]:
        """A slide's barcode, operator and salt; empty where none are known."""
        found = self._sql.execute(
            "SELECT barcode, operator, salt FROM identifiers WHERE slide = ?", (slide,)
        ).fetchone()
        return ("", "", "") if found is None else (found[0], found[1], found[2])

    def identified(self) -> list[str]:
        """The slides whose identifiers are known."""
        return [slide for (slide,) in self._sql.execute("SELECT slide FROM identifiers")]

    def head(self) -> Head | None:
        """The newest entry, as it was noted outside this file.

        Raises:
            ValueError: The note was changed.
        """
        return chain.head(self._head.read_text()) if self._head.exists() else None

    # ----------------------------------------------------------------------------------------------

    def _append(self, kind: str, who: str, what: Mapping[str, str | int]) -> Entry:
        """Within a transaction."""
        last = self._sql.execute("SELECT seq, hash FROM chain ORDER BY seq DESC LIMIT 1").fetchone()
        seq, previous = (0, chain.GENESIS) if last is None else last
        now_us, packed = self._clock_us(), canonical(what).decode()
        digest = chain.entry_hash(previous, seq + 1, now_us, kind, who, packed)
        entry = Entry(seq + 1, now_us, kind, who, packed, digest, self._signer.sign(digest))
        self._sql.execute("INSERT INTO chain VALUES (?,?,?,?,?,?,?)", entry)
        return entry

    def _note(self, entry: Entry) -> Entry:
        """After the commit: a head is never ahead of its chain. The log keeps it, too."""
        noted = Head(entry.seq, entry.hash)
        write_file(self._head, f"{noted}\n".encode())
        log.info("%s by %s; chain %s", entry.kind, entry.who, noted)
        return entry


def identity_hash(slide: str, barcode: str, operator: str, salt: str) -> str:
    """What the chain holds of a slide's identifiers."""
    return hashlib.sha256(canonical([slide, barcode, operator, salt])).hexdigest()
