"""From annotated fields to a model: a run a fold, a run on all, calibration out of fold, export.

Every run leaves its weights in the work folder and is not run again, so that an interrupted
training goes on where it was. The held-out fields of all folds say how good the last run is, which
sees every field.
"""

import csv
import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch

from engines.detector import BadModel
from engines.evaluation.matching import one_to_one
from engines.fields import AnnotatedField, fold_of
from engines.train import calibrate
from engines.train.cell_crops import graded
from engines.train.curves import write_curves
from engines.train.export import write_grader, write_locator
from engines.train.grading import train_grader
from engines.train.locating import train_locator
from engines.train.look import grade, locate
from engines.train.loop import Progress, Report, Run
from engines.train.mixing import RENDERED
from engines.train.networks import GRADER, LOCATOR
from engines.train.steps import Step, new_network

TILE_PX = (1024, 1232)
"""Height and width: a field of 2448 x 2048 px at 0.25 um/px, halved, and 8 columns of padding."""
BATCH = 16
"""Crops that the exported grader takes at once."""
FOUND_UM = 5.75
"""A candidate this near to a nucleus is that nucleus."""
RATE = 2e-3
FINAL = "final"
SAID = "said.npz"
"""What a run's networks say of the fields that they did not see."""
Networks: TypeAlias = tuple[Any, Any]


@dataclass(frozen=True, slots=True)
class Rendered:
    """Rendered fields: their truth is known, but they are not what a slide looks like."""

    seen: Sequence[AnnotatedField] = ()
    """Every run learns from them."""
    unseen: Sequence[AnnotatedField] = ()
    """No run does; scores are to come true on them as well as on real fields."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What training depends on, besides the data."""

    locator_steps: int = 3_000
    grader_steps: int = 9_000
    seed: int = 1
    threads: int = 1
    folds: int = 5
    device: str = "cpu"

    @property
    def runs(self) -> tuple[str, ...]:
        """The name of every run."""
        return (*(f"fold-{fold}" for fold in range(self.folds)), FINAL)


def held_out(fields: Sequence[AnnotatedField], recipe: Recipe, run: str) -> npt.NDArray[np.bool_]:
    """Which fields a run does not see."""
    folds = np.array([fold_of(field.number, recipe.folds) for field in fields])
    return np.asarray(folds == (-1 if run == FINAL else int(run.removeprefix("fold-"))))


def train_one(
    fields: Sequence[AnnotatedField],
    rendered: Rendered,
    recipe: Recipe,
    run: str,
    work: Path,
    report: Report,
    makers: int = 1,
) -> None:
    """One run of both networks, and what they say of the fields that they did not see.

    Args:
        fields: Real fields, of which each fold's run does not see its own.
        rendered: Rendered fields.
        recipe: Steps, seed, folds.
        run: Its name.
        work: Where it is kept, and found again.
        report: Told after each step.
        makers: Processes that draw examples.

    Raises:
        BadModel: The work folder is of another recipe or other data.
    """
    folder = work / run
    folder.mkdir(parents=True, exist_ok=True)
    _is_same_recipe(work, [*fields, *rendered.seen], recipe)
    is_held = held_out(fields, recipe, run)
    seen = [field for field, held in zip(fields, is_held, strict=True) if not held]
    seen += [replace(field, folder=RENDERED) for field in rendered.seen]
    with _losses_in(folder / "losses.csv", report) as tell:
        rest = (RATE, recipe.seed, recipe.threads, recipe.device, makers)
        locator = _kept(folder / "locator.npz", LOCATOR, recipe.device)
        if locator is None:
            locator = train_locator(seen, Run("locator", recipe.locator_steps, *rest), tell)
            _keep(locator, folder / "locator.npz")
        grader = _kept(folder / "grader.npz", GRADER, recipe.device)
        if grader is None:
            places = [graded(field, mistaken(locator, field)) for field in seen]
            grader = train_grader(places, Run("grader", recipe.grader_steps, *rest), tell)
            _keep(grader, folder / "grader.npz")
    write_curves(folder / "losses.csv", folder / "curves.html")
    if is_held.any() and not (folder / SAID).exists():
        unseen = [field for field, held in zip(fields, is_held, strict=True) if held]
        said = [candidates((locator, grader), field) for field in (*unseen, *rendered.unseen)]
        inputs, classes = (np.concatenate(parts) for parts in zip(*said, strict=True))
        np.savez(folder / SAID, inputs=inputs, classes=classes)


def mistaken(locator: Any, field: AnnotatedField) -> npt.NDArray[np.float64]:  # noqa: ANN401
    """Where the locator sees a nucleus and none is annotated, in the file's pixels."""
    places, _ = locate(locator, field)
    if not len(field.points_px):
        return places
    apart = np.hypot(*(places[:, None] - field.points_px[None]).transpose(2, 0, 1))
    return np.asarray(places[apart.min(axis=1) > FOUND_UM / field.um_per_px])


def candidates(
    networks: Networks, field: AnnotatedField
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """What both networks say of a field's candidates, (n, 11), and the classes of these, (n,)."""
    locator, grader = networks
    places, located = locate(locator, field)
    said = np.concatenate([grade(grader, field, places), located], axis=1)
    found = one_to_one(field.points_px, places.astype(np.float32), FOUND_UM / field.um_per_px)
    classes = np.zeros(len(places), np.int64)
    classes[found[found >= 0]] = field.labels[found >= 0] + 1
    return said, classes


def write_model(recipe: Recipe, run: str, work: Path, to: Path) -> None:
    """Export a run's networks, calibrated on what was held out of the other folds.

    Raises:
        BadModel: A run is not finished.
    """
    others = [fold for fold in recipe.runs if fold not in (run, FINAL)]
    said = [_finished(work / fold / SAID) for fold in others]
    calibration = calibrate.fitted(
        np.concatenate([one["inputs"] for one in said]),
        np.concatenate([one["classes"] for one in said]),
    )
    to.mkdir(parents=True, exist_ok=True)
    for name in ("locator.npz", "grader.npz"):
        _finished(work / run / name)
    write_locator(_kept(work / run / "locator.npz", LOCATOR), TILE_PX, to / "locator.onnx")
    grader = _kept(work / run / "grader.npz", GRADER)
    write_grader(grader, calibration, BATCH, to / "grader.onnx")


def _is_same_recipe(work: Path, fields: Sequence[AnnotatedField], recipe: Recipe) -> None:
    content = hashlib.sha256()
    for field in fields:
        for part in (field.picture, field.points_px, field.labels):
            content.update(np.ascontiguousarray(part).data)
    said = json.dumps(asdict(recipe) | {"data": content.hexdigest()}, indent=1)
    path = work / "recipe.json"
    if not path.exists():
        path.write_text(said)
    elif path.read_text() != said:
        problem = "holds runs of another recipe or of other data"
        raise BadModel("work", str(work), problem, "Name another folder, or remove that one")


def _keep(network: Any, path: Path) -> None:  # noqa: ANN401
    part = path.with_suffix(".part.npz")
    np.savez(part, **{name: value.cpu().numpy() for name, value in network.state_dict().items()})
    part.rename(path)


def _kept(path: Path, steps: Sequence[Step], device: str = "cpu") -> Any:  # noqa: ANN401
    """A finished network, or None."""
    if not path.exists():
        return None
    network = new_network(steps)
    kept = np.load(path)
    network.load_state_dict({name: torch.from_numpy(kept[name]) for name in kept.files})
    network.to(device)
    network.eval()
    return network


def _finished(path: Path) -> Any:  # noqa: ANN401
    if not path.exists():
        raise BadModel(str(path), "absent", "that run is not finished", "Train it first")
    return np.load(path)


@contextmanager
def _losses_in(path: Path, report: Report) -> Iterator[Report]:
    """Also writes every loss into a table, so that curves can be drawn."""
    with path.open("a", newline="") as file:
        table = csv.writer(file)

        def tell(now: Progress) -> None:
            table.writerow((now.what, now.step, *(f"{loss:.5f}" for loss in now.losses)))
            report(now)

        yield tell
