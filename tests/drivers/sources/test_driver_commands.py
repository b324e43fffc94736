"""The drivers' commands, as they are typed."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import typer
from typer.testing import CliRunner, Result

from drivers.commands import _slides, register
from drivers.scanner.words import SlideStatus
from drivers.sources.recording import RecordingWriter
from drivers.sources.simulated.preparation import PREPARATIONS
from drivers.sources.simulated.render import Options
from tests.drivers.sources.sources_daemon import running

SMALL = ["--fields", "4", "--width-px", "256", "--height-px", "256", "--fields-per-s", "0"]


def run(*words: str) -> Result:
    app = typer.Typer()
    register(app)
    return CliRunner().invoke(app, list(words))


def test_a_simulated_slide_is_streamed_and_told_as_one_object(tmp_path: Path) -> None:
    with running(tmp_path) as daemon:
        words = [*SMALL, "--endpoint", daemon.endpoint, "--json", "--slide", "mine"]
        ended = run("scan", "simulate", *words)
    assert ended.exit_code == 0
    told = json.loads(ended.stdout)
    assert (told["slide"], told["sent"], told["state"]) == ("mine", 4, "closed")
    assert told["verdict"] == {"outcome": "category"}
    assert told["dispositions"] == {"used": 4}
    assert ended.stderr == ""


def test_without_json_progress_goes_to_standard_error(tmp_path: Path) -> None:
    with running(tmp_path) as daemon:
        ended = run("scan", "simulate", *SMALL, "--endpoint", daemon.endpoint)
    assert ended.exit_code == 0
    assert "state: closed" in ended.stdout
    assert "Fields sent" in ended.stderr


def test_a_fault_that_ends_the_slide_aborted_is_a_no(tmp_path: Path) -> None:
    with running(tmp_path) as daemon:
        words = [*SMALL, "--endpoint", daemon.endpoint, "--json", "--fault", "manifest"]
        ended = run("scan", "simulate", *words)
        assert daemon.state is SlideStatus.ABORTED
    assert ended.exit_code == 1
    assert json.loads(ended.stdout)["state"] == "aborted"


def test_simulated_slides_are_written_with_their_truth(tmp_path: Path) -> None:
    words = [*SMALL, "--to", str(tmp_path / "data"), "--slides", "2", "--lsil", "3", "--json"]
    ended = run("scan", "simulate", *words)
    assert ended.exit_code == 0
    assert json.loads(ended.stdout)["images"] == 8
    assert len(list((tmp_path / "data" / "images").glob("*.png"))) == 8
    assert "LSIL" in (tmp_path / "data" / "points.csv").read_text()


def test_specimens_and_preparations_take_turns_until_all_pairs_have_come() -> None:
    names, preparations = ["negative", "lsil", "blurred"], PREPARATIONS
    slides = _slides(Options(seed=5, fields=60), 9, names, preparations)
    assert [slide.seed for slide in slides] == list(range(5, 14))
    assert {(slide.contents.lsil, slide.faults.blurred) for slide in slides[:3]} == {
        (0, 0.0),
        (60, 0.0),
        (0, 0.45),
    }
    assert len({slide.preparation for slide in slides[:3]}) == 3
    pairs = {(s.contents.lsil, s.faults.blurred, s.preparation) for s in slides}
    assert len(pairs) == 9
    assert len(_slides(Options(), None, names, preparations[:2])) == 3


def test_a_folder_of_images_is_replayed(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    for number in range(3):
        grey = np.full((64, 80, 3), 40 * number, np.uint8)
        assert cv2.imwrite(str(tmp_path / "images" / f"{number}.png"), grey)
    with running(tmp_path) as daemon:
        words = ["--endpoint", daemon.endpoint, "--json", "--fields-per-s", "0"]
        without = run("scan", "replay", str(tmp_path / "images"), *words)
        ended = run("scan", "replay", str(tmp_path / "images"), "--um-per-px", "0.25", *words)
    assert without.exit_code == 2
    assert "--um-per-px" in without.stderr
    assert ended.exit_code == 0
    assert json.loads(ended.stdout)["sent"] == 3
    assert daemon.opened[0].purpose == "replay"


def test_an_empty_recording_is_played_and_is_a_no(tmp_path: Path) -> None:
    with RecordingWriter(tmp_path / "recording", "now", "test"):
        pass
    with running(tmp_path) as daemon:
        words = ["--endpoint", daemon.endpoint, "--json"]
        ended = run("scan", "replay", str(tmp_path / "recording"), *words)
    assert ended.exit_code == 1
    assert json.loads(ended.stdout) == {
        "sent": 0,
        "known_before": 0,
        "refused": [],
        "verdict": None,
        "is_cut_short": False,
    }


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["scan", "simulate", "--specimen", "dog"], "specimen='dog'"),
        (["scan", "simulate", "--fault", "dust"], "fault='dust'"),
        (["scan", "simulate", "--width-px", "30"], "width_px=30"),
        (["scan", "simulate", "--fields-per-s", "-1"], "fields_per_s=-1"),
        (["scan", "simulate", "--slides", "2"], "slides=2"),
        (["scan", "simulate", "--specimen", "lsil", "--specimen", "hsil"], "slides=2"),
        (["scan", "simulate", "--preparation", "cytospin"], "preparation=cytospin"),
        (["scan", "replay", "/nowhere"], "--um-per-px"),
        (["scan", "replay", __file__], "is no recording"),
        (["record", "--to", "/nowhere/file", "--listen", "ipc:///tmp/x"], "No such file"),
    ],
)
def test_wrong_use_is_told_in_a_line_and_ends_with_2(words: list[str], named: str) -> None:
    ended = run(*words)
    assert ended.exit_code == 2
    assert named in ended.stderr
    assert ended.stdout == ""


def test_record_needs_a_place_that_it_can_listen_at(tmp_path: Path) -> None:
    listen = f"ipc://{tmp_path}/no/such/place"
    ended = run("record", "--to", str(tmp_path / "file"), "--listen", listen, "--json")
    assert ended.exit_code == 2
    assert "listen=" in ended.stderr
