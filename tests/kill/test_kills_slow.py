"""`make test-slow PART=kills`: how soon a killed daemon answers and judges again.

Writes its figure into `docs/reliability.md`. Seeded; each kill is a run of its own, so that what
was done is not done again after a break.
"""

import json
import random
import tempfile
import threading
import time
from pathlib import Path

import pytest

from drivers.scanner.link import ScannerLink
from drivers.scanner.messages import Committed, Refused
from drivers.sources.faults import Faults
from drivers.sources.scanner import Scan, scan_slide, start
from tests.edge.daemon.rig import AT_ONCE, Rig, slide

KILLS, FIELDS = 100, 12
REPOSITORY = Path(__file__).parents[2]
PAGE = REPOSITORY / "docs" / "reliability.md"
DONE = REPOSITORY / "build" / "kills.json"
HEADING = "## A killed daemon comes back"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(45 * 60)]


def test_kills_a_killed_daemon_answers_and_judges_again() -> None:
    DONE.parent.mkdir(exist_ok=True)
    done: list[list[float]] = json.loads(DONE.read_text()) if DONE.exists() else []
    for seed in range(len(done), KILLS):
        done.append(list(_one_kill(seed)))
        DONE.write_text(json.dumps(done))
    answering, judging = (sorted(times) for times in zip(*done, strict=True))
    _write(answering, judging)
    assert answering[-1] <= 2
    assert judging[-1] <= 30


def _one_kill(seed: int) -> tuple[float, float]:
    """Seconds from the restart to the first answer, and to the engine's proof."""
    chance = random.Random(seed)  # noqa: S311
    times: list[float] = []
    with tempfile.TemporaryDirectory(prefix="ce") as name:
        rig = Rig(Path(name)).start()
        kill_at = chance.randrange(1, FIELDS)

        def kill() -> None:
            rig.kill()
            began_s = time.monotonic()
            rig.start()
            for holds in (lambda _: True, lambda status: bool(status["ready"])):
                rig.wait_until(holds)
                times.append(time.monotonic() - began_s)

        def hear(answer: Committed | Refused) -> None:
            scan.hear(answer)
            if scan.dispositions.total() == kill_at and killer.ident is None:
                killer.start()

        killer = threading.Thread(target=kill)
        source = slide(FIELDS)
        scan = start(source.facts)
        with ScannerLink(rig.drivers, "sim", on_answer=hear) as link:
            scan_slide(link, source, scan, pace=AT_ONCE, faults=Faults(), on_progress=_ignore)
        killer.join()
        assert scan.dispositions.total() == FIELDS
        assert scan.verdict is not None
        rig.end()
    return times[0], times[1]


def _write(answering: list[float], judging: list[float]) -> None:
    """The figure's section of the page, in place of an older one."""
    n = len(answering)
    section = f"""{HEADING}

`make test-slow PART=kills`: {n} slides, the daemon killed with SIGKILL at a random committed field,
started again, and the slide finished. Every field was committed once, every slide got its verdict.

| seconds from the restart | median | 95 % | slowest |
| --- | --- | --- | --- |
| until it answers (limit 2) | {_row(answering)} |
| until the engine is proved (limit 30) | {_row(judging)} |
"""
    before, found, after = PAGE.read_text().partition(HEADING)
    rest = after.partition("\n## ")[2] if found else ""
    PAGE.write_text(before + section + (f"\n## {rest}" if rest else ""))


def _row(times: list[float]) -> str:
    picked = (times[len(times) // 2], times[len(times) * 95 // 100], times[-1])
    return " | ".join(f"{seconds:.2f}" for seconds in picked)


def _ignore(_: Scan) -> None:
    pass
