"""`cytoedge validate`: slides are replayed once, fitted on, and only the tables are written."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from edge.cli import app
from engines.card import CARD, load
from tests.engines import tiny_model

KINDS = ["--rendered", "1", "--fields", "1", "--specimen", "negative", "--specimen", "hsil"]


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app(), ["validate", *map(str, arguments)])


def said(*arguments: str | Path) -> dict[str, Any]:
    done = run(*arguments, "--json")
    assert done.exit_code == 0, done.output
    body: dict[str, Any] = json.loads(done.stdout)
    return body


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model.make(tmp_path_factory.mktemp("tiny")).folder


@pytest.fixture(scope="module")
def work(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two replayed slides of one field."""
    folder = tmp_path_factory.mktemp("work")
    body = said("--model", model, "--work", folder, *KINDS)
    assert [(each["slide"], each["truth"]) for each in body["slides"]] == [
        ("hsil thinprep sim-7001", "HSIL"),
        ("negative thinprep sim-7000", "NILM"),
    ]
    assert body["tables"] == []
    for each in body["slides"]:
        assert each["by_card"]["table"] == "rendered"
        assert each["counted"] == sum(each["by_card"]["counts"].values()) - _twice(each)
        assert each["true_cells"] > 0
    return folder


def _twice(slide: dict[str, Any]) -> int:
    """Findings that reach HSIL reach LSIL, too, and are counted for both."""
    return int(slide["by_card"]["counts"]["HSIL"])


def test_what_is_kept_is_not_replayed_again(model: Path, work: Path) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in work.iterdir()}
    assert sorted(before) == [
        "rendered-hsil-thinprep-1-7001.npz", "rendered-negative-thinprep-1-7000.npz",
    ]  # fmt: skip
    said("--model", model, "--work", work, *KINDS)
    assert {path.name: path.stat().st_mtime_ns for path in work.iterdir()} == before


def test_a_fit_is_told_and_only_written_when_asked_for(model: Path, work: Path) -> None:
    card = model / CARD
    before = card.read_text()
    body = said("--model", model, "--work", work, "--fit")
    assert card.read_text() == before
    (table,) = body["tables"]
    assert (table["source"], table["negative_slides"], table["seeds"]) == (
        "rendered", 1, "7000-7001",
    )  # fmt: skip
    by_fit = {each["truth"]: each["by_fit"] for each in body["slides"]}
    assert by_fit["NILM"]["not_excluded"] == []
    assert by_fit["HSIL"]["category"] == "HSIL"

    told = run("--model", model, "--work", work, "--fit", "--write")
    assert told.exit_code == 0
    assert "  negative_slides: 0 -> 1\n" in told.stdout
    after = card.read_text()
    first, last = "[[tables]]", "[training]"
    assert before.split(first)[0] == after.split(first)[0]
    assert before.split(last)[1] == after.split(last)[1]
    assert [each.model_dump(mode="json") for each in load(model).tables] == [table]
    again = said("--model", model, "--work", work)
    assert {each["truth"]: each["by_card"] for each in again["slides"]} == by_fit


def test_public_fields_become_a_table_of_their_own(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "fields"
    (folder / "images").mkdir(parents=True)
    lines = ["image_filename,label,slide,um_per_px"]
    for slide, label, class_ in (
        ("a", "NILM", "NILM"), ("a", "NILM", "LSIL"), ("b", "NILM", "NILM"), ("c", "HSIL", "HSIL"),
    ):  # fmt: skip
        name = f"{slide}{len(lines)}.png"
        lines.append(f"{name},{label},{slide},0.25")
        spots = [(x, y, class_) for x, y, _ in tiny_model.spots(512, 640)]
        picture = tiny_model.field(512, 640, spots)
        cv2.imwrite(str(folder / "images" / name), np.ascontiguousarray(picture[:, :, ::-1]))
    (folder / "images.csv").write_text("\n".join(lines) + "\n")
    body = said("--model", model, "--work", tmp_path / "work", "--public", folder, "--fit")
    assert [(each["slide"], each["truth"], each["fields"]) for each in body["slides"]] == [
        ("fields other c", "HSIL", 1), ("fields other a", "NILM", 2), ("fields other b", "NILM", 1),
    ]  # fmt: skip
    (table,) = body["tables"]
    assert (table["source"], table["negative_slides"], table["seeds"]) == ("public", 2, "")
    assert table["adequacy"] == []
    planned = 400 * (2 + 1) * round(160 / 20) * round(128 / 20)
    assert table["reference_area_um2"] == pytest.approx(planned, rel=0.15)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--write",), "there is nothing to write. Give --fit, too"),
        (("--fit",), "holds no slide that this model looked at"),
        (
            ("--rendered", "1", "--fields", "1", "--specimen", "brain"),
            "specimen='brain': is no specimen that we know",
        ),
        (("--public", "/no/such"), "public=/no/such/images.csv: cannot be read"),
    ],
)
def test_what_cannot_be_done_is_refused_in_words(
    model: Path, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    done = run("--model", model, "--work", tmp_path, *arguments)
    assert done.exit_code == 2
    assert words in done.stderr
