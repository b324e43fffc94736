"""What the recipe is worth: every field judged by the run that did not see it."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engines.build import hash_into_card
from engines.card import CARD, GRADER, LOCATOR, read
from engines.evaluation.look import look
from engines.evaluation.looked import Looked, high_grade_score
from engines.evaluation.thresholds import (
    bar_for_false,
    bar_for_recall,
    threshold_for,
    with_thresholds,
)
from engines.fields import AnnotatedField
from engines.int8.make import round_networks
from engines.openvino_engine import OpenVinoEngine
from engines.train.make import FINAL, Recipe, held_out, write_model

FINDINGS_A_FIELD = 58.0
"""The threshold is the lowest with at most so many: few enough to grade, most nuclei found."""
STRICT_FALSE_A_FIELD = 0.1
"""High-grade findings a field that are none, at the bar that a slide of 1,000 fields needs."""
SCREENING_RECALL = 0.8
"""Share of high-grade nuclei that a bar is to find, wherever it is then used."""


@dataclass(frozen=True, slots=True)
class CrossValidated:
    """All fields of the folds, each judged by thresholds chosen on the other folds."""

    looked: list[Looked]
    """At the strict bar of high grade."""
    screened: list[Looked]
    """The same at the bar that finds `SCREENING_RECALL` on the other folds."""
    elsewhere: list[Looked]
    """Fields of negative slides made otherwise, by every fold's networks at that bar."""
    threshold: float
    """Chosen on all fields: for the network that saw them all."""


def cross_validate(
    fields: Sequence[AnnotatedField],
    negative: Sequence[AnnotatedField],
    recipe: Recipe,
    work: Path,
    card_of: Path,
) -> CrossValidated:
    """Judge every field by the run that did not see it, in the engine that serves.

    Args:
        fields: The fields that the folds are made of.
        negative: Fields that no run saw, of slides without an abnormal cell.
        recipe: What the runs were made with.
        work: Where they lie.
        card_of: A model's folder, whose card says how the networks are used.

    Raises:
        BadModel: A run is not finished.
        EngineFault: An engine failed.
    """
    by_fold: dict[str, list[Looked]] = {}
    elsewhere: dict[str, list[Looked]] = {}
    for run in recipe.runs:
        if run == FINAL:
            continue
        held = held_out(fields, recipe, run)
        seen = [field for field, is_held in zip(fields, held, strict=True) if not is_held]
        judged = [field for field, is_held in zip(fields, held, strict=True) if is_held]
        engine = _engine(recipe, run, seen, work, card_of)
        by_fold[run] = [look(engine, field, 0.0, 0.0) for field in judged]
        elsewhere[run] = [look(engine, field, 0.0, 0.0) for field in negative]
    made = CrossValidated(
        [], [], [], _threshold([one for them in by_fold.values() for one in them])
    )
    for run, ours in by_fold.items():
        others = [one for other, them in by_fold.items() if other != run for one in them]
        threshold = _threshold(others)
        others = with_thresholds(others, threshold, 0.0)
        strict = bar_for_false(others, STRICT_FALSE_A_FIELD)
        screening = bar_for_recall(others, SCREENING_RECALL)
        made.looked.extend(with_thresholds(ours, threshold, strict))
        made.screened.extend(with_thresholds(ours, threshold, screening))
        made.elsewhere.extend(with_thresholds(elsewhere[run], threshold, screening))
    return made


def called_high(one: Looked) -> int:
    """Findings of a field that reach its bar of high grade."""
    is_high = high_grade_score(one.class_scores) >= one.high_grade_bar
    return int(np.count_nonzero(is_high & (one.scores >= one.threshold)))


def _engine(
    recipe: Recipe, run: str, seen: Sequence[AnnotatedField], work: Path, card_of: Path
) -> OpenVinoEngine:
    """The engine of one run's networks, rounded, and used as the card says."""
    folder = work / run / "model"
    write_model(recipe, run, work, folder)
    shutil.copy(card_of / CARD, folder / CARD)
    hash_into_card(folder, {"locator": LOCATOR, "grader": GRADER})
    round_networks(folder, seen)
    return OpenVinoEngine(read(folder), recipe.threads)


def _threshold(looked: Sequence[Looked]) -> float:
    return threshold_for(looked, FINDINGS_A_FIELD)
