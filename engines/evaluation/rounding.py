"""What rounding a model to 8 bits changes: its graphs beside the exact ones, by the reference."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engines.card import ModelCard
from engines.evaluation.figures import figures, headlines
from engines.evaluation.look import look, thresholds_of
from engines.evaluation.looked import TIER, Ints, Looked
from engines.evaluation.matching import one_to_one
from engines.fields import AnnotatedField
from engines.int8.make import exact
from engines.reference_engine import ReferenceEngine

SAME_PLACE_PX = 2.0
"""Findings this near, in the tile's pixels, are one."""


@dataclass(frozen=True, slots=True)
class Rounding:
    """Of two networks, one rounded and one exact, what differs."""

    differences: dict[str, float]
    """Rounded minus exact, of the figures by which a model is judged first."""
    same_findings: float
    """Share of all findings, of either, that both have: same place, same tier."""

    def body(self) -> dict[str, Any]:
        """As JSON; null for what can't be had."""
        numbers = {
            name: round(value, 4) if math.isfinite(value) else None
            for name, value in self.differences.items()
        }
        return {"int8_minus_float": numbers | {"same_findings": round(self.same_findings, 4)}}


def rounding(card: ModelCard, fields: Iterable[AnnotatedField], work: Path) -> Rounding | None:
    """Judge a quantised model and what it was made from by the unoptimised graphs; slow.

    None if nothing of the model is rounded.

    Args:
        card: Of the quantised model.
        fields: Annotated ones.
        work: A folder for the exact model.

    Raises:
        BadModel: ONNX Runtime is absent, or the model is not for such fields.
        EngineFault: A graph failed.
    """
    thresholds = thresholds_of(card)
    if (float32 := exact(card, work)) is None:
        return None
    engines = [ReferenceEngine(each) for each in (card, float32)]
    looked: list[list[Looked]] = [[], []]
    for field in fields:
        for engine, seen in zip(engines, looked, strict=True):
            seen.append(look(engine, field, *thresholds))
    rounded, whole = (headlines(figures(seen)) for seen in looked)
    pairs = zip(looked[0], looked[1], strict=True)
    counts = np.array([_shared(one, other, card) for one, other in pairs]).sum(axis=0)
    return Rounding(
        {name: rounded[name] - whole[name] for name in rounded},
        float(2 * counts[0] / max(1, counts[1])),
    )


def _shared(one: Looked, other: Looked, card: ModelCard) -> tuple[int, int]:
    """How many findings of a field both have, and how many both have together."""
    within_px = SAME_PLACE_PX * card.pm_per_px / 1e6 / one.um_per_px
    mine, theirs = (np.flatnonzero(each.scores >= each.threshold) for each in (one, other))
    match = one_to_one(one.centres_px[mine], other.centres_px[theirs], within_px)
    is_matched = match >= 0
    tiers = _tiers(one, mine[is_matched]), _tiers(other, theirs[match[is_matched]])
    return int(np.count_nonzero(tiers[0] == tiers[1])), len(mine) + len(theirs)


def _tiers(looked: Looked, rows: Ints) -> Ints:
    return np.asarray(TIER.scores(looked.class_scores[rows]).argmax(axis=1), np.int64)
