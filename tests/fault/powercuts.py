"""A daemon's slide, recorded once; power cuts anywhere in it; and what must be there afterwards."""

import json
import random
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from drivers.scanner.link import ScannerLink
from drivers.sources.faults import Faults
from drivers.sources.scanner import Scan, scan_slide, start
from edge.journal import chain, shelf, signing
from edge.journal.central import Central
from edge.journal.store import SlideStore
from tests.edge.daemon.rig import AT_ONCE, Rig, slide
from tests.fault import shim
from tests.fault.disk import Disk, write_to
from tests.fault.shim import Op
from tests.fault.supervised import Supervised

SLIDE = "sim-3"
_TOLD = ("committed", "slide_opened", "slide_closed")


@dataclass
class Recording:
    """All that a daemon did with its files until the slide's end, and all that it told."""

    ops: list[Op]
    sums: dict[str, str]
    """Of the slide's entries at the end."""
    verdict: bytes


@dataclass
class Told:
    """What the driver was told before the power went."""

    is_open: bool = False
    is_closed: bool = False
    images: set[str] = field(default_factory=set)

    def take(self, op: Op) -> None:
        for message in _messages(op.data) if op.op == "send" else ():
            match message["type"]:
                case "slide_opened":
                    self.is_open = True
                case "committed":
                    key = (message["field"], message["capture"], message["plane"])
                    self.images.add("record f{}.c{}.p{}".format(*key))
                case "slide_closed":
                    self.is_closed = message["verdict"] is not None


def record(library: Path, fields: int, fault: str = "", kills: Sequence[int] = ()) -> Recording:
    """A slide under the shim, from the first start in an empty folder.

    Args:
        library: The shim.
        fields: Of the slide.
        fault: One that the first daemon meets; it is started again once it has ended.
        kills: The daemon is killed at so many answers, and started again.
    """
    with tempfile.TemporaryDirectory(prefix="ce") as name:
        folder, log, kills = Path(name), Path(name) / "log", list(kills)
        rig = Rig(folder)
        clean = shim.environment(library, folder / "state", log, with_data=True)
        first = clean | ({"SHIM_FAULT": fault} if fault else {})

        def hear(answer: Any) -> None:
            scan.hear(answer)
            if kills and scan.dispositions.total() >= kills[0]:
                kills.pop(0)
                rig.kill()

        source = slide(fields)
        scan = start(source.facts)
        with (
            Supervised(rig, [first], clean),
            ScannerLink(rig.drivers, "sim", on_answer=hear) as link,
        ):
            scan_slide(link, source, scan, pace=AT_ONCE, faults=Faults(), on_progress=_ignore)
        ops = shim.read(log)
        store = SlideStore(shelf.path(folder / "state", SLIDE))
        issued = store.last_verdict()
        assert issued is not None
        found = Recording(ops, store.sums(), issued.body)
        store.close()
        return found


def cut_and_check(recording: Recording, cuts: int, seed: int) -> tuple[int, int]:
    """Cut the power so often, anywhere in a recording.

    Returns:
        How many committed images were looked for, and how many of them with crops.
    """
    chance, disk, told = random.Random(seed), Disk(), Told()  # noqa: S311
    last = len(recording.ops)
    at = sorted(chance.randrange(last) for _ in range(cuts))
    done = looked = 0
    for number, op in enumerate(recording.ops):
        disk.take(op)
        told.take(op)
        while done < cuts and at[done] == number:
            with tempfile.TemporaryDirectory(prefix="ce", dir=_memory()) as name:
                state = Path(name) / "state"
                state.mkdir()
                write_to(state, disk.cut(chance))
                _check(state, told, recording)
            looked += len(told.images)
            done += 1
    assert told.is_closed, "the recording has no end"
    return done, looked


def _check(state: Path, told: Told, recording: Recording) -> None:
    """I2: what was told is there, whole; what is there holds together."""
    central = Central(state)
    device = signing.known(state)
    heads = filter(None, [central.head()])
    entries = list(central.entries())
    assert device is not None
    assert chain.first_broken(entries, list(heads), device.public) is None
    is_chained = central.has(chain.VERDICT, SLIDE)
    central.close()
    if not shelf.path(state, SLIDE).exists():
        assert not told.is_open, "the slide is lost"
        return
    store = SlideStore(shelf.path(state, SLIDE))
    try:
        store.check_pages()
        now = list(store.sums_now())
        assert dict(now) == store.sums()
        assert len(dict(now)) == len(now)
        assert store.opening() is not None or not told.is_open, "the opening is lost"
        lost = told.images - dict(now).keys()
        assert not lost, f"lost: {sorted(lost)}"
        for what, digest in now:
            if what.startswith("record"):
                assert recording.sums[what] == digest, f"{what} is another"
        if told.is_closed:
            issued = store.last_verdict()
            assert issued is not None, "the verdict is lost"
            assert issued.body == recording.verdict
            assert is_chained
    finally:
        store.close()


def _messages(data: bytes) -> Iterator[dict[str, Any]]:
    """The messages that were sent whole in these bytes of a connection."""
    text, decoder = data.decode("latin-1"), json.JSONDecoder()
    at = text.find("{")
    while at >= 0:
        try:
            found, stop = decoder.raw_decode(text, at)
        except ValueError:
            at = text.find("{", at + 1)
            continue
        if isinstance(found, dict) and found.get("type") in _TOLD:
            yield found
        at = text.find("{", stop)


def _ignore(_: Scan) -> None:
    pass


def _memory() -> str | None:
    """Where files cost no disk."""
    memory = Path("/dev/shm")  # noqa: S108
    return str(memory) if memory.is_dir() and shutil.disk_usage(memory).free > 1 << 30 else None
