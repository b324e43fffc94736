"""A model folder in 8 bits from one in floating point."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import onnx

from engines.build import hash_into_card
from engines.card import CARD, GOLDEN, GRADER, LOCATOR, REFERENCE, ModelCard, load, read
from engines.card_text import with_number
from engines.detector import BadModel
from engines.fields import AnnotatedField
from engines.int8 import calibration
from engines.int8.quantise import in_float, quantise
from engines.int8.rewriting import is_quantised, without_rounding
from engines.openvino_engine import OpenVinoEngine

TOLERANCE = 100
"""How far a runtime may be from the graphs, in 1/10,000. Rounding falls to the other side here and
there: of the shipped model 0.003 at most; sums that overflow, on a CPU without VNNI, make 0.021."""
FINE = (
    *(f"{step}_conv" for step in ("s4", "s8", "s8a", "s8b", "s16", "p8", "t8", "p4", "q4")),
    *(
        f"{judge}_{step}"
        for judge in ("one", "two")
        for step in ("c8_conv", "whole_sum", "embedding_conv")
    ),
)
"""Of our locator, what decides where a peak is: with these rounded as well, three times as many
findings are other ones. The rest is two fifths of its work. Of our grader, what is worth most for
its work, a tenth of the whole: with these rounded, half as many again are graded otherwise."""


def quantised(folder: Path, fields: Sequence[AnnotatedField], to: Path) -> dict[str, list[str]]:
    """Write the model's networks in 8 bits, its card and its golden field.

    Its reference output is made anew by `engines build`, its tables by `cytoedge validate --fit`.

    Args:
        folder: A model in floating point.
        fields: Fields to take ranges from; a choice of them is used.
        to: The new folder; may be the same.

    Returns:
        Of each network, the convolutions that stayed in floating point.

    Raises:
        BadModel: The model is not whole or quantised already, or there is no field.
    """
    load(folder)
    to.mkdir(parents=True, exist_ok=True)
    if folder.resolve() != to.resolve():
        for name in (CARD, GOLDEN, LOCATOR, GRADER):
            shutil.copy(folder / name, to / name)
    return round_networks(to, fields)


def round_networks(folder: Path, fields: Sequence[AnnotatedField]) -> dict[str, list[str]]:
    """Round a model's networks where they lie; `quantised` says more.

    Args:
        folder: Both networks, with a card that has their hashes.
        fields: Fields to take ranges from; a choice of them is used.
    """
    card = read(folder)
    if not fields:
        raise BadModel("data", "no field", "ranges are taken from fields", "Name other folders")
    networks = {name: onnx.load(folder / name) for name in (LOCATOR, GRADER)}
    shown = [calibration.shown(field, card) for field in calibration.chosen(fields)]
    feeds = {
        LOCATOR: calibration.tiles(shown, card),
        GRADER: calibration.crops(shown, card, OpenVinoEngine(card)),
    }
    for name, model in networks.items():
        quantise(model, feeds[name], folder / name, kept(model))
    text = (folder / CARD).read_text()
    (folder / CARD).write_text(with_number(text, "tolerance", TOLERANCE))
    hash_into_card(folder, {"locator": LOCATOR, "grader": GRADER})
    return {name: [*in_float(model), *kept(model)] for name, model in networks.items()}


def kept(model: onnx.ModelProto) -> list[str]:
    """Which of `FINE` a network has."""
    return [node.name for node in model.graph.node if node.name in FINE]


def exact(card: ModelCard, folder: Path) -> ModelCard | None:
    """The model that a quantised one was made from, written to a folder; None if it is no such.

    Its reference output and its tables are those of the quantised one, and do not fit it.
    """
    networks = {name: onnx.load(card.folder / name) for name in (LOCATOR, GRADER)}
    if not any(map(is_quantised, networks.values())):
        return None
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(card.folder / CARD, folder / CARD)
    for name, model in networks.items():
        onnx.save(without_rounding(model), folder / name)
    hash_into_card(folder, {"locator": LOCATOR, "grader": GRADER})
    for name in (GOLDEN, REFERENCE):
        shutil.copy(card.folder / name, folder / name)
    return read(folder)
