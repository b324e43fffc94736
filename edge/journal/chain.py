"""The chain: what must not be changed, cut or put in unseen. Pure: entries in, what is wrong out.

Each entry holds the hash of the one before it and is signed by the device, so that it is a
checkpoint of all before it. `head` names the newest one outside the central file: a chain that was
cut is shorter than its head. A `signer` entry says whose signatures follow and is signed by that
key itself; the last one must be this device's. A restore onto a new device makes a second one.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from edge.journal.signing import is_signed
from edge.slide.canonical import canonical

GENESIS = "0" * 64
SIGNER, VERDICT, IDENTIFIED, DELETED = "signer", "verdict", "identified", "deleted"
REVISED, EXPORTED, RESTORED = "revised", "exported", "restored"


class Entry(NamedTuple):
    """One entry."""

    seq: int
    """From 1 on: it alone orders."""
    at_us: int
    """The machine's clock then. Orders nothing."""
    kind: str
    who: str
    """Who did it: the software, a person, a peer."""
    what: str
    """A canonical JSON object."""
    hash: str
    """SHA-256 of the hash before it and of all of it."""
    signature: str
    """Of `hash`, by the device."""

    @property
    def body(self) -> dict[str, str | int]:
        """`what`, read."""
        body = json.loads(self.what)
        if not isinstance(body, dict):
            raise TypeError(f"entry {self.seq}: no JSON object")
        return body


class Head(NamedTuple):
    """The newest entry, as it was noted elsewhere."""

    seq: int
    hash: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"


class Broken(NamedTuple):
    """The first bad entry."""

    seq: int
    what: str


def head(text: str) -> Head:
    """A head from its text, `SEQ:HASH`.

    Raises:
        ValueError: It is none.
    """
    seq, _, digest = text.strip().partition(":")
    if len(digest) != len(GENESIS):
        raise ValueError(f"{text!r} is no SEQ:HASH")
    return Head(int(seq), digest)


def entry_hash(previous: str, seq: int, at_us: int, kind: str, who: str, what: str) -> str:
    """The hash of an entry."""
    return hashlib.sha256(canonical([previous, seq, at_us, kind, who, what])).hexdigest()


def first_broken(
    entries: Sequence[Entry], heads: Sequence[Head], device: str | None
) -> Broken | None:
    """The first entry that is not as it was written, or that is missing.

    Args:
        entries: All, as they stand.
        heads: What was noted elsewhere.
        device: This device's public key, where it is known.
    """
    return next(_broken(entries, heads, device), None)


def _broken(
    entries: Sequence[Entry], heads: Sequence[Head], device: str | None
) -> Iterator[Broken]:
    previous, public, since = GENESIS, "", 1
    for number, entry in enumerate(entries, 1):
        about = f"entry {entry.seq} ({entry.kind})"
        if entry.seq != number:
            yield Broken(number, f"entry {number} is missing: {about} stands in its place")
            return
        if not _follows(entry, previous):
            yield Broken(number, f"{about} was changed, or does not follow from the one before")
            return
        if entry.kind == SIGNER:
            public, since = str(entry.body.get("key")), number
        if not is_signed(entry.hash, entry.signature, public):
            yield Broken(number, f"{about} is not signed by the device")
            return
        previous = entry.hash
    for noted in sorted(heads):
        if noted.seq > len(entries):
            what = f"entry {len(entries) + 1} is missing: the chain was cut, it had {noted.seq}"
            yield Broken(len(entries) + 1, what)
        elif noted.seq < 1 or entries[noted.seq - 1].hash != noted.hash:
            yield Broken(noted.seq, f"entry {noted.seq} is not the one that was noted as its head")
    if entries and device not in (None, public):
        yield Broken(since, f"entry {since} ({SIGNER}) names another key than this device's")


def _follows(entry: Entry, previous: str) -> bool:
    try:
        return entry.hash == entry_hash(previous, *entry[:5])
    except (TypeError, ValueError):  # another hand put bytes, or half a letter, where text was
        return False
