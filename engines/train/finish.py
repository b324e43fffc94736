"""When all runs are done: the model's two files, its threshold, and its figures in the card."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engines.build import hash_into_card
from engines.card import CARD, GRADER, LOCATOR
from engines.card_text import with_metrics, with_number
from engines.evaluation.figures import Figures, figures, to_json
from engines.evaluation.page import page_of
from engines.fields import AnnotatedField
from engines.int8.make import round_networks
from engines.train.cross import CrossValidated, called_high, cross_validate
from engines.train.make import FINAL, Recipe, write_model

GROUPING = "fields resampled; runs of 8 image_ids stay on one side of five folds"
IN_CARD = (
    "findings_per_field",
    "recall_23px",
    "recall_12px",
    "recall_23px_high_grade",
    "auc_abnormal_at_points",
    "auc_high_grade_at_points",
    "balanced_accuracy_three_tiers",
    "balanced_accuracy_six_classes",
    "auc_abnormal_end_to_end",
    "auc_high_grade_end_to_end",
    "high_grade_recall_at_1_false_per_field",
    "high_grade_recall_at_4_false_per_field",
    "high_grade_per_mm2_ratio",
    "calibration_error_findings",
    "calibration_error_three_tiers",
)
"""The figures that the card quotes; all others lie in the work folder."""


def finish(
    fields: Sequence[AnnotatedField],
    negative: Sequence[AnnotatedField],
    recipe: Recipe,
    work: Path,
    to: Path,
) -> dict[str, Any]:
    """Write the model, in 8 bits, and the card's threshold and figures; all else of the card stays.

    Args:
        fields: The fields that the folds are made of.
        negative: Fields of negative slides that no run saw; may be none.
        recipe: What the runs were made with.
        work: Where they lie; `figures.json` and `figures.html` are written there.
        to: The model's folder, with a card.

    Returns:
        The figures, as `engines evaluate` gives them, and under `shift` what becomes of a bar for
        high grade on fields that it was not chosen on.

    Raises:
        BadModel: A run is not finished, or the card is absent.
        EngineFault: An engine failed.
    """
    crossed = cross_validate(fields, negative, recipe, work, to)
    measured = figures(crossed.looked)
    said = to_json(measured) | {"shift": shift(crossed, len(negative))}
    (work / "figures.json").write_text(json.dumps(said, indent=1))
    (work / "figures.html").write_text(
        page_of("cross-validated", measured, crossed.looked, iter(fields))
    )
    write_model(recipe, FINAL, work, to)
    card = to / CARD
    text = with_number(card.read_text(), "min_score", round(crossed.threshold * 10_000))
    card.write_text(with_metrics(text, _metrics(measured, fields)))
    hash_into_card(to, {"locator": LOCATOR, "grader": GRADER})
    round_networks(to, fields)
    return said


def shift(crossed: CrossValidated, negative: int) -> dict[str, float | None]:
    """What a bar for high grade, chosen on other smears, does on these and on other slides."""
    screened = figures(crossed.screened).by_name
    without = [one for one in crossed.looked if not one.labels.any()]
    return {
        "recall_at_bar_for_80_percent": screened["high_grade_recall_at_bar"].value,
        "false_per_field_at_that_bar": screened["false_high_grade_per_field_at_bar"].value,
        "false_per_negative_field_elsewhere_at_that_bar": (
            float(np.mean([called_high(one) for one in crossed.elsewhere])) if negative else None
        ),
        "strict_findings_on_fields_without_lesion": sum(map(called_high, without)),
        "fields_without_lesion": len(without),
    }


def _metrics(measured: Figures, fields: Sequence[AnnotatedField]) -> list[dict[str, Any]]:
    """The card's `[[metrics]]`."""
    folders = ", ".join(sorted({field.folder for field in fields}))
    source = f"{measured.fields} fields of {folders}, each judged by the run that did not see it"
    return [
        {
            "name": name,
            "value": round(figure.value, 4),
            "low": round(figure.low, 4),
            "high": round(figure.high, 4),
            "count": figure.count,
            "grouping": GROUPING,
            "source": source,
        }
        for name in IN_CARD
        for figure in [measured.by_name[name]]
        if math.isfinite(figure.value)
    ]
