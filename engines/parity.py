"""The proof at every start: the deployed engine says of the golden field what the model means."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from engines.card import REFERENCE, ModelCard
from engines.detect import graded
from engines.detector import Candidates, Detector, EngineFault, Located
from engines.evaluation.matching import one_to_one
from engines.golden import golden_field, halved, unchanged

DIGITS = 6
"""Of the reference output's numbers: a hundredth of any tolerance."""
SAME_PLACE_PX = 1.0
"""Candidates are further apart than this, and what engines say of a place differs by far less."""
NEIGHBOUR_PX = 4.0
"""One cell of the map: where the peaks of two neighbours are all but equal, rounding chooses."""

LEAST_MATCHED = 0.9
"""Of the reference's candidates, where ties and the weakest may differ."""

Floats: TypeAlias = npt.NDArray[np.float64]
_Peaks: TypeAlias = tuple[npt.NDArray[np.floating], Floats]
"""Places, (n, 2), and peaks, (n,)."""


@dataclass(frozen=True, slots=True)
class Said:
    """What an engine says of the golden field's n candidates, cells or not."""

    centres_px: Floats
    """(n, 2), rounded as the reference file holds them."""
    peaks: Floats
    """(n,), 0 to 1: the locator's, clipped as the grader gets them."""
    tiers: Floats
    """(n, 3), the locator's, each row sums to 1."""
    classes: Floats
    """(n, classes), the grader's, each row sums to 1."""


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
    it stands within the tolerance of `min_candidate`, or has a neighbour of the same peak on the
    other side.

    Raises:
        EngineFault: They disagree by more than the card's tolerance.
        BadModel: The golden field or its reference is absent or changed.
    """
    expected = reference(card)
    tile, cut = halved(golden_field(card), card)
    found = engine.locate(tile)
    match = one_to_one(_places(expected.centres_px), found.centres_px, SAME_PLACE_PX)
    peaks, tiers = _told(found.located)
    meant: _Peaks = (expected.centres_px, expected.peaks)
    said: _Peaks = (found.centres_px, peaks)
    for one, other, rows in (
        (meant, said, np.flatnonzero(match < 0)),
        (said, meant, np.setdiff1d(np.arange(len(peaks)), match)),
    ):
        for row in _unforgiven(one, other, rows, card):
            place = f"{one[0][row].tolist()} px, peak {one[1][row]:.4f}"
            raise _disagrees(engine, f"candidate at {place}")
    is_matched = match >= 0
    if is_matched.sum() < LEAST_MATCHED * len(match):
        many = f"{is_matched.sum()} of {len(match)}"
        raise _disagrees(engine, f"candidates: {many} where the reference's are")
    mine, theirs = match[is_matched], np.flatnonzero(is_matched)
    # The grader is judged where the reference's was: a crop moves by whole pixels or not at all.
    same = Candidates(_places(expected.centres_px[theirs]), found.located[mine], truncated=False)
    classes = graded(engine, card, same, cut).class_scores
    apart = (
        peaks[mine] - expected.peaks[theirs],
        tiers[mine] - expected.tiers[theirs],
        classes - expected.classes[theirs],
    )
    difference = max(float(np.abs(of_kind).max()) for of_kind in apart)
    if difference > card.tolerance / 10_000:
        raise _disagrees(engine, f"largest difference of a probability {difference:.4f}")
    return Proof(engine.identity, len(mine), difference)


def _unforgiven(
    mine: _Peaks,
    other: _Peaks,
    alone: npt.NDArray[np.intp],
    card: ModelCard,
) -> Iterator[int]:
    """Candidates of one side, as places and peaks, that the other side should have, and has not."""
    tolerance = card.tolerance / 10_000
    for row in alone:
        is_near = np.hypot(*(other[0] - mine[0][row]).T) <= NEIGHBOUR_PX
        is_tie = (np.abs(other[1][is_near] - mine[1][row]) <= tolerance).any()
        if mine[1][row] > card.min_candidate / 10_000 + tolerance and not is_tie:
            yield int(row)


def say(engine: Detector, card: ModelCard) -> Said:
    """What an engine says of the golden field.

    Raises:
        EngineFault: The engine failed.
        BadModel: The golden field is absent or changed.
    """
    tile, cut = halved(golden_field(card), card)
    found = engine.locate(tile)
    centres_px = found.centres_px.astype(np.float64).round(DIGITS)
    grades = graded(engine, card, replace(found, centres_px=_places(centres_px)), cut)
    return Said(centres_px, *_told(found.located), grades.class_scores.astype(np.float64))


def reference(card: ModelCard) -> Said:
    """What the unoptimised graphs gave for the golden field.

    Raises:
        BadModel: It is absent or changed.
    """
    path = unchanged(card.folder / REFERENCE, card.hashes.reference)
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


def _places(centres_px: Floats) -> npt.NDArray[np.float32]:
    return centres_px.astype(np.float32)


def _told(located: Located) -> tuple[Floats, Floats]:
    """The locator's logits as probabilities: peaks, (n,), and tiers, (n, 3)."""
    logits = located.astype(np.float64)
    tiers = np.exp(logits[:, 1:] - logits[:, 1:].max(axis=1, keepdims=True))
    return 1 / (1 + np.exp(-logits[:, 0])), tiers / tiers.sum(axis=1, keepdims=True)


def _disagrees(engine: Detector, what: str) -> EngineFault:
    return EngineFault(
        "golden field",
        what,
        f"engine `{engine.identity}` does not see what the model means",
        "Do not use this engine here: run `cytoedge engines check`, and report its output",
    )
