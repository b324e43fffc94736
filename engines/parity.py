"""The proof at every start: the deployed engine says of the golden tile what the model means."""

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from engines.card import GOLDEN, REFERENCE, ModelCard, sha256_of
from engines.detector import BadModel, Detections, Detector, EngineFault, Tile
from engines.maps import one_tile

DIGITS = 6
"""Of the reference output's numbers: a hundredth of any tolerance."""


@dataclass(frozen=True, slots=True)
class Proof:
    """How near an engine came to the reference output. Only agreement makes one."""

    engine: str
    matched: int
    """Detections that both gave."""
    score_difference: float
    """The largest, over matched detections' scores and class scores."""


def prove(engine: Detector, card: ModelCard) -> Proof:
    """Run the golden tile and compare with the card's reference output.

    Detections match where they lie in the same place. One that only one side gave is forgiven if
    it stands within the tolerance of `min_score`; so is a best class that leads by less.

    Raises:
        EngineFault: They disagree by more than the card's tolerance.
        BadModel: The golden tile or its reference is absent or changed.
    """
    expected = reference(card)
    found = engine.detect(golden_tile(card))
    at_found, at_expected = _by_place(found), _by_place(expected)
    both = sorted(at_found.keys() & at_expected.keys())
    edge = (card.min_score + card.tolerance) / 10_000
    for said, others in ((found, at_expected), (expected, at_found)):
        for place, row in _by_place(said).items():
            if place not in others and said.scores[row] > edge:
                raise _disagrees(engine, f"detection at {place} px, score {said.scores[row]:.4f}")
    if not both:
        raise _disagrees(engine, "detections: none of the reference's")
    mine = np.array([at_found[place] for place in both])
    theirs = np.array([at_expected[place] for place in both])
    scores = np.abs(found.scores[mine] - expected.scores[theirs])
    classes = np.abs(found.class_scores[mine] - expected.class_scores[theirs])
    difference = float(max(scores.max(), classes.max()))
    if difference > card.tolerance / 10_000:
        raise _disagrees(engine, f"largest score difference {difference:.4f}")
    return Proof(engine.identity, len(both), difference)


def golden_tile(card: ModelCard) -> Tile:
    """The golden picture, padded to a tile.

    Raises:
        BadModel: It is absent or changed.
    """
    path = card.folder / GOLDEN
    _is_unchanged(path, card.hashes.golden)
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    if picture is None or any(
        side > most for side, most in zip(picture.shape[:2], card.tile_px, strict=True)
    ):
        raise BadModel(str(path), "unreadable or too large", "is no golden tile", "Build it again")
    return one_tile(picture.astype(np.uint8, copy=False), card.tile_px)


def reference(card: ModelCard) -> Detections:
    """What the unoptimised graph gave for the golden tile.

    Raises:
        BadModel: It is absent or changed.
    """
    path = card.folder / REFERENCE
    _is_unchanged(path, card.hashes.reference)
    said = json.loads(path.read_bytes())
    classes = np.array(said["class_scores"], np.float32).reshape(-1, len(card.classes))
    centres = np.array(said["centres_px"], np.float32).reshape(-1, 2)
    return Detections(centres, np.array(said["scores"], np.float32), classes)


def reference_text(seen: Detections) -> str:
    """Detections as the reference file holds them."""
    columns = {
        "centres_px": seen.centres_px,
        "scores": seen.scores,
        "class_scores": seen.class_scores,
    }
    return json.dumps(
        {name: column.astype(np.float64).round(DIGITS).tolist() for name, column in columns.items()}
    )


def _by_place(seen: Detections) -> dict[tuple[float, float], int]:
    return {(float(x), float(y)): row for row, (x, y) in enumerate(seen.centres_px)}


def _is_unchanged(path: Path, expected: str) -> None:
    found = sha256_of(path)
    if found != expected:
        raise BadModel(
            str(path), found[:12], f"the card's hash is {expected[:12]}", "Install the model again"
        )


def _disagrees(engine: Detector, what: str) -> EngineFault:
    return EngineFault(
        "golden tile",
        what,
        f"engine `{engine.identity}` does not see what the model means",
        "Do not use this engine here: run `cytoedge engines check`, and report its output",
    )
