"""Kills at the points of a field's life, by what the daemon does with its files there."""

import random
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from drivers.scanner.link import ScannerLink
from drivers.scanner.messages import Committed
from drivers.sources.camera import Camera
from drivers.sources.faults import Faults
from drivers.sources.scanner import Pace, Scan, scan_slide, start
from drivers.sources.simulated.render import Options, SimulatedSlide
from edge.journal import shelf, verifying
from tests.edge.daemon.rig import SMALL, Rig
from tests.fault import shim
from tests.fault.supervised import Supervised

WAL = "slides/*/slide.sqlite-wal"
PHASES = {
    "before decode": ("write|in-hand|{}|after", 2, 4),
    "after score": (f"begin|{WAL}|{{}}|before", 2, 4),
    "in commit": (f"write|{WAL}|{{}}|before", 8, 40),
    "before the answer": (f"sync|{WAL}|{{}}|after", 2, 4),
    "at a send": ("send|.|{}|before", 1, 8),
}
"""Each with the operation, and the least and the greatest number of it at which to kill.

A capture is noted in `in-hand` before it is decoded; a commit's first write comes after the score,
its fsync before the answer. The first write and fsync of a daemon are of the log that it finds.
"""
SLIDE = "sim-3"
PACE = Pace(fields_per_s=12)
"""As a quick scanner: few fields are in hand at a time, and few are suspects at the next start."""


def run(
    library: Path,
    seed: int,
    kills: int,
    fields: int,
    engine: str = "idle",
    camera: Camera = SMALL,
) -> tuple[Counter[str], bytes, dict[str, str]]:
    """A slide whose daemon is killed so often, and started again.

    Returns:
        The kills by phase; the verdict; the sums of all records.

    Raises:
        AssertionError: Something that was told is not so.
    """
    chance = random.Random(seed)  # noqa: S311
    names = [list(PHASES)[(seed + n) % len(PHASES)] for n in range(kills)]
    chance.shuffle(names)
    with tempfile.TemporaryDirectory(prefix="ce") as name:
        folder = Path(name)
        state = folder / "state"
        rig = Rig(folder, {"engine": engine})
        lives = []
        for number, phase in enumerate(names):
            fault, least, most = PHASES[phase]
            fault = fault.format(chance.randint(least, most))
            lives.append(shim.environment(library, state, folder / f"log-{number}", fault=fault))
        told: Counter[str] = Counter()

        def hear(answer: Any) -> None:
            scan.hear(answer)
            if isinstance(answer, Committed) and not answer.again:
                told[f"record f{answer.field}.c{answer.capture}.p{answer.plane}"] += 1

        source = SimulatedSlide(Options(seed=3, fields=fields, camera=camera))
        scan = start(source.facts)
        with (
            Supervised(rig, lives, {}),
            ScannerLink(rig.drivers, "sim", on_answer=hear) as link,
        ):
            scan_slide(link, source, scan, pace=PACE, faults=Faults(), on_progress=_ignore)
        rig.environment = {}
        rig.start()
        rig.wait_until(lambda _: True)
        assert rig.end() == 0
        store = shelf.read(state, SLIDE)
        assert store is not None
        try:
            assert verifying.slide_differences(store)[1] == []
            sums, issued = store.sums(), store.verdicts()
        finally:
            store.close()
        assert verifying.chain_differences(state)[1] == []
        records = {what: digest for what, digest in sums.items() if what.startswith("record")}
        assert told.keys() <= records.keys(), "a committed capture is lost"
        assert len(records) == fields
        assert len(issued) == 1
        done = Counter(
            phase
            for number, phase in enumerate(names)
            if (log := folder / f"log-{number}").exists()
            and any(op.op == "killed" for op in shim.read(log))
        )
        return done, issued[0].body, records


def _ignore(_: Scan) -> None:
    pass
