from pathlib import Path

import cv2
import numpy as np
import pytest
from onnx import load_model

torch = pytest.importorskip("torch", reason="extra `train` is not installed")

from engines.detector import BadModel  # noqa: E402
from engines.fields import AnnotatedField, read_folders  # noqa: E402
from engines.train import look  # noqa: E402
from engines.train.calibrate import fitted  # noqa: E402
from engines.train.loop import Progress  # noqa: E402
from engines.train.make import (  # noqa: E402
    FINAL,
    Recipe,
    Rendered,
    candidates,
    train_one,
    write_model,
)

RECIPE = Recipe(locator_steps=3, grader_steps=2, seed=4, threads=1, folds=2)


@pytest.fixture(scope="module")
def fields(tmp_path_factory: pytest.TempPathFactory) -> list[AnnotatedField]:
    folder = tmp_path_factory.mktemp("data")
    chance = np.random.default_rng(1)
    images, points = ["image_filename,image_id,um_per_px"], ["image_filename,label,x,y"]
    for number in (0, 8, 16, 24):
        picture = np.full((400, 400, 3), 230, np.uint8)
        for label, radius in (("NILM", 12), ("LSIL", 20), ("HSIL", 28)):
            x, y = chance.integers(40, 360, 2).tolist()
            cv2.circle(picture, (x, y), radius, (90, 40, 60), -1)
            points.append(f"{number}.png,{label},{x},{y}")
        cv2.imwrite(str(folder / f"{number}.png"), picture)
        images.append(f"{number}.png,{number},0.25")
    (folder / "images.csv").write_text("\n".join(images) + "\n")
    (folder / "points.csv").write_text("\n".join(points) + "\n")
    return read_folders([folder])


@pytest.fixture(scope="module")
def work(fields: list[AnnotatedField], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("work")
    for run in RECIPE.runs:
        train_one(fields, Rendered(), RECIPE, run, folder, lambda now: None)
    return folder


def test_the_same_seed_makes_the_same_model(
    fields: list[AnnotatedField], work: Path, tmp_path: Path
) -> None:
    for run in RECIPE.runs:
        train_one(fields, Rendered(), RECIPE, run, tmp_path / "again", lambda now: None)
    for where, to in ((work, "one"), (tmp_path / "again", "two")):
        write_model(RECIPE, FINAL, where, tmp_path / to)
    for name in ("locator.onnx", "grader.onnx"):
        one, two = (tmp_path / to / name for to in ("one", "two"))
        assert one.read_bytes() == two.read_bytes()


def test_another_seed_makes_another(
    fields: list[AnnotatedField], work: Path, tmp_path: Path
) -> None:
    other = Recipe(3, 2, seed=5, threads=1, folds=2)
    train_one(fields, Rendered(), other, FINAL, tmp_path, lambda now: None)
    one, two = (np.load(where / FINAL / "locator.npz")["head.weight"] for where in (work, tmp_path))
    assert (one != two).any()


def test_a_finished_run_is_not_trained_again(fields: list[AnnotatedField], work: Path) -> None:
    steps: list[Progress] = []
    train_one(fields, Rendered(), RECIPE, FINAL, work, steps.append)
    assert not steps


def test_an_interrupted_run_goes_on_with_its_second_network(
    fields: list[AnnotatedField], work: Path, tmp_path: Path
) -> None:
    train_one(fields, Rendered(), RECIPE, FINAL, tmp_path, lambda now: None)
    (tmp_path / FINAL / "grader.npz").unlink()
    steps: list[Progress] = []
    train_one(fields, Rendered(), RECIPE, FINAL, tmp_path, steps.append)
    assert [step.what for step in steps] == ["grader"] * 2
    one, two = (
        np.load(where / FINAL / "grader.npz")["two_grade.weight"] for where in (work, tmp_path)
    )
    assert (one == two).all()


def test_a_work_folder_of_another_recipe_is_refused(
    fields: list[AnnotatedField], work: Path
) -> None:
    with pytest.raises(BadModel, match="another recipe"):
        train_one(fields, Rendered(), Recipe(4, 2, 4, 1, 2), FINAL, work, lambda now: None)


def test_a_folds_run_leaves_what_it_says_of_the_fields_that_it_did_not_see(work: Path) -> None:
    for run in RECIPE.runs[:-1]:
        said = np.load(work / run / "said.npz")
        assert said["inputs"].shape == (len(said["classes"]), 11)
    assert not (work / FINAL / "said.npz").exists()


def test_what_no_run_sees_is_calibrated_on_as_well(
    fields: list[AnnotatedField], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(look, "MIN_CANDIDATE", 0.001)  # so short a run is sure of nothing
    for name, rendered in (("alone", Rendered()), ("more", Rendered(unseen=fields[:1]))):
        train_one(fields, rendered, RECIPE, "fold-0", tmp_path / name, lambda now: None)
    alone, more = (
        np.load(tmp_path / name / "fold-0" / "said.npz")["classes"] for name in ("alone", "more")
    )
    assert more[: len(alone)].tolist() == alone.tolist()
    assert len(more) > len(alone) > 0


def test_a_model_is_not_written_before_all_runs_are_done(work: Path, tmp_path: Path) -> None:
    with pytest.raises(BadModel, match="not finished"):
        write_model(RECIPE, FINAL, tmp_path, tmp_path / "model")


def test_the_graphs_take_bytes_and_are_of_an_opset_that_every_runtime_reads(
    work: Path, tmp_path: Path
) -> None:
    write_model(RECIPE, FINAL, work, tmp_path)
    for name, shapes, outputs in (
        ("locator", [[1, 1024, 1232, 3]], ["peaks", "cells"]),
        ("grader", [[16, 96, 96, 3], [16, 4]], ["classes", "embedding"]),
    ):
        model = load_model(str(tmp_path / f"{name}.onnx"))
        assert model.opset_import[0].version <= 19
        assert [
            [side.dim_value for side in entry.type.tensor_type.shape.dim]
            for entry in model.graph.input
        ] == shapes
        assert [output.name for output in model.graph.output] == outputs


def test_the_exported_graphs_say_what_the_trained_networks_said(
    fields: list[AnnotatedField], work: Path, tmp_path: Path
) -> None:
    import onnxruntime

    from engines.train.cell_crops import CROP_PX
    from engines.train.make import _kept
    from engines.train.networks import GRADER, JUDGES, LOCATOR
    from engines.train.steps import forward

    write_model(RECIPE, "fold-0", work, tmp_path)
    chance = np.random.default_rng(2)
    crops = chance.integers(0, 256, (16, CROP_PX, CROP_PX, 3), np.uint8)
    located = chance.normal(size=(16, 4)).astype(np.float32)
    session = onnxruntime.InferenceSession(tmp_path / "grader.onnx")
    classes, embedding = session.run(None, {"crops": crops, "located": located})
    with torch.no_grad():
        said = forward(
            _kept(work / "fold-0" / "grader.npz", GRADER), GRADER, torch.from_numpy(crops)
        )
    embedded, graded = (
        [said[f"{name}_{what}"].flatten(1).numpy() for name in JUDGES]
        for what in ("embedding", "grade")
    )
    assert embedding == pytest.approx(np.hstack(embedded), abs=1e-4)
    assert (graded[0] != graded[1]).any()
    one = np.load(work / "fold-1" / "said.npz")
    calibration = fitted(one["inputs"], one["classes"])
    logits = np.hstack([np.mean(graded, 0), located]) @ calibration.weights.T
    odds = np.exp(logits + calibration.offsets)
    assert classes == pytest.approx(odds / odds.sum(1, keepdims=True), abs=1e-4)

    tile = chance.integers(0, 256, (1, 1024, 1232, 3), np.uint8)
    session = onnxruntime.InferenceSession(tmp_path / "locator.onnx")
    peaks, cells = session.run(None, {"tile": tile})
    with torch.no_grad():
        head = forward(
            _kept(work / "fold-0" / "locator.npz", LOCATOR), LOCATOR, torch.from_numpy(tile)
        )
    heat = torch.sigmoid(head["head"][:, :1]).numpy()
    assert peaks[peaks > 0] == pytest.approx(heat[peaks > 0], abs=1e-4)
    assert cells[:, 2:] == pytest.approx(head["head"][:, 1:].numpy(), abs=1e-3)
    assert np.abs(cells[:, :2]).max() <= 4


def test_candidates_are_named_by_the_nucleus_that_they_found(
    fields: list[AnnotatedField], work: Path
) -> None:
    from engines.train.make import _kept
    from engines.train.networks import GRADER, LOCATOR

    networks = (
        _kept(work / FINAL / "locator.npz", LOCATOR),
        _kept(work / FINAL / "grader.npz", GRADER),
    )
    for field in fields:
        said, classes = candidates(networks, field)
        assert said.shape == (len(classes), 11)
        assert np.bincount(classes, minlength=7)[1:].tolist() <= [1, 0, 1, 0, 1, 0]


def test_overconfident_words_are_cooled_down() -> None:
    chance = np.random.default_rng(3)
    classes = chance.integers(0, 7, 3_000)
    said = np.hstack(
        [np.eye(7)[classes] * 3 + chance.gumbel(size=(3_000, 7)), np.zeros((3_000, 4))]
    )
    odds = [
        np.exp(heard @ calibration.weights.T + calibration.offsets)
        for heard in (said, said * 3)
        for calibration in [fitted(heard, classes)]
    ]
    honest, cooled = (one / one.sum(1, keepdims=True) for one in odds)
    assert cooled == pytest.approx(honest, abs=0.03)
    loud = np.exp(said[:, :7] * 3)
    sure = (loud / loud.sum(1, keepdims=True)).max(1).mean()
    assert cooled.max(1).mean() == pytest.approx((cooled.argmax(1) == classes).mean(), abs=0.02)
    assert sure > cooled.max(1).mean() + 0.02
