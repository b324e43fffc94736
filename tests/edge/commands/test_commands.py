"""The commands, run as a person runs them, against a real daemon."""

import json
import re
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drivers.scanner.messages import Event
from drivers.scanner.words import EventKind
from edge.commands.watching import View
from edge.heads.head import Kind
from edge.journal import shelf
from engines.card import SHIPPED
from tests.edge.daemon.rig import Rig, slide
from tests.edge.heads.made import CLASSES, arrays, file_of, sha256

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    """A daemon that has judged one slide, and holds another one open."""
    with tempfile.TemporaryDirectory(prefix="ce") as name:
        rig = Rig(Path(name)).start()
        rig.scan(slide(fields=6))
        yield rig
        rig.end()


def cytoedge(*arguments: str, timeout_s: float = 120) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "edge.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)


def ask(rig: Rig, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return cytoedge(*arguments, "--settings", str(rig.place.file))


def test_status_says_what_the_daemon_does(rig: Rig) -> None:
    said = json.loads(ask(rig, "status", "--json").stdout)
    assert said["ready"] is True
    assert said["model"].startswith(SHIPPED.name)
    assert said["fields_per_1000_s"] > 0
    assert said["heap_bytes"] > 1_000_000
    assert said["alerts"] == []
    assert "ready: yes" in ask(rig, "status").stdout


def test_slides_are_listed_and_shown(rig: Rig) -> None:
    (listed,) = json.loads(ask(rig, "slides", "list", "--json").stdout)["slides"]
    assert (listed["slide"], listed["has_ended"], listed["planned_fields"]) == ("sim-3", True, 6)
    assert "sim-3" in ask(rig, "slides", "list").stdout
    shown = json.loads(ask(rig, "slides", "show", "sim-3", "--json").stdout)
    keys = {
        "state", "outcome", "category", "not_excluded", "not_assessed", "reasons", "coverage",
        "adequacy", "counts", "identities",
    }  # fmt: skip
    assert keys <= shown["verdict"].keys()
    assert {"planned", "usable", "empty", "pending", "lost"} == shown["verdict"]["coverage"].keys()
    assert {"cells", "low", "high", "minimum", "state"} == shown["verdict"]["adequacy"].keys()
    assert len(shown["records"]) == 6
    assert shown["curve"][-1]["counts"] == shown["verdict"]["counts"]
    words = ask(rig, "slides", "show", "sim-3").stdout
    assert "research use only" in words
    assert "Images: 6" in words


def test_a_slide_is_shown_as_a_page_with_its_pictures(rig: Rig, tmp_path: Path) -> None:
    file = tmp_path / "sim-3.html"
    assert ask(rig, "slides", "show", "sim-3", "--html", str(file)).returncode == 0
    told, page = rig.ask("verdict", "sim-3"), file.read_text()
    gallery = told["verdict"]["gallery"]
    assert page.count("data:image/jpeg;base64,/9j/") == len(gallery) > 3
    assert "What was said" in page
    assert told["curve"][-1]["settled"] == told["verdict"]["coverage"]["planned"]
    assert told["curve"][-1]["outcome"] == told["verdict"]["outcome"]
    done = ask(rig, "slides", "show", "sim-3", "--html", "/no/such/folder/page.html")
    assert (done.returncode, "--html=" in done.stderr) == (2, True)


def test_i12_a_head_is_asked_offline_and_no_verdict_knows_it(rig: Rig, tmp_path: Path) -> None:
    before = rig.ask("verdict", "sim-3")
    file, model = tmp_path / "head.npz", before["verdict"]["identities"]["model"]
    for kind in Kind:
        file.write_bytes(file_of(arrays(kind, model=model)))
        told = ["--head", str(file), "--sha256", sha256(file.read_bytes())]
        said = json.loads(ask(rig, "slides", "head", "sim-3", *told, "--json").stdout)
        assert said["says"] in CLASSES
        assert said["cells"] > 3
        assert set(said["logits_milli"]) == set(CLASSES)
    assert "no part of any verdict" in ask(rig, "slides", "head", "sim-3", *told).stdout
    assert rig.ask("verdict", "sim-3") == before
    assert before["verdict"]["head"] == "not trained"
    file.write_bytes(file_of(arrays(Kind.MEAN, model="another")))
    told[-1] = sha256(file.read_bytes())
    done = ask(rig, "slides", "head", "sim-3", *told)
    assert (done.returncode, "it reads embeddings of another" in done.stderr) == (2, True)


def test_an_unknown_slide_is_refused_in_words(rig: Rig) -> None:
    done = ask(rig, "slides", "show", "nobody")
    assert done.returncode == 2
    assert "slide=nobody: no such slide is here. `cytoedge slides list`" in done.stderr


def test_verify_recomputes_every_verdict_and_finds_a_changed_one(rig: Rig) -> None:
    assert ask(rig, "verify").returncode == 0
    said = json.loads(ask(rig, "verify", "--json").stdout)
    assert said["is_well"] is True
    assert [check["name"] for check in said["checks"]] == ["sim-3", "chain"]
    with tempfile.TemporaryDirectory(prefix="ce") as name:
        other = Rig(Path(name)).start()
        other.scan(slide(fields=2))
        other.end()
        path = shelf.path(other.place.settings.state_dir, "sim-3")
        with sqlite3.connect(path) as sql:
            sql.execute("DELETE FROM records WHERE field = 1")
        sql.close()
        done = ask(other, "verify")
        assert done.returncode == 1
        assert "its rows give another verdict" in done.stdout


def test_doctor_finds_nothing_wrong_here_and_what_is_wrong_there(rig: Rig) -> None:
    well = json.loads(ask(rig, "doctor", "--json").stdout)
    names = {check["name"] for check in well["checks"]}
    assert {"settings", "state", "disk", "engine", "daemon"} <= names
    assert well["is_well"] is True
    with tempfile.TemporaryDirectory(prefix="ce") as name:
        ill = Rig(Path(name), {"model": "/no/such/model"})
        done = ask(ill, "doctor", "--json")
    assert done.returncode == 1
    wrong = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert "/no/such/model" in wrong["engine"]["text"]
    assert wrong["engine"]["remedy"]
    assert wrong["daemon"]["remedy"] == "Start it: `cytoedge run`"


def test_watch_prints_one_event_a_line(rig: Rig) -> None:
    command = [sys.executable, "-m", "edge.cli", "watch", "--json"]
    command += ["--settings", str(rig.place.file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        rig.scan(slide(fields=4, slide="watched"))
        kinds, numbers = [], []
        for line in watching.stdout:
            event = json.loads(line)
            kinds.append(event["kind"])
            numbers.append(event["seq"])
            if event["kind"] == "verdict" and event["body"]["state"] == "final":
                break
        watching.terminate()
    assert {"field_checked", "verdict"} <= set(kinds)
    assert numbers == sorted(set(numbers))


def test_the_live_view_shows_the_last_news_of_every_slide() -> None:
    view = View()
    bodies: dict[EventKind, dict[str, Any]] = {
        EventKind.PROGRESS: {
            "committed": 3, "planned": 9, "waited_ms": 1_500, "engine_is_slow": True,
        },
        EventKind.FIELD_CHECKED: {
            "field": 2, "capture": 1, "disposition": "unusable", "reasons": ["out_of_focus"],
        },
        EventKind.ANNOUNCEMENT: {
            "category": "HSIL", "milli_log10_e": 3_054, "findings": 3, "points": 1_000,
        },
        EventKind.VERDICT: {
            "category": None, "outcome": "incomplete", "state": "provisional",
            "adequacy": {"cells": 12},
        },
    }  # fmt: skip
    bodies[EventKind.REQUEST] = {"words": "Send field 2 again", "answer": "done"}
    bodies[EventKind.TO_DO] = {"to_do": ["Field 3: it is not here. Send it"]}
    for seq, (kind, body) in enumerate(bodies.items()):
        view.take(Event(kind=kind, slide="s", boot="b", seq=seq, body=body))
    alert = {"severity": "fault", "text": "The disk failed.", "remedy": "Mend it."}
    view.take(Event(kind=EventKind.HEALTH, slide=None, boot="b", seq=9, body=alert))
    table = view.table()
    cells = [list(column.cells) for column in table.columns]
    assert cells == [
        ["s"], ["3 of 9"], ["f2.c1 unusable (out_of_focus)"], ["Send field 2 again: done"], ["12"],
        ["HSIL (3 findings, E = 10^3.1)"],
        ["incomplete (provisional)"], ["1.5 s, engine is slower"],
    ]  # fmt: skip
    to_do = "s: Field 3: it is not here. Send it"
    assert str(table.caption) == f"{to_do}\nFAULT: The disk failed. Mend it."
    bodies[EventKind.VERDICT]["state"] = "final"
    view.take(
        Event(kind=EventKind.VERDICT, slide="s", boot="b", seq=10, body=bodies[EventKind.VERDICT])
    )
    assert str(view.table().caption) == "FAULT: The disk failed. Mend it."


def test_a_second_daemon_on_the_same_state_is_refused(rig: Rig) -> None:
    done = ask(rig, "run")
    assert done.returncode == 2
    assert "another daemon runs on it" in done.stderr


def test_demo_prints_a_final_verdict_and_its_time() -> None:
    done = cytoedge("demo", "--fields", "3", "--seed", "5", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["verdict"]["state"] == "final"
    assert said["last_field_to_verdict_s"] >= 0


def test_demo_refuses_a_specimen_that_it_does_not_know() -> None:
    done = cytoedge("demo", "--specimen", "brain")
    assert done.returncode == 2
    assert "negative, lsil, asc-h, hsil" in done.stderr


def test_a_recording_played_again_gives_the_same_verdict(rig: Rig, tmp_path: Path) -> None:
    door, file = f"ipc://{rig.folder}/recorder.socket", tmp_path / "slide.rec"
    record = [sys.executable, "-m", "edge.cli", "record", "--to", str(file), "--listen", door]
    with subprocess.Popen([*record, "--endpoint", rig.drivers]) as recorder:
        source = slide(fields=3, slide="recorded")
        recorded = Rig.scan(_Through(rig, door), source).verdict
        assert recorder.wait(60) == 0
    with tempfile.TemporaryDirectory(prefix="ce") as name:
        other = Rig(Path(name)).start()
        done = cytoedge("scan", "replay", str(file), "--endpoint", other.drivers, "--json")
        assert done.returncode == 0, done.stderr
        assert other.ask("verdict", "recorded")["verdict"] == recorded
        other.end()


class _Through(Rig):
    """The same daemon, by another door."""

    def __init__(self, rig: Rig, door: str) -> None:
        super().__init__(rig.folder)
        self._door = door

    @property
    def drivers(self) -> str:
        return self._door


def test_every_command_is_in_the_readme() -> None:
    readme = (REPOSITORY / "README.md").read_text()
    listed = re.findall(r"^\S*\s+│?\s*(\w+)  ", cytoedge("--help").stdout, re.MULTILINE)
    commands = {"run", "demo", "scan", "record", "status", "watch", "slides", "verify", "doctor"}
    assert commands <= set(listed)
    for command in (*commands, "bench", "engines", "validate"):
        assert f"cytoedge {command}" in readme, command


def test_the_pipeline_fits_on_a_screen_and_names_every_stage() -> None:
    text = (REPOSITORY / "edge" / "pipeline.py").read_text()
    assert text.count("\n") <= 100
    for stage in (
        "intake",
        "decode",
        "assess",
        "detect",
        "on_disk",
        "evidence",
        "decide",
        "report",
    ):
        assert stage in text
