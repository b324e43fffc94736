"""What the recipe is worth: every field judged by the run that did not see it."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from engines.build import hash_into_card
from engines.card import CARD, GRADER, LOCATOR, read
from engines.evaluation.look import look
from engines.evaluation.looked import Looked
from engines.evaluation.thresholds import bar_for_false, threshold_for, with_thresholds
from engines.fields import AnnotatedField
from engines.openvino_engine import OpenVinoEngine
from engines.train.make import FINAL, Recipe, held_out, write_model

FINDINGS_A_FIELD = 58.0
"""The threshold is the lowest with at most so many: few enough to grade, most nuclei found."""
STRICT_FALSE_A_FIELD = 0.1
"""High-grade findings a field that are none, at the bar that a slide of 1,000 fields needs."""


@dataclass(frozen=True, slots=True)
class CrossValidated:
    """All fields of the folds, each with thresholds chosen on the other folds."""

    looked: list[Looked]
    threshold: float
    """Chosen on all fields: for the network that saw them all."""


def cross_validate(
    fields: Sequence[AnnotatedField],
    recipe: Recipe,
    work: Path,
    card_of: Path,
    report: Callable[[AnnotatedField], None],
) -> CrossValidated:
    """Judge every field by the run that did not see it, in the engine that serves.

    Args:
        fields: The annotated fields to be judged; others may have been trained on as well.
        recipe: What the runs were made with.
        work: Where they lie.
        card_of: A model's folder, whose card says how the networks are used.
        report: Told of each field.

    Raises:
        BadModel: A run is not finished.
        EngineFault: An engine failed.
    """
    by_fold: dict[str, list[Looked]] = {}
    for run in recipe.runs:
        if run == FINAL:
            continue
        folder = work / run / "model"
        write_model(recipe, run, work, folder)
        shutil.copy(card_of / CARD, folder / CARD)
        hash_into_card(folder, {"locator": LOCATOR, "grader": GRADER})
        engine = OpenVinoEngine(read(folder), recipe.threads)
        is_held = held_out(fields, recipe, run)
        by_fold[run] = []
        for field, held in zip(fields, is_held, strict=True):
            if held:
                by_fold[run].append(look(engine, field, 0.0, 0.0))
                report(field)
    looked = []
    for run, held in by_fold.items():
        others = [one for other, them in by_fold.items() if other != run for one in them]
        looked += with_thresholds(held, *_chosen(others))
    return CrossValidated(looked, _chosen(looked)[0])


def _chosen(looked: Sequence[Looked]) -> tuple[float, float]:
    """The threshold of findings and the strict bar of high grade."""
    threshold = threshold_for(looked, FINDINGS_A_FIELD)
    strict = bar_for_false(with_thresholds(looked, threshold, 0.0), STRICT_FALSE_A_FIELD)
    return threshold, strict
