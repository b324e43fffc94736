"""One operation on a file fails, and the slide must end as it would have ended without that."""

import re
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from drivers.scanner.link import ScannerLink
from drivers.scanner.messages import Committed, Refused
from drivers.sources.faults import Faults
from drivers.sources.scanner import Scan, scan_slide, start
from edge.journal import shelf, verifying
from edge.journal.store import SlideStore
from tests.edge.daemon.rig import AT_ONCE, Rig, slide
from tests.fault import shim
from tests.fault.shim import ERRORS, Op
from tests.fault.supervised import Supervised

SLIDE, FIELDS = "sim-3", 4
HANG_S = 10.0
_OPERATIONS = ("create", "open", "write", "sync", "truncate", "rename", "unlink", "mkdir")


@dataclass(frozen=True, slots=True)
class Site:
    """An operation of a kind on a file, the n-th of its kind."""

    op: str
    pattern: str
    number: int

    def fault(self, how: str) -> str:
        return f"{self.op}|{self.pattern}|{self.number}|{how}"


@dataclass(frozen=True, slots=True)
class Unbroken:
    """What an unbroken run leaves, and the operations that it needs."""

    ops: list[Op]
    sums: dict[str, str]
    verdict: bytes
    outcome: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a fault."""

    has_fired: bool
    """Whether the operation came at all: their number is not the same in every run."""
    restarts: int
    silent_s: float
    """The longest that the driver waited for the next answer."""


def sites(ops: list[Op]) -> Iterator[Site]:
    """Of every kind of operation on every file the first, the middle and the last."""
    counts = Counter((op.op, _pattern(op.path)) for op in ops if op.op in _OPERATIONS)
    for (op, pattern), count in sorted(counts.items()):
        for number in sorted({1, (count + 1) // 2, count}):
            yield Site(op, pattern, number)


def every(ops: list[Op], kinds: tuple[str, ...]) -> list[Site]:
    """Of these kinds of operation on every file each one."""
    counts = Counter((op.op, _pattern(op.path)) for op in ops if op.op in kinds)
    return [
        Site(op, pattern, number)
        for (op, pattern), count in sorted(counts.items())
        for number in range(1, count + 1)
    ]


def ways(site: Site) -> list[str]:
    """How an operation can fail: only a write can fall short."""
    return [*map(str, ERRORS.values()), *(["short"] if site.op == "write" else [])]


def unbroken(library: Path, fields: int = FIELDS, engine: str = "idle") -> Unbroken:
    """A run without a fault, noted."""
    with tempfile.TemporaryDirectory(prefix="ce") as name:
        folder = Path(name)
        rig = Rig(folder, {"engine": engine})
        rig.environment = shim.environment(library, folder / "state", folder / "log")
        rig.start()
        scan = rig.scan(slide(fields))
        assert rig.end() == 0
        assert scan.verdict is not None
        sums, verdict = _kept(folder / "state")
        ops = shim.read(folder / "log")
        return Unbroken(ops, sums, verdict, scan.verdict["outcome"])


def run(library: Path, fault: str, expected: Unbroken, fields: int = FIELDS) -> Outcome:
    """The same slide, where one operation fails, under a service manager.

    Raises:
        AssertionError: Something that was told is not so, or the verdict is another.
    """
    with tempfile.TemporaryDirectory(prefix="ce") as name:
        folder = Path(name)
        state = folder / "state"
        rig = Rig(folder, {"engine": "idle"})
        faulty = shim.environment(library, state, folder / "log", fault=fault)
        heard: list[float] = [time.monotonic()]
        told: set[str] = set()

        def hear(answer: Any) -> None:
            scan.hear(answer)
            heard.append(time.monotonic())
            if isinstance(answer, Committed):
                image = f"record f{answer.field}.c{answer.capture}.p{answer.plane}"
                told.add(image)
                assert image in _durable(state), f"{image} was told, and is not there"
            assert not isinstance(answer, Refused) or answer.retry, answer

        source = slide(fields)
        scan = start(source.facts)
        with Supervised(rig, [faulty], {}) as manager:
            with ScannerLink(rig.drivers, "sim", on_answer=hear) as link:
                scan_slide(link, source, scan, pace=AT_ONCE, faults=Faults(), on_progress=_ignore)
            heard.append(time.monotonic())
        assert scan.verdict is not None
        assert scan.verdict["outcome"] == expected.outcome != "category"
        rig.environment = {}
        rig.start()
        rig.wait_until(lambda _: True)
        assert rig.end() == 0
        sums, verdict = _kept(state)
        assert verdict == expected.verdict
        assert _records(sums) == _records(expected.sums)
        assert verifying.chain_differences(state)[1] == []
        has_fired = any(op.op in ("failed", "killed") for op in shim.read(folder / "log"))
        gaps = [later - earlier for earlier, later in pairwise(heard)]
        return Outcome(has_fired, len(manager.exits), max(gaps))


def _pattern(path: str) -> str:
    return re.sub(r"\.\d+\.new$", ".*.new", path)


def _records(sums: dict[str, str]) -> dict[str, str]:
    return {what: digest for what, digest in sums.items() if what.startswith("record")}


def _durable(state: Path) -> dict[str, str]:
    store = shelf.read(state, SLIDE)
    assert store is not None
    found = store.sums()
    store.close()
    return found


def _kept(state: Path) -> tuple[dict[str, str], bytes]:
    store = SlideStore(shelf.path(state, SLIDE), read_only=True)
    assert verifying.slide_differences(store)[1] == []
    issued, sums = store.last_verdict(), store.sums()
    store.close()
    assert issued is not None
    return sums, issued.body


def _ignore(_: Scan) -> None:
    pass
