"""From folders of annotated fields to a model file: read, hold out, train, calibrate, export."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from engines.card import MODEL
from engines.detector import BadModel
from engines.fields import TIERS, AnnotatedField, fold_of, read_folders
from engines.train.export import write_onnx
from engines.train.loop import Progress, train
from engines.train.net import STRIDE, forward

UM_PER_PX = 0.5
TILE_PX = (1024, 1232)
"""Height and width: a field of 2448 x 2048 px at 0.25 um/px, halved, and 8 columns of padding."""
SAME = 1e-4
"""How far the exported graph may be from the trained network, in probability."""


@dataclass(frozen=True, slots=True)
class Made:
    """What a training run gave."""

    trained_fields: int
    held_out_fields: int
    cells: dict[str, int]
    """Trained on, by tier."""
    temperature: float
    loss_of_held_out_tiers: float
    """Mean negative log likelihood at the annotated nuclei, calibrated."""
    parameters: int


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a training run depends on, besides the data."""

    steps: int
    seed: int
    threads: int
    folds: int
    held_out: int
    """The fold that the weights never see; its fields fit the temperature."""


def make_model(
    data: Sequence[Path], to: Path, recipe: Recipe, report: Callable[[Progress], None]
) -> Made:
    """Train, and write `model.onnx` into a folder.

    Raises:
        BadModel: The data cannot be read, or no field is held out.
    """
    fields = read_folders(data, UM_PER_PX)
    is_held = [fold_of(field.number, recipe.folds) == recipe.held_out for field in fields]
    seen = [field for field, held in zip(fields, is_held, strict=True) if not held]
    held_out = [field for field, held in zip(fields, is_held, strict=True) if held]
    if not seen or not held_out:
        raise BadModel(
            "held-out",
            f"{recipe.held_out} of {recipe.folds}",
            f"{len(seen)} fields to learn from, {len(held_out)} held out",
            "Choose another fold",
        )
    network = train(seen, recipe.steps, recipe.seed, recipe.threads, report)
    logits, tiers = tier_logits(network, held_out)
    temperature = fitted_temperature(logits, tiers)
    to.mkdir(parents=True, exist_ok=True)
    write_onnx(network, temperature, TILE_PX, to / MODEL)
    check_export(network, temperature, held_out[0])
    counts = np.bincount(np.concatenate([field.tiers for field in seen]), minlength=len(TIERS))
    return Made(
        trained_fields=len(seen),
        held_out_fields=len(held_out),
        cells=dict(zip(TIERS, counts.tolist(), strict=True)),
        temperature=round(temperature, 3),
        loss_of_held_out_tiers=round(negative_log_likelihood(logits / temperature, tiers), 4),
        parameters=sum(values.numel() for values in network.parameters()),
    )


def tier_logits(
    network: Any,  # noqa: ANN401
    fields: Sequence[AnnotatedField],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """The tier logits, (n, 3), at all annotated nuclei of some fields, and their tiers, (n,)."""
    logits = []
    for field in fields:
        cells = (field.points_px // STRIDE).astype(int)
        with torch.no_grad():
            maps = forward(network, torch.from_numpy(_even(field.picture)[None])).numpy()
        logits.append(maps[0, 1:, cells[:, 1], cells[:, 0]])
    tiers = np.concatenate([field.tiers for field in fields])
    return np.concatenate(logits).astype(np.float64), tiers


def fitted_temperature(logits: npt.NDArray[np.float64], tiers: npt.NDArray[np.int64]) -> float:
    """The divisor of the logits that makes the tiers most likely, 0.2 to 5, to one per cent.

    Source: Guo et al., On Calibration of Modern Neural Networks (2017), 4.2.
    """
    candidates = np.geomspace(0.2, 5.0, 324)
    losses = [negative_log_likelihood(logits / candidate, tiers) for candidate in candidates]
    return float(candidates[int(np.argmin(losses))])


def negative_log_likelihood(logits: npt.NDArray[np.float64], tiers: npt.NDArray[np.int64]) -> float:
    """Mean over the nuclei, in nats."""
    shifted = logits - logits.max(1, keepdims=True)
    normaliser = np.log(np.exp(shifted).sum(1))
    return float((normaliser - shifted[np.arange(len(tiers)), tiers]).mean())


def check_export(network: Any, temperature: float, field: AnnotatedField) -> None:  # noqa: ANN401
    """Compare the exported graph with the network on one field.

    Raises:
        BadModel: They differ.
    """
    import onnxruntime

    picture = _even(field.picture)[None]
    with torch.no_grad():
        logits = forward(network, torch.from_numpy(picture))
    heat = torch.sigmoid(logits[:, :1]).numpy()
    classes = torch.softmax(logits[:, 1:] / temperature, 1).numpy()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / MODEL
        write_onnx(network, temperature, picture.shape[1:3], path)
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        peaks, exported = session.run(["peaks", "classes"], {"tile": picture})
    apart = max(np.abs(exported - classes).max(), np.abs(peaks - heat)[peaks > 0].max())
    if apart > SAME:
        raise BadModel(
            MODEL, f"{apart:.2g}", "the export is not the network", "Report this as a bug"
        )


def _even(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Padded with white to multiples of 16."""
    height, width = picture.shape[:2]
    pad = ((0, -height % 16), (0, -width % 16), (0, 0))
    return np.pad(picture, pad, constant_values=255)
