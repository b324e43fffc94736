"""Whether what was kept still gives what was said: reads only, beside a daemon or without one."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from edge.evidence.fold import Evidence, fold
from edge.journal import shelf
from edge.journal.central import Central, Link
from edge.journal.store import SlideStore, StoreFault
from edge.slide.record import Closing, Opening, Record, Row
from edge.verdict.decide import decide
from edge.verdict.verdict import hash_of, to_json

DAMAGED = (
    StoreFault, sqlite3.Error, ValueError, LookupError, TypeError, AttributeError, OverflowError,
)  # fmt: skip
"""What reading a file raises that was changed by hand or by a failing disk."""
_BACKUP = "Keep the file, and put the one of the last backup in its place"
_COMPLETE = "Start the daemon once: it completes the chain. If it was complete, put a backup back"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it was said."""

    what: str
    remedy: str


def slide_differences(store: SlideStore) -> tuple[int, list[Difference]]:
    """How many rows a slide has, and where they do not give the verdict that was issued.

    Raises:
        One of `DAMAGED`: its file cannot be read.
    """
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


def chain_differences(state_dir: Path) -> tuple[int, list[Difference]]:
    """How long the chain is, and where it does not hold or is not what the slides' files hold.

    Raises:
        One of `DAMAGED`: a file cannot be read.
    """
    links = []
    if (state_dir / "cytoedge.sqlite").exists():
        central = Central(state_dir, read_only=True)
        try:
            links, broken = list(central.links()), central.first_broken()
        finally:
            central.close()
        if broken is not None:
            what = f"entry {broken.seq}, slide {broken.slide}, does not follow from the one before"
            return len(links), [Difference(what, _BACKUP)]
    of_slide: defaultdict[str, list[Link]] = defaultdict(list)
    for link in links:
        of_slide[link.slide].append(link)
    names = sorted({*of_slide, *shelf.slides(state_dir)})
    return len(links), [each for name in names for each in _unlinked(state_dir, name, of_slide)]


def _unlinked(state_dir: Path, slide: str, of_slide: dict[str, list[Link]]) -> Iterator[Difference]:
    try:
        issued = _issued(state_dir, slide)
    except DAMAGED as error:
        yield Difference(f"the file of slide {slide} is damaged: {error}", _BACKUP)
        return
    named = {link.revision: link for link in of_slide[slide]}
    for revision, link in named.items():
        if issued.get(revision) != link.verdict:
            what = f"entry {link.seq} names a verdict that slide {slide} does not hold"
            yield Difference(what, _BACKUP)
    for revision in issued.keys() - named.keys():
        yield Difference(f"verdict {revision} of slide {slide} is not in it", _COMPLETE)


def _issued(state_dir: Path, slide: str) -> dict[int, str]:
    """The hash of each verdict that a slide's file holds, by its revision."""
    store = shelf.read(state_dir, slide)
    if store is None:
        return {}
    try:
        issued = [(verdict.revision, verdict.body) for verdict in store.verdicts()]
        return {number: hash_of(body) for number, body in (*issued, *store.revisions())}
    finally:
        store.close()


def _remedy(issued: bytes) -> str:
    """What to do where an issued verdict is not made again."""
    now = f"cytoedge {version('cytoedge')}"
    then = json.loads(issued).get("identities", {}).get("software", now)
    return _BACKUP if then == now else f"Verify it with {then}, which issued it; this is {now}"
