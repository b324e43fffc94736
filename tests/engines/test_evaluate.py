import json
from pathlib import Path
from typing import Any

import cv2
import pytest
import typer
from typer.testing import CliRunner

from engines.card import ModelCard
from engines.commands import register
from engines.evaluation.figures import HEADLINES
from tests.engines import tiny_model

app = typer.Typer()
register(app)


def told(*arguments: str | Path) -> dict[str, Any]:
    result = CliRunner().invoke(app, ["engines", *map(str, arguments), "--json"])
    assert result.exit_code == 0, result.stderr
    said: dict[str, Any] = json.loads(result.stdout)
    return said


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three fields in the published layout: spots of every class, annotated unless `none`."""
    folder = tmp_path_factory.mktemp("data")
    cells = tiny_model.spots(512, 640)
    picture = tiny_model.field(512, 640, cells)[:, :, ::-1]
    names = [f"{index}.png" for index in range(3)]
    images, points = ["image_filename,image_id,um_per_px"], ["image_filename,label,x,y"]
    for index, name in enumerate(names):
        cv2.imwrite(str(folder / name), picture)
        images.append(f"{name},{8 * index},0.25")
        points += [f"{name},{label},{x},{y}" for x, y, label in cells if label != "none"]
    (folder / "images.csv").write_text("\n".join(images) + "\n")
    (folder / "points.csv").write_text("\n".join(points) + "\n")
    return folder


def test_a_model_is_evaluated_on_any_folder_of_that_layout(card: ModelCard, data: Path) -> None:
    said = told("evaluate", card.folder, "--data", data)
    assert set(said) == {*HEADLINES, "details"}
    assert said["recall_12px"] == 1
    assert said["auc_high_grade_at_points"] == 1
    assert said["balanced_accuracy_three_tiers"] == 1
    assert said["findings_per_field"] == sum(said["details"]["cells"].values()) / 3
    assert said["details"]["model"] == card.identity
    fold = told("evaluate", card.folder, "--data", data, "--folds", "3", "--held-out", "1")
    assert fold["details"]["fields"] == 1


def test_figures_come_as_tables_and_as_a_page_that_fetches_nothing(
    card: ModelCard, data: Path, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    call = ["engines", "evaluate", card.folder, "--data", data, "--page", page]
    result = CliRunner().invoke(app, [str(part) for part in call])
    assert result.exit_code == 0, result.stderr
    assert "auc_high_grade_at_points" in result.stdout
    assert "Along the threshold" in result.stdout
    html = page.read_text()
    assert html.count("<svg") == 4
    assert card.identity in html
    assert "http" not in html.replace("http-equiv", "")


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("points.csv", "HSIL", "odd", "odd"),
        ("points.csv", ",x,", ",left,", "x"),
        ("images.csv", "0.25", "a quarter", "a quarter"),
        ("images.csv", "0.png", "lost.png", "lost.png"),
    ],
)
def test_a_folder_that_can_not_be_read_is_wrong_use_and_named(
    card: ModelCard, data: Path, tmp_path: Path, file: str, old: str, new: str, said: str
) -> None:
    for path in data.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / file).write_text((tmp_path / file).read_text().replace(old, new))
    result = CliRunner().invoke(
        app, ["engines", "evaluate", str(card.folder), "--data", str(tmp_path)]
    )
    assert result.exit_code == 2
    assert said in result.stderr


def test_no_field_to_look_at_is_wrong_use(card: ModelCard, data: Path) -> None:
    call = ["evaluate", str(card.folder), "--data", str(data), "--held-out", "4"]
    result = CliRunner().invoke(app, ["engines", *call])
    assert result.exit_code == 2
    assert "no field" in result.stderr
