"""Whether what was kept still gives what was said: reads only, beside a daemon or without one."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from edge.evidence.fold import Evidence, fold
from edge.journal import chain, shelf, signing
from edge.journal.central import FILE, Central, identity_hash
from edge.journal.chain import Entry, Head
from edge.journal.shelf import UNREADABLE
from edge.journal.store import SlideStore, seal_of
from edge.slide.record import Closing, Opening, Record, Row
from edge.verdict.decide import decide
from edge.verdict.verdict import hash_of, to_json

_BACKUP = "Keep the file, and put the one of the last backup in its place"
_COMPLETE = "Start the daemon once: it completes the chain. If it was complete, put a backup back"
_FINISH = "Start the daemon once: it finishes the deletion"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it was said."""

    what: str
    remedy: str


def slide_differences(store: SlideStore) -> tuple[int, list[Difference]]:
    """How many rows a slide has, and what is not as it was written or said.

    Raises:
        One of `UNREADABLE`: its file cannot be read.
    """
    found = list(_changed(store))
    try:
        rows, more = _recomputed(store)
    except UNREADABLE:
        if not found:
            raise
        return 0, found
    return rows, found + more


def _changed(store: SlideStore) -> Iterator[Difference]:
    """The entries that are not what they were when they were written."""
    then, now = store.sums(), list(store.sums_now())
    times = Counter(what for what, _ in now)
    for what, digest in now:
        if what not in then:
            yield Difference(f"{what} was changed, or put in", _BACKUP)
        elif then[what] != digest:
            yield Difference(f"{what} was changed", _BACKUP)
        elif times[what] > 1:
            yield Difference(f"{what} is there {times[what]} times", _BACKUP)
    for what in then:
        if what not in times:
            yield Difference(f"{what} is missing", _BACKUP)


def _recomputed(store: SlideStore) -> tuple[int, list[Difference]]:
    """How many rows there are, and where they do not give the verdict that was issued."""
    opening = store.opening()
    if opening is None:
        return 0, []  # it died before its first row was durable: nobody was told of it
    records, others = [kept.record for kept in store.records()], store.others()
    batch = to_json(decide(fold([*records, *others])))
    found = []
    if streamed(opening, records, others) != batch:
        what = "its rows give one verdict at once and another one by one"
        found.append(Difference(what, "Report it with the slide's file: the software is at fault"))
    issued = store.last_verdict()
    if issued is None and any(isinstance(row, Closing) for row in others):
        found.append(Difference("it has ended, and no verdict was issued", _COMPLETE))
    if issued is not None and issued.body != batch:
        what = "its rows give another verdict than was issued"
        found.append(Difference(what, _remedy(issued.body)))
    return len(records) + len(others), found


def streamed(opening: Opening, records: Sequence[Record], others: Sequence[Row]) -> bytes:
    """The verdict of rows that come one by one, looked at after each: a scan's own course."""
    evidence = Evidence(opening)
    before = [row for row in others if not isinstance(row, Closing)]
    after = [row for row in others if isinstance(row, Closing)]
    for row in (*before, *records, *after):
        evidence.add(row)
        evidence.summary()
    return to_json(decide(evidence.summary()))


def chain_differences(
    state_dir: Path, noted: Head | None = None
) -> tuple[list[Entry], list[Difference]]:
    """The chain, and where it does not hold or is not what the slides' files hold.

    Args:
        state_dir: A state folder.
        noted: A head that somebody kept elsewhere.

    Raises:
        One of `UNREADABLE`: a file cannot be read.
    """
    entries: list[Entry] = []
    named: dict[str, tuple[str, str, str]] = {}
    heads = [] if noted is None else [noted]
    if (state_dir / FILE).exists():
        central = Central(state_dir, read_only=True)
        try:
            entries = list(central.entries())
            heads += filter(None, [central.head()])
            named = {slide: central.identifiers(slide) for slide in central.identified()}
        finally:
            central.close()
    device = signing.known(state_dir)
    broken = chain.first_broken(entries, heads, None if device is None else device.public)
    if broken is not None:
        return entries, [Difference(broken.what, _BACKUP)]
    found = list(_misnamed(named, entries))
    names = {str(e.body["slide"]) for e in entries if e.kind in (chain.VERDICT, chain.DELETED)}
    for slide in sorted(names | set(shelf.slides(state_dir))):
        own = [entry for entry in entries if entry.body.get("slide") == slide]
        found += _unlinked(state_dir, slide, own)
    return entries, found


def _misnamed(
    named: Mapping[str, tuple[str, str, str]], entries: Sequence[Entry]
) -> Iterator[Difference]:
    """Where a slide's identifiers are not those that it was opened with."""
    said: dict[str, str] = {}
    for entry in entries:
        if entry.kind == chain.IDENTIFIED:
            said[str(entry.body["slide"])] = str(entry.body["sha256"])
        if entry.kind == chain.DELETED:
            said.pop(str(entry.body["slide"]), None)
    for slide in sorted({*said, *named}):
        if slide not in named or said.get(slide) != identity_hash(slide, *named[slide]):
            yield Difference(f"the identifiers of slide {slide} were changed", _BACKUP)


def _unlinked(state_dir: Path, slide: str, own: Sequence[Entry]) -> Iterator[Difference]:
    try:
        held = _held(state_dir, slide)
    except UNREADABLE as error:
        yield Difference(f"the file of slide {slide} is damaged: {error}", _BACKUP)
        return
    if any(entry.kind == chain.DELETED for entry in own):
        if held is not None:
            yield Difference(f"slide {slide} was deleted, and its file is still there", _FINISH)
        return
    issued, seal = held or ({}, "")
    named = [entry for entry in own if entry.kind in (chain.VERDICT, chain.REVISED)]
    for entry in named:
        revision = entry.body["revision"]
        if issued.pop(revision, None) != (entry.body["sha256"], entry.body["issued_at_us"]):
            what = f"entry {entry.seq} names a verdict that slide {slide} does not hold"
            yield Difference(what, _BACKUP)
        elif entry is named[-1] and entry.body["seal"] != seal:
            what = f"the sums of slide {slide} are not those of entry {entry.seq}"
            yield Difference(what, _BACKUP)
    for revision in issued:
        yield Difference(f"verdict {revision} of slide {slide} is not in it", _COMPLETE)


def _held(
    state_dir: Path, slide: str
) -> tuple[dict[str | int, tuple[str | int, str | int]], str] | None:
    """The hash and the time of each verdict that a slide's file holds, and the file's seal."""
    store = shelf.read(state_dir, slide)
    if store is None:
        return None
    try:
        issued: dict[str | int, tuple[str | int, str | int]] = {
            each.revision: (hash_of(each.body), each.issued_at_us)
            for each in (*store.verdicts(), *store.revisions())
        }
        return issued, seal_of(store.sums())
    finally:
        store.close()


def _remedy(issued: bytes) -> str:
    """What to do where an issued verdict is not made again."""
    now = f"cytoedge {version('cytoedge')}"
    then = json.loads(issued).get("identities", {}).get("software", now)
    return _BACKUP if then == now else f"Verify it with {then}, which issued it; this is {now}"
