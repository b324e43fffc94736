import json
import math
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from engines.card import MODELS, load
from engines.commands import register
from engines.detector import Detections
from engines.evaluate import MEASURES, Seen, area_under_curve, figures, look, one_to_one
from engines.fields import fold_of, read_folders
from engines.openvino_engine import OpenVinoEngine

SHIPPED = MODELS / "cervical-1"
GOLDEN_TRUTH = (
    *((x, y, "NILM") for x, y in [(325, 156), (613, 359), (452, 299), (528, 210), (182, 204)]),
    *((x, y, "NILM") for x, y in [(76, 127), (239, 161), (451, 74)]),
    *((x, y, "LSIL") for x, y in [(639, 461), (603, 302), (3, 9), (634, 415), (497, 225)]),
    *((x, y, "HSIL") for x, y in [(595, 474), (31, 367), (291, 9), (203, 129), (214, 6)]),
    (219, 418, "HSIL"),
)
"""Where the renderer put the golden tile's nuclei, in its pixels."""

app = typer.Typer()
register(app)


def told(*arguments: str) -> dict[str, Any]:
    result = CliRunner().invoke(app, ["engines", *arguments, "--json"])
    assert result.exit_code == 0, result.stderr
    said: dict[str, Any] = json.loads(result.stdout)
    return said


@pytest.fixture
def golden_folder(tmp_path: Path) -> Path:
    """The golden tile as a folder of one annotated field."""
    shutil.copy(SHIPPED / "golden.png", tmp_path)
    (tmp_path / "images.csv").write_text(
        "image_filename,width,height,um_per_px\ngolden.png,640,512,0.5\n"
    )
    rows = [f"golden.png,{i},{label},{x},{y}" for i, (x, y, label) in enumerate(GOLDEN_TRUTH)]
    text = "image_filename,cell_id,label,x,y\n" + "\n".join(rows) + "\n"
    (tmp_path / "points.csv").write_text(text)
    return tmp_path


def seen(tiers: list[int], near: list[int], abnormal: list[float]) -> Seen:
    scores = np.array(abnormal)
    classes = np.stack([1 - scores, scores, 0 * scores], axis=1)
    found = Detections(
        np.zeros((len(scores), 2), np.float32), np.ones(len(scores), np.float32), classes
    )
    match = np.array(near)
    return Seen("a", np.array(tiers), classes[match], match, match, found, 0.5)


def test_each_nucleus_takes_one_detection_nearest_pairs_first() -> None:
    points = np.array([[0, 0], [10, 0], [100, 0]], np.float32)
    found = np.array([[6, 0], [11, 0], [130, 0]], np.float32)
    assert one_to_one(points, found, 12).tolist() == [0, 1, -1]
    assert one_to_one(points, found[:1], 12).tolist() == [-1, 0, -1]
    assert one_to_one(points, found[:0], 12).tolist() == [-1, -1, -1]
    assert one_to_one(points[:0], found, 12).tolist() == []


@given(
    st.lists(
        st.tuples(st.integers(0, 5).map(float), st.booleans()), min_size=2, max_size=30
    ).filter(lambda cells: len({worse for _, worse in cells}) == 2)
)
def test_the_area_under_the_curve_is_the_share_of_rightly_ordered_pairs(
    cells: list[tuple[float, bool]],
) -> None:
    worse = [score for score, is_worse in cells if is_worse]
    better = [score for score, is_worse in cells if not is_worse]
    pairs = [(w > b) + (w == b) / 2 for w in worse for b in better]
    area = area_under_curve(
        np.array([score for score, _ in cells]), np.array([is_worse for _, is_worse in cells])
    )
    assert area == pytest.approx(sum(pairs) / len(pairs))


def test_without_both_kinds_there_is_no_area() -> None:
    assert math.isnan(area_under_curve(np.array([1.0]), np.array([True])))


def test_a_missed_nucleus_ranks_last_end_to_end() -> None:
    fields = [seen([0, 1, 1], [0, 1, -1], [0.2, 0.9, 0.3])] * 4
    by_name = {figure.name: figure for figure in figures(fields)}
    assert by_name["recall_23_px"].value == pytest.approx(2 / 3)
    assert by_name["auc_abnormal_at_points"].value == 1
    assert by_name["auc_abnormal_end_to_end"].value == 0.5
    assert by_name["findings_per_field"].value == 3
    assert by_name["findings_per_mm2"].value == 6
    assert "auc_high_at_points" not in by_name


def test_the_model_sees_the_golden_tiles_nuclei_and_no_neutrophil(golden_folder: Path) -> None:
    said = told("evaluate", str(SHIPPED), "--data", str(golden_folder))
    assert said["cells"] == len(GOLDEN_TRUTH)
    assert said["recall_23_px"][0] >= 0.8
    assert said["findings_per_field"][0] <= len(GOLDEN_TRUTH) + 3
    assert said["auc_high_at_points"][0] >= 0.95


def test_a_shipped_model_is_listed_and_proved() -> None:
    assert told("list")["cervical-1"].startswith("cervical-1 ")
    said = told("check")
    assert said["is_proved"]
    assert said["matched"] > 10
    assert said["fields_per_s"] > 0


def test_a_model_that_is_not_there_is_wrong_use() -> None:
    result = CliRunner().invoke(app, ["engines", "check", "/nowhere"])
    assert result.exit_code == 2
    assert "/nowhere/card.toml" in result.stderr


@pytest.mark.data
def test_held_out_real_fields_show_what_the_card_says() -> None:
    root = Path(os.environ.get("CYTOEDGE_DATA", "../shared/data"))
    folders = [root / name for name in ("cric_cervix", "cric_cervix_webp")]
    if not all(folder.is_dir() for folder in folders):
        pytest.skip(f"no public images at {root}: set CYTOEDGE_DATA")
    card = load(SHIPPED)
    engine = OpenVinoEngine(card)
    held_out = [field for field in read_folders(folders, 0.5) if fold_of(field.number, 3) == 0]
    seen_fields = [look(engine, field) for field in held_out]
    said = {metric.name: metric.value for metric in card.metrics if "held-out" in metric.source}
    for name in ("recall_23_px", "recall_12_px", "auc_abnormal_at_points"):
        assert MEASURES[name](seen_fields) >= said[name] - 0.02, name
    assert MEASURES["findings_per_field"](seen_fields) <= said["findings_per_field"] * 1.05
