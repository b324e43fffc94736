"""I3 over the socket: whatever is missing or broken, the verdict is not NILM, and says why.

The control is the same slide without the fault, and it is NILM.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from drivers.scanner.link import ScannerLink
from drivers.scanner.lists import ImageKey
from drivers.scanner.messages import Committed, Refused
from drivers.scanner.question import LinkRefused
from drivers.scanner.words import Code, PixelFormat, Purpose
from drivers.sources.camera import Camera
from drivers.sources.faults import Faults
from drivers.sources.simulated.render import Options, SimulatedSlide
from edge.commands.checking import verify_slide
from edge.commands.common import FAULT
from edge.commands.running import MISTAKE
from engines.card import CARD, REFERENCE, SHIPPED, load, sha256_of
from tests.edge.daemon.rig import Rig, slide

FIELDS = 60
"""Enough full-size fields for an adequate slide."""


def specimen(**options: Any) -> SimulatedSlide:
    """A negative slide."""
    options = {"seed": 7004, "fields": FIELDS} | options
    return SimulatedSlide(Options(**options))


@contextmanager
def running(**changed: Any) -> Iterator[Rig]:
    with tempfile.TemporaryDirectory(prefix="ce") as name:
        rig = Rig(Path(name), changed).start()
        yield rig
        if rig.is_alive:
            assert rig.end() == 0


def codes(verdict: dict[str, Any]) -> set[str]:
    return {reason["code"] for reason in verdict["reasons"]}


@pytest.fixture(scope="module")
def control() -> dict[str, Any]:
    with running() as rig:
        scan = rig.scan(specimen())
    assert scan.verdict is not None
    return scan.verdict


def test_the_control_is_a_negative_slide(control: dict[str, Any]) -> None:
    assert (control["state"], control["outcome"]) == ("final", "category"), control["reasons"]
    assert control["category"] == "NILM"


@dataclass(frozen=True)
class Fault:
    name: str
    faults: Faults
    reason: str


FAULTS = [
    Fault("a missing field", Faults(missing=frozenset({37})), "missing"),
    Fault("skipped fields", Faults(skipped=frozenset({37, 38})), "skipped"),
    Fault("a blurred region", Faults(blurred=0.25), "out_of_focus"),
    Fault("evenly defocused", Faults(defocus_um=10.0), "out_of_focus"),
    Fault("a frozen camera", Faults(frozen=frozenset({37, 38, 39})), "frozen"),
    Fault("a wrong manifest", Faults(manifest_is_wrong=True), "aborted"),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_i3_a_fault_of_the_scan_never_ends_in_nilm(control: dict[str, Any], fault: Fault) -> None:
    with running() as rig:
        scan = rig.scan(specimen(faults=fault.faults), fault.faults)
    assert scan.verdict is not None
    assert scan.verdict["outcome"] == "incomplete", scan.verdict["reasons"]
    assert scan.verdict["category"] is None
    assert fault.reason in codes(scan.verdict)
    # Every slide has a little ground out of focus; the fault is another order of magnitude.
    before = control["coverage"]["lost"].get(fault.reason, 0)
    assert before or fault.reason not in codes(control)
    assert not before or scan.verdict["coverage"]["lost"][fault.reason] > 4 * before


def test_i3_without_a_model_no_slide_is_opened_and_an_open_one_ends_incomplete() -> None:
    source = slide(fields=12)
    with running() as rig:
        send_some(rig, source, 4)
        rig.kill()
        rig.changed["model"] = str(rig.folder / "no-such-model")
        rig.start()
        scan = rig.scan(source)
        with pytest.raises(LinkRefused) as refused:
            rig.scan(slide(seed=4))
        alerts = rig.ask("health")["alerts"]
    assert refused.value.code is Code.ENGINE
    assert "no-such-model" in str(refused.value)
    assert scan.verdict is not None
    assert scan.verdict["outcome"] == "incomplete"
    assert {"engine_unproved", "unprocessed"} <= codes(scan.verdict)
    assert [alert["id"] for alert in alerts] == ["engine"]


def test_i3_an_engine_that_contradicts_its_golden_field_judges_nothing() -> None:
    source = slide(fields=12)
    with running() as rig:
        send_some(rig, source, 4)
        rig.kill()
        rig.changed["model"] = str(_contradicted_model(rig.folder))
        rig.start()
        scan = rig.scan(source)
        with pytest.raises(LinkRefused) as refused:
            rig.scan(slide(seed=4))
    assert refused.value.code is Code.ENGINE
    assert "golden" in str(refused.value)
    assert scan.verdict is not None
    assert scan.verdict["outcome"] == "incomplete"
    assert "engine_unproved" in codes(scan.verdict)


def test_i3_an_engine_that_goes_wrong_while_it_runs_ends_its_slides_incomplete(
    control: dict[str, Any], tmp_path: Path
) -> None:
    source, wrong = slide(fields=12), tmp_path / "wrong"
    (tmp_path / "sitecustomize.py").write_text(_WRONG)
    with tempfile.TemporaryDirectory(prefix="ce") as name:
        rig = Rig(Path(name))
        rig.environment = {
            "PYTHONPATH": os.pathsep.join([str(tmp_path), str(Path.cwd())]),
            "WRONG": str(wrong),
        }
        rig.start()
        send_some(rig, source, 4)
        before = rig.wait_ready()
        wrong.touch()
        scan = rig.scan(source)
        with pytest.raises(LinkRefused) as refused:
            rig.scan(slide(seed=4))
        doctor = subprocess.run(
            [sys.executable, "-m", "edge.cli", "doctor", "--json", "--settings", rig.place.file],
            env=os.environ | rig.environment, capture_output=True, check=False,
        )  # fmt: skip
        assert rig.end() == 0
    assert before["alerts"] == []
    assert "engine_unproved" not in codes(control)
    assert scan.verdict is not None
    assert scan.verdict["outcome"] == "incomplete"
    assert "engine_unproved" in codes(scan.verdict)
    assert refused.value.code is Code.ENGINE
    assert doctor.returncode == 1
    checks = [check for check in json.loads(doctor.stdout)["checks"] if not check["is_well"]]
    assert [check["name"] for check in checks] == ["engine", "engine"]  # its own, the daemon's
    assert all("does not see what the model means" in check["text"] for check in checks)
    assert "Install the model again" in checks[0]["remedy"]


def test_i3_a_full_disk_stops_everything_and_nothing_committed_is_lost() -> None:
    source = slide(fields=30)
    with running() as rig:
        whole = rig.scan(source).verdict
    with tempfile.TemporaryDirectory(prefix="ce") as name, _tmpfs(Path(name)) as state:
        rig = Rig(Path(name), {"state_dir": str(state), "free_disk_percent": 0}).start()
        committed, status, told = _send_until_the_disk_is_full(rig, source)
        assert rig.process is not None
        assert rig.process.wait(30) == FAULT
        subprocess.run(["mount", "-o", "remount,size=64m", str(state)], check=True)
        rig.start()
        rig.wait_ready()
        kept = {(r["field"], r["capture"]) for r in rig.ask("records", "sim-3")["records"]}
        scan = rig.scan(source)
        assert verify_slide(rig.place.settings, "sim-3").is_well
        rig.end()
    assert [alert["id"] for alert in status["alerts"]] == ["disk"]
    assert status["window"]["fields"] == 0
    assert told["verdict"] is None or told["verdict"]["outcome"] != "category"
    assert committed <= kept
    assert len(kept) < 30
    assert scan.verdict == whole


@pytest.mark.parametrize(
    ("how", "status"), [("os.abort()", -signal.SIGABRT), ("raise RuntimeError", MISTAKE)]
)
def test_i3_a_field_that_kills_its_decoder_is_committed_unprocessed(
    tmp_path: Path, how: str, status: int
) -> None:
    camera = Camera(width_px=512, height_px=512, format=PixelFormat.PNG)
    source = SimulatedSlide(Options(seed=3, fields=12, camera=camera))
    deadly = source.capture(ImageKey(field=5, capture=1)).pixels
    (tmp_path / "sitecustomize.py").write_text(_DEADLY.replace("HOW", how))
    with running() as rig:
        control = rig.scan(source).verdict
    with tempfile.TemporaryDirectory(prefix="ce") as name:
        rig = Rig(Path(name)).start()
        rig.environment = {
            "PYTHONPATH": os.pathsep.join([str(tmp_path), str(Path.cwd())]),
            "DEADLY": str(zlib.crc32(deadly)),
        }
        rig.kill()
        rig.start()
        ended: list[int] = []
        stop = threading.Event()
        keeper = threading.Thread(target=_restart_when_dead, args=(rig, stop, ended))
        keeper.start()
        scan = rig.scan(source)
        stop.set()
        keeper.join()
        records = rig.ask("records", source.facts.slide)["records"]
        rig.end()
    assert ended == [status]
    kept = [record["disposition"] for record in records]
    assert (kept.count("used"), kept.count("unprocessed"), len(kept)) == (11, 1, 12)
    assert scan.verdict is not None
    assert scan.verdict["outcome"] == "incomplete"
    assert "unprocessed" in codes(scan.verdict)
    assert control is not None
    assert "unprocessed" not in codes(control)


def test_i3_a_clinical_plan_must_cover_the_spot(control: dict[str, Any]) -> None:
    source = slide(fields=4)
    source.facts = replace(source.facts, purpose=Purpose.CLINICAL)
    with running() as rig:
        with ScannerLink(rig.drivers, "sim") as link:
            opened = _open(link, source)
        scan = rig.scan(source)
    assert "plan_does_not_cover" in opened.answer.flags
    assert scan.verdict is not None
    assert scan.verdict["outcome"] == "incomplete"
    assert {"plan_does_not_cover", "calibration_missing"} <= codes(scan.verdict)
    assert not {"plan_does_not_cover", "calibration_missing"} & codes(control)


_DEADLY = """
import os, zlib
import cv2

decode = cv2.imdecode

def deadly(buffer, *arguments, **named):
    if str(zlib.crc32(bytes(buffer))) == os.environ["DEADLY"]:
        HOW
    return decode(buffer, *arguments, **named)

cv2.imdecode = deadly
"""


_WRONG = """
import os
from engines.openvino_engine import OpenVinoEngine

infer = OpenVinoEngine._infer

def wrong(*arguments):
    first, second = infer(*arguments)
    is_wrong = first.ndim == 4 and os.path.exists(os.environ["WRONG"])
    return (0.9 * first if is_wrong else first), second

OpenVinoEngine._infer = wrong
"""


def _open(link: ScannerLink, source: SimulatedSlide) -> Any:
    facts = source.facts
    return link.open_slide(
        facts.slide, facts.purpose, facts.specimen, facts.preparation, facts.optics, facts.plan,
        registration_nm=facts.registration_nm,
    )  # fmt: skip


def _send(link: ScannerLink, source: SimulatedSlide, field: int) -> None:
    shot = source.capture(ImageKey(field=field, capture=1))
    link.send_field(
        field, shot.pixels, x_nm=shot.x_nm, y_nm=shot.y_nm, z_nm=shot.z_nm,
        width_px=shot.width_px, height_px=shot.height_px, format=shot.format, stride=shot.stride,
    )  # fmt: skip


def send_some(rig: Rig, source: SimulatedSlide, fields: int) -> None:
    with ScannerLink(rig.drivers, "sim") as link:
        _open(link, source)
        for field in range(fields):
            _send(link, source, field)
        link.drain()


def _send_until_the_disk_is_full(
    rig: Rig, source: SimulatedSlide
) -> tuple[set[tuple[int, int]], dict[str, Any], dict[str, Any]]:
    """What was committed before; then the status, and what is said of the slide."""
    committed: set[tuple[int, int]] = set()

    def hear(answer: Committed | Refused) -> None:
        if isinstance(answer, Committed):
            committed.add((answer.field, answer.capture))

    with ScannerLink(rig.drivers, "sim", on_answer=hear) as link:
        _open(link, source)
        for field in range(30):
            _send(link, source, field)
            while (field, 1) not in committed:
                link.pump(0.1)
                if (status := rig.ask("status"))["alerts"]:
                    return committed, status, rig.ask("verdict", source.facts.slide)
    raise AssertionError("the disk was not full")


def _contradicted_model(folder: Path) -> Path:
    """The shipped model with another reference output, and a card that says it is right."""
    model = folder / "contradicted"
    shutil.copytree(SHIPPED, model)
    before = load(model).hashes.reference
    said = json.loads((model / REFERENCE).read_text())
    said["peaks"] = [peak * 0.5 for peak in said["peaks"]]
    (model / REFERENCE).write_text(json.dumps(said))
    card = (model / CARD).read_text()
    (model / CARD).write_text(card.replace(before, sha256_of(model / REFERENCE)))
    return model


@contextmanager
def _tmpfs(folder: Path) -> Iterator[Path]:
    """A disk that holds the journal's files, and a few fields."""
    state = folder / "disk"
    state.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(state)], check=True)
    try:
        yield state
    finally:
        subprocess.run(["umount", "-l", str(state)], check=True)


def _restart_when_dead(rig: Rig, stop: threading.Event, ended: list[int]) -> None:
    """What a service manager does."""
    while not stop.wait(0.05):
        if not rig.is_alive:
            assert rig.process is not None
            ended.append(rig.process.returncode)
            rig.start()
