"""I2, with the shipped engine: kill daemon or driver anywhere, and the verdict is the same."""

import hashlib
import random
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.scanner.link import ScannerLink
from drivers.scanner.messages import Committed, Refused
from drivers.sources.faults import Faults
from drivers.sources.scanner import scan_slide, start
from edge.journal import shelf
from tests.edge.daemon.rig import AT_ONCE, Rig, slide

FIELDS = 20
POINTS = 10


def verdict(folder: Path) -> bytes:
    """The issued verdict's bytes."""
    store = shelf.read(folder / "state", "sim-3")
    assert store is not None
    issued = store.last_verdict()
    store.close()
    assert issued is not None
    assert issued.revision == 1
    return issued.body


@pytest.fixture(scope="module")
def unbroken() -> Iterator[bytes]:
    with tempfile.TemporaryDirectory(prefix="ce") as name:
        rig = Rig(Path(name)).start()
        rig.scan(slide(FIELDS))
        assert rig.end() == 0
        yield verdict(Path(name))


@pytest.mark.parametrize("point", range(POINTS))
def test_i2_a_daemon_killed_in_mid_slide_loses_and_doubles_nothing(
    point: int, unbroken: bytes
) -> None:
    chance = random.Random(f"daemon {point}")  # noqa: S311
    kill_at = sorted(chance.sample(range(1, FIELDS), 2))
    with tempfile.TemporaryDirectory(prefix="ce") as name:
        rig = Rig(Path(name)).start()
        deaths: list[int] = []

        def hear(answer: Committed | Refused) -> None:
            scan.hear(answer)
            if kill_at and scan.dispositions.total() >= kill_at[0]:
                kill_at.pop(0)
                threading.Event().wait(chance.random() * 0.05)
                rig.kill()
                rig.start()
                deaths.append(scan.dispositions.total())

        source = slide(FIELDS)
        scan = start(source.facts)
        with ScannerLink(rig.drivers, "sim", on_answer=hear) as link:
            scan_slide(link, source, scan, pace=AT_ONCE, faults=Faults(), on_progress=_ignore)
        assert len(deaths) == 2
        assert scan.dispositions["refused"] == 0
        assert rig.end() == 0
        assert hashlib.sha256(verdict(Path(name))).digest() == hashlib.sha256(unbroken).digest()


@pytest.mark.parametrize("point", range(POINTS))
def test_i2_a_driver_killed_in_mid_slide_is_taken_up_by_the_next_one(
    point: int, unbroken: bytes
) -> None:
    chance = random.Random(f"driver {point}")  # noqa: S311
    kill_at = chance.randrange(1, FIELDS - 1)
    with tempfile.TemporaryDirectory(prefix="ce") as name:
        rig = Rig(Path(name)).start()
        rig.wait_ready()
        driver = _driver(rig)
        rig.wait_until(
            lambda status: (
                any(s["committed"] >= kill_at for s in status["open_slides"])
                or driver.poll() is not None
            )
        )
        driver.send_signal(signal.SIGKILL)
        driver.wait()
        assert _driver(rig).wait(120) == 0
        assert rig.end() == 0
        assert verdict(Path(name)) == unbroken


def _driver(rig: Rig) -> "subprocess.Popen[bytes]":
    arguments = [
        "scan", "simulate", "--endpoint", rig.drivers, "--seed", "3", "--fields", str(FIELDS),
        "--width-px", "512", "--height-px", "512", "--fields-per-s", "0", "--json",
    ]  # fmt: skip
    command = [sys.executable, "-m", "edge.cli", *arguments]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)


def _ignore(_: object) -> None:
    pass
