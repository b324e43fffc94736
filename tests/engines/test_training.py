from pathlib import Path

import cv2
import numpy as np
import pytest
from onnx import load_model

torch = pytest.importorskip("torch", reason="extra `train` is not installed")

from engines.train.make import Recipe, fitted_temperature, make_model  # noqa: E402


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    chance = np.random.default_rng(1)
    images, points = (
        ["image_filename,image_id,width,height,um_per_px"],
        ["image_filename,label,x,y"],
    )
    for number in (0, 25, 45):
        picture = np.full((400, 400, 3), 230, np.uint8)
        for label, radius in (("NILM", 6), ("LSIL", 10), ("HSIL", 14)):
            x, y = chance.integers(40, 360, 2).tolist()
            cv2.circle(picture, (x, y), radius, (90, 40, 60), -1)
            points.append(f"{number}.png,{label},{x},{y}")
        cv2.imwrite(str(folder / f"{number}.png"), picture)
        images.append(f"{number}.png,{number},400,400,0.5")
    (folder / "images.csv").write_text("\n".join(images) + "\n")
    (folder / "points.csv").write_text("\n".join(points) + "\n")
    return folder


def test_a_model_is_made_and_made_again_the_same(data: Path, tmp_path: Path) -> None:
    recipe = Recipe(steps=3, seed=4, threads=1, folds=3, held_out=0)
    steps: list[int] = []
    made = make_model([data], tmp_path / "one", recipe, lambda now: steps.append(now.step))
    make_model([data], tmp_path / "two", recipe, lambda now: None)
    assert steps == [1, 2, 3]
    assert (made.trained_fields, made.held_out_fields) == (2, 1)
    assert made.cells == {"negative": 2, "low": 2, "high": 2}
    one, two = (tmp_path / name / "model.onnx" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


def test_the_graph_takes_bytes_and_is_of_an_opset_that_every_runtime_reads(
    data: Path, tmp_path: Path
) -> None:
    make_model([data], tmp_path, Recipe(1, 1, 1, 3, 0), lambda now: None)
    model = load_model(str(tmp_path / "model.onnx"))
    assert model.opset_import[0].version <= 19
    (tile,) = model.graph.input
    assert [side.dim_value for side in tile.type.tensor_type.shape.dim] == [1, 1024, 1232, 3]
    assert [output.name for output in model.graph.output] == ["peaks", "classes"]


def test_overconfident_tiers_are_cooled_down() -> None:
    chance = np.random.default_rng(3)
    tiers = chance.integers(0, 3, 2_000)
    logits = np.eye(3)[tiers] * 1.5 + chance.gumbel(size=(2_000, 3))
    honest = fitted_temperature(logits, tiers)
    assert fitted_temperature(4 * logits, tiers) == pytest.approx(4 * honest, rel=0.02)
