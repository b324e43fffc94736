"""The proof at every start: the deployed engine says of the golden field what the model means."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from engines.card import GOLDEN, REFERENCE, ModelCard, sha256_of
from engines.crops import Rgb, crops, of_array
from engines.detect import Cut, graded
from engines.detector import BadModel, Detector, EngineFault, Tile
from engines.evaluation.matching import one_to_one

DIGITS = 6
"""Of the reference output's numbers: a hundredth of any tolerance."""
SAME_PLACE_PX = 1.0
"""Candidates are further apart than this, and what engines say of a place differs by far less."""

Floats: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Said:
    """What an engine says of the golden field's n candidates, cells or not."""

    centres_px: Floats
    """(n, 2)."""
    peaks: Floats
    """(n,), 0 to 1: the locator's, clipped as the grader gets them."""
    tiers: Floats
    """(n, 3), the locator's, each row sums to 1."""
    classes: Floats
    """(n, classes), the grader's, each row sums to 1."""

    @property
    def probabilities(self) -> Floats:
        """All of them, (n, 4 + classes)."""
        return np.column_stack([self.peaks, self.tiers, self.classes])


@dataclass(frozen=True, slots=True)
class Proof:
    """How near an engine came to the reference output. Only agreement makes one."""

    engine: str
    matched: int
    """Candidates that both gave."""
    difference: float
    """The largest, over matched candidates' peaks, tiers and classes."""


def prove(engine: Detector, card: ModelCard) -> Proof:
    """Run the golden field and compare with the card's reference output.

    Candidates match where they lie in the same place. One that only one side gave is forgiven if
    it stands within the tolerance of `min_candidate`.

    Raises:
        EngineFault: They disagree by more than the card's tolerance.
        BadModel: The golden field or its reference is absent or changed.
    """
    expected = reference(card)
    found = say(engine, card)
    match = one_to_one(_places(expected), _places(found), SAME_PLACE_PX)
    edge = (card.min_candidate + card.tolerance) / 10_000
    left_over = np.setdiff1d(np.arange(len(found.peaks)), match)
    for said, rows in ((expected, np.flatnonzero(match < 0)), (found, left_over)):
        for row in rows[said.peaks[rows] > edge]:
            place, peak = said.centres_px[row].tolist(), said.peaks[row]
            raise _disagrees(engine, f"candidate at {place} px, peak {peak:.4f}")
    is_matched = match >= 0
    if not is_matched.any():
        raise _disagrees(engine, "candidates: none of the reference's")
    mine, theirs = found.probabilities[match[is_matched]], expected.probabilities[is_matched]
    difference = float(np.abs(mine - theirs).max())
    if difference > card.tolerance / 10_000:
        raise _disagrees(engine, f"largest difference of a probability {difference:.4f}")
    return Proof(engine.identity, int(is_matched.sum()), difference)


def say(engine: Detector, card: ModelCard) -> Said:
    """What an engine says of the golden field.

    Raises:
        EngineFault: The engine failed.
        BadModel: The golden field is absent or changed.
    """
    tile, cut = halved(golden_field(card), card)
    candidates = engine.locate(tile)
    grades = graded(engine, card, candidates, cut)
    located = candidates.located.astype(np.float64)
    tiers = np.exp(located[:, 1:] - located[:, 1:].max(axis=1, keepdims=True))
    return Said(
        candidates.centres_px.astype(np.float64),
        1 / (1 + np.exp(-located[:, 0])),
        tiers / tiers.sum(axis=1, keepdims=True),
        grades.class_scores.astype(np.float64),
    )


def golden_field(card: ModelCard) -> Rgb:
    """The golden field at full size, uint8 (H, W, 3); at most two tiles wide and high.

    Raises:
        BadModel: It is absent or changed.
    """
    path = card.folder / GOLDEN
    _is_unchanged(path, card.hashes.golden)
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    if picture is None or any(
        side > 2 * most for side, most in zip(picture.shape[:2], card.tile_px, strict=True)
    ):
        raise BadModel(str(path), "unreadable or too large", "is no golden field", "Build it again")
    return picture.astype(np.uint8, copy=False)


def whole_field(card: ModelCard) -> Rgb:
    """The golden field beside itself until two tiles are full: as much work as a field can make.

    Raises:
        BadModel: It is absent or changed.
    """
    golden = golden_field(card)
    height, width = (2 * side for side in card.tile_px)
    times = -(-height // golden.shape[0]), -(-width // golden.shape[1]), 1
    return np.tile(golden, times)[:height, :width]


def halved(field: Rgb, card: ModelCard) -> tuple[Tile, Cut]:
    """A field at the crops' scale as an engine takes it: the tile, and how crops are cut.

    Args:
        field: uint8, shape (H, W, 3), RGB, at the card's `crop_pm_per_px`.
        card: The card.
    """
    height, width = (side // 2 for side in field.shape[:2])
    tile = cv2.resize(
        field[: 2 * height, : 2 * width], (width, height), interpolation=cv2.INTER_AREA
    )
    source = of_array(field, card.crop_pm_per_px)
    return tile.astype(np.uint8, copy=False), lambda centres_px: crops(
        source, 2 * centres_px, card.crop_px, card.crop_pm_per_px
    )


def reference(card: ModelCard) -> Said:
    """What the unoptimised graphs gave for the golden field.

    Raises:
        BadModel: It is absent or changed.
    """
    path = card.folder / REFERENCE
    _is_unchanged(path, card.hashes.reference)
    said = json.loads(path.read_bytes())
    return Said(
        np.array(said["centres_px"], np.float64).reshape(-1, 2),
        np.array(said["peaks"], np.float64),
        np.array(said["tiers"], np.float64).reshape(-1, 3),
        np.array(said["classes"], np.float64).reshape(-1, len(card.classes)),
    )


def reference_text(said: Said) -> str:
    """What was said, as the reference file holds it."""
    return json.dumps(
        {
            name: getattr(said, name).round(DIGITS).tolist()
            for name in ("centres_px", "peaks", "tiers", "classes")
        }
    )


def _places(said: Said) -> npt.NDArray[np.float32]:
    return said.centres_px.astype(np.float32)


def _is_unchanged(path: Path, expected: str) -> None:
    found = sha256_of(path)
    if found != expected:
        raise BadModel(
            str(path), found[:12], f"the card's hash is {expected[:12]}", "Install the model again"
        )


def _disagrees(engine: Detector, what: str) -> EngineFault:
    return EngineFault(
        "golden field",
        what,
        f"engine `{engine.identity}` does not see what the model means",
        "Do not use this engine here: run `cytoedge engines check`, and report its output",
    )
