"""`cytoedge validate DIR`: a site's slides with known answers, through a real daemon."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from drivers.problem import Refusal
from drivers.sources.recording import RecordingReader, RecordingWriter
from edge.cli import app
from edge.validation.site_file import SiteFile, latest
from edge.validation.site_slides import SiteSlide, site_slides
from edge.verdict.system import load
from tests.edge.daemon.rig import Rig, slide
from tests.engines import tiny_model

FIELDS = 4
BETHESDA = load("bethesda")


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app(), ["validate", *map(str, arguments)])


def table(folder: Path, *lines: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    text = "\n".join(["slide,answer,preparation,remark", *lines])
    (folder / "slides.csv").write_text(text + "\n")


def images(folder: Path, class_: str) -> None:
    """Fields with cells of one class, laid out as public ones are."""
    (folder / "images").mkdir(parents=True)
    lines = ["image_filename,um_per_px"]
    for number in range(FIELDS):
        spots = [(x, y, class_) for x, y, _ in tiny_model.spots(512, 640)]
        picture = np.ascontiguousarray(tiny_model.field(512, 640, spots)[:, :, ::-1])
        picture[number, 0] = 0
        cv2.imwrite(str(folder / "images" / f"{number}.png"), picture)
        lines.append(f"{number}.png,0.25")
    (folder / "images.csv").write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model.make(tmp_path_factory.mktemp("tiny")).folder


@pytest.fixture(scope="module")
def recording(model: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """A recording of slide `sim-3`, and the verdict that a daemon gave."""
    with tempfile.TemporaryDirectory(prefix="ce") as name:
        rig = Rig(Path(name), {"model": str(model)}).start()
        file, door = Path(name) / "one.rec", f"ipc://{name}/recorder.socket"
        command = [sys.executable, "-m", "edge.cli", "record", "--to", str(file), "--listen", door]
        with subprocess.Popen([*command, "--endpoint", rig.drivers]) as recorder:
            scan = _Through(Path(name), door).scan(slide(fields=3))
            assert recorder.wait(60) == 0
        assert rig.end() == 0
        assert scan.verdict is not None
        yield file, scan.verdict


class _Through(Rig):
    def __init__(self, folder: Path, door: str) -> None:
        super().__init__(folder)
        self._door = door

    @property
    def drivers(self) -> str:
        return self._door


@pytest.fixture(scope="module")
def site(
    model: Path, recording: tuple[Path, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Three slides, judged once."""
    folder = tmp_path_factory.mktemp("site")
    table(folder, "high,HSIL,other,", "low,HSIL,other,seen twice", "sim-3,NILM,thinprep,")
    images(folder / "high", "HSIL")
    images(folder / "low", "LSIL")
    shutil.copy(recording[0], folder / "sim-3.rec")
    done = run(folder, "--model", model)
    assert done.exit_code == 0, done.output
    return folder


def written(folder: Path, version: int) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((folder / f"site-{version}.json").read_bytes())
    return body


def test_images_and_recordings_are_judged_and_counted(
    site: Path, recording: tuple[Path, dict[str, Any]]
) -> None:
    body = written(site, 1)
    said = {each["slide"]: each for each in body["slides"]}
    assert (body["version"], body["signature"], body["system"]) == (1, "unsigned", "bethesda")
    assert said["high"]["category"] == "HSIL"
    assert said["low"]["category"] == "LSIL"
    verdict = recording[1]
    assert (said["sim-3"]["category"], said["sim-3"]["outcome"]) == (
        verdict["category"], verdict["outcome"],
    )  # fmt: skip
    assert said["sim-3"]["reasons"] == [reason["code"] for reason in verdict["reasons"]]
    hsil = next(each for each in body["figures"]["thresholds"] if each["category"] == "HSIL")
    assert (hsil["sensitivity"]["part"], hsil["sensitivity"]["whole"]) == (1, 2)
    assert hsil["specificity"]["whole"] == 1
    assert "low" in body["figures"]["discordant"]
    assert "high" not in body["figures"]["discordant"]
    assert set(body["identities"]) == {
        "card", "categories", "engine", "model", "settings", "software",
    }  # fmt: skip


def test_a_recordings_verdict_is_that_of_the_daemon_that_it_was_recorded_before(
    site: Path, recording: tuple[Path, dict[str, Any]]
) -> None:
    kept = json.loads((site / "judged" / "sim-3.json").read_bytes())
    assert kept["verdict"] == recording[1]


def test_it_tells_people_what_it_found(site: Path, model: Path) -> None:
    told = run(site, "--model", model).stdout
    assert "3 slides, card tiny" in told
    assert "HSIL+\n  sensitivity 1 of 2: 50.0 % (1.25 to 98.75); 0 referred, 1 cleared\n" in told
    assert "low: HSIL, said LSIL: category_count_reached" in told
    assert "site-1.json: version 1, unsigned: no daemon acts on it" in told


def test_the_same_slides_are_not_judged_again_and_give_the_same_file(
    site: Path, model: Path
) -> None:
    files = [*site.glob("site-*.json"), *(site / "judged").iterdir()]
    before = {path: path.stat().st_mtime_ns for path in files}
    assert run(site, "--model", model).exit_code == 0
    assert {path: path.stat().st_mtime_ns for path in files} == before
    assert [path.name for path in site.glob("site-*.json")] == ["site-1.json"]


def test_another_answer_is_another_version_and_another_picture_is_judged_again(
    site: Path, model: Path, tmp_path: Path
) -> None:
    copied = Path(shutil.copytree(site, tmp_path / "site"))
    table(copied, "high,HSIL,other,", "low,LSIL,other,", "sim-3,NILM,thinprep,")
    assert run(copied, "--model", model).exit_code == 0
    first, second = written(copied, 1), written(copied, 2)
    assert second["version"] == 2
    assert "low" not in second["figures"]["discordant"]
    assert [each["verdict_sha256"] for each in first["slides"]] == [
        each["verdict_sha256"] for each in second["slides"]
    ]
    shutil.rmtree(copied / "low")
    images(copied / "low", "HSIL")
    assert run(copied, "--model", model).exit_code == 0
    low = next(each for each in written(copied, 3)["slides"] if each["slide"] == "low")
    assert low["category"] == "HSIL"


def test_another_preparation_is_judged_again(site: Path, model: Path, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(site, tmp_path / "site"))
    table(copied, "high,HSIL,surepath,")
    kept = copied / "judged" / "high.json"
    before = kept.read_bytes()
    assert run(copied, "--model", model).exit_code == 0
    assert kept.read_bytes() != before
    kept.write_bytes(b"[]")
    done = run(copied, "--model", model)
    assert done.exit_code == 2
    assert "high.json: is no verdict that was kept" in done.stderr


def test_a_site_file_that_was_changed_is_refused(site: Path, model: Path, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(site, tmp_path / "site"))
    file = copied / "site-1.json"
    file.write_text(file.read_text().replace('"answer":"NILM"', '"answer":"LSIL"'))
    done = run(copied, "--model", model)
    assert done.exit_code == 2
    assert "was changed" in done.stderr
    with pytest.raises(Refusal, match="Put it aside"):
        latest(copied)


def test_the_file_is_what_its_model_says(site: Path) -> None:
    found = latest(site)
    assert isinstance(found, SiteFile)
    assert found.model_dump(mode="json") == written(site, 1)


CASES: Mapping[str, tuple[list[str], str]] = {
    "an unknown answer": (["a,CIN3,other,"], "answer='CIN3': is no answer, for slide a. Use one"),
    "a name that is none": (["../a,NILM,other,"], "is no slide's id, in slides.csv"),
    "a preparation": (["a,NILM,wax,"], "preparation='wax': is no preparation"),
    "twice": (["a,NILM,other,", "a,NILM,other,"], "slide='a': is named twice"),
    "no slide": ([], "names no slide"),
    "no images": (["b,NILM,other,"], "has neither b.rec nor a folder of images"),
    "another's recording": (["c,NILM,thinprep,"], "slide='sim-3': c.rec says so"),
    "another preparation": (["sim-3,NILM,surepath,"], "preparation='thinprep': sim-3.rec says so"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_table_that_cannot_be_is_refused_in_words(
    case: str, recording: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    lines, words = CASES[case]
    table(tmp_path, *lines)
    (tmp_path / "a").mkdir()
    for name in ("c", "sim-3"):
        shutil.copy(recording[0], tmp_path / f"{name}.rec")
    done = run(tmp_path)
    assert done.exit_code == 2
    assert words in done.stderr


def test_a_folder_without_its_table_or_a_column_is_refused(tmp_path: Path) -> None:
    assert "slides.csv" in run(tmp_path).stderr
    (tmp_path / "slides.csv").write_text("slide,answer\na,NILM\n")
    assert "has no column preparation" in run(tmp_path).stderr


def test_a_recording_that_does_not_end_its_slide_has_no_verdict(
    model: Path, recording: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    table(tmp_path, "sim-3,NILM,thinprep,")
    messages = list(RecordingReader(recording[0]).messages())
    with RecordingWriter(tmp_path / "sim-3.rec", "now", "test") as writer:
        for parts in messages[:-1]:
            writer.write(parts)
    done = run(tmp_path, "--model", model)
    assert done.exit_code == 2
    assert "sim-3.rec gives it no verdict: it does not end its slide" in done.stderr
    assert not list(tmp_path.glob("site-*.json"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("DIR", "--rendered", "1"), "Leave out --rendered"),
        (("DIR", "--fit"), "is judged alone"),
        ((), "--work=: is needed where no DIR is given"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    arguments: tuple[str, ...], words: str, tmp_path: Path
) -> None:
    done = run(*[str(tmp_path) if each == "DIR" else each for each in arguments])
    assert done.exit_code == 2
    assert words in done.stderr


def test_a_slides_hash_is_of_its_names_and_its_bytes(tmp_path: Path) -> None:
    table(tmp_path, "a,unsatisfactory,other,")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.png").write_bytes(b"1")

    def hashed() -> str:
        (found,) = site_slides(tmp_path, BETHESDA)
        assert isinstance(found, SiteSlide)
        return found.sha256()

    first = hashed()
    (tmp_path / "a" / "1.png").rename(tmp_path / "a" / "2.png")
    renamed = hashed()
    (tmp_path / "a" / "2.png").write_bytes(b"2")
    assert len({first, renamed, hashed()}) == 3
