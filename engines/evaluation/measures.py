"""What is measured: of a pool and resamples of its fields, one number a resample and figure.

Each figure comes as (name, float64 (resamples,), how many cells, findings or fields it rests on).
"""

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np

from engines.evaluation.looked import (
    ABNORMAL,
    CLASS,
    HIGH_GRADE,
    TIER,
    Floats,
    Question,
    high_grade_score,
)
from engines.evaluation.pool import ASC_H, Pool
from engines.evaluation.resampling import (
    area_under_curve,
    balanced_accuracy,
    calibration_error,
    mean,
    ratio,
    recalls_at_false,
    sums,
)
from engines.fields import LABELS

Measured: TypeAlias = tuple[str, Floats, int]

FALSE_FINDINGS = (10, 20, 40)
FALSE_HIGH_GRADE = (1, 4)
"""A field, at which recall is read off a FROC curve."""

GRADED: dict[str, tuple[Question, bool]] = {
    "auc_abnormal_at_points": (ABNORMAL, False),
    "auc_high_grade_at_points": (HIGH_GRADE, False),
    "auc_abnormal_end_to_end": (ABNORMAL, True),
    "auc_high_grade_end_to_end": (HIGH_GRADE, True),
    "balanced_accuracy_three_tiers": (TIER, False),
    "balanced_accuracy_six_classes": (CLASS, False),
    "balanced_accuracy_three_tiers_end_to_end": (TIER, True),
    "balanced_accuracy_six_classes_end_to_end": (CLASS, True),
}
"""Figures of grading: what is asked, and whether of the finding (end to end: a missed nucleus ranks
last, and is graded wrongly) or of a crop cut at the annotated point."""


def told_by_classes(
    question: Question, class_scores: Floats, pool: Pool, weights: Floats
) -> Floats:
    """How well a model's class scores, (n, 7), answer a question; see `told`."""
    return told(question, evened(question.scores(class_scores)), pool, weights)


def told(question: Question, scores: Floats, pool: Pool, weights: Floats) -> Floats:
    """How well scores answer a question: area under the curve; balanced accuracy for many groups.

    What is asked is which cell it is, of something that is a cell: so nuclei are ranked by what is
    said given that one is there. Whether the model takes them for one, recall says.

    Args:
        question: What is asked of each nucleus.
        scores: float64, (n, groups); all negative where a nucleus was missed.
        pool: The nuclei.
        weights: The resamples.
    """
    groups = question.groups(pool.labels)
    is_missed = scores.max(axis=1) < 0
    if scores.shape[1] == 2:
        said = np.where(is_missed, -1, given_a_cell(np.maximum(scores, 0))[:, 1])
        return area_under_curve(weights, pool.field, said, groups == 1)
    guesses = np.where(is_missed, -1, scores.argmax(axis=1))
    return balanced_accuracy(weights, pool.field, groups, guesses)


def recalls(pool: Pool, weights: Floats) -> Iterator[Measured]:
    """The share of annotated nuclei that were found: of all, of high grade, of each class."""
    kinds = {"": pool.labels >= 0, "_high_grade": pool.labels >= ASC_H}
    kinds |= {f"_{label}": pool.labels == index for index, label in enumerate(LABELS)}
    for distance, is_found in (("23px", pool.found_by >= 0), ("12px", pool.is_found_strict)):
        for kind, is_meant in kinds.items():
            values = mean(weights, pool.field[is_meant], is_found[is_meant])
            yield f"recall_{distance}{kind}", values, int(is_meant.sum())


def findings(pool: Pool, weights: Floats) -> Iterator[Measured]:
    """How many findings there are, and the recall for so many false ones."""
    found = sums(weights, pool.candidate_field, pool.is_finding)
    fields = len(pool.mm2)
    yield "findings_per_field", found / fields, fields
    yield "findings_per_mm2", ratio(found, weights @ pool.mm2), fields
    at_false = recalls_at_false(
        weights, pool.candidate_field, pool.scores, pool.is_hit, pool.field, FALSE_FINDINGS
    )
    for allowed, values in zip(FALSE_FINDINGS, at_false, strict=True):
        yield f"recall_23px_at_{allowed}_false_per_field", values, len(pool.labels)


def high_grade(pool: Pool, weights: Floats) -> Iterator[Measured]:
    """What a slide's high-grade bar gives, and the recall for so many false ones.

    A finding is false that finds no high-grade nucleus, or one that another had found. Where the
    negative fields show none at all, the ratio is computed as if they showed one.
    """
    wanted = pool.field[pool.labels >= ASC_H]
    kept, field = pool.is_finding, pool.candidate_field
    scores = high_grade_score(pool.class_scores)
    at_false = recalls_at_false(
        weights,
        field[kept],
        scores[kept],
        pool.is_high_grade_hit[kept],
        wanted,
        FALSE_HIGH_GRADE,
    )
    for allowed, values in zip(FALSE_HIGH_GRADE, at_false, strict=True):
        yield f"high_grade_recall_at_{allowed}_false_per_field", values, len(wanted)
    is_hit = pool.is_high_grade & pool.is_high_grade_hit
    recall = ratio(sums(weights, field, is_hit), sums(weights, wanted))
    yield "high_grade_recall_at_bar", recall, len(wanted)
    false = sums(weights, field, pool.is_high_grade & ~is_hit)
    yield "false_high_grade_per_field_at_bar", false / len(pool.mm2), len(pool.mm2)
    has_none = pool.worst_label < ASC_H
    elsewhere = sums(weights, field, pool.is_high_grade & has_none[field])
    name = "high_grade_per_field_without_high_grade_at_bar"
    yield name, ratio(elsewhere, weights @ has_none), int(has_none.sum())
    density = {}
    for name, is_meant in (("hsil", pool.has_hsil), ("nilm", pool.worst_label == 0)):
        ground = weights @ (pool.mm2 * is_meant)
        seen = sums(weights, field, pool.is_high_grade & is_meant[field])
        density[name] = ratio(seen, ground)
        yield f"high_grade_per_mm2_on_{name}_fields", density[name], int(is_meant.sum())
        least = ratio(np.maximum(seen, 1), ground)
    yield "high_grade_per_mm2_ratio", ratio(density["hsil"], least), len(pool.mm2)


def calibration(pool: Pool, weights: Floats) -> Iterator[Measured]:
    """How far what is said is from what is so: of findings, and of grades at annotated points."""
    found = pool.is_finding
    yield (
        "calibration_error_findings",
        calibration_error(
            weights, pool.candidate_field[found], pool.scores[found], pool.is_hit[found]
        ),
        int(found.sum()),
    )
    for name, question in (("abnormal", ABNORMAL), ("high_grade", HIGH_GRADE)):
        said = given_a_cell(question.scores(pool.at_points))[:, 1]
        values = calibration_error(weights, pool.field, said, question.groups(pool.labels) == 1)
        yield f"calibration_error_{name}", values, len(pool.labels)
    for name, question in (("three_tiers", TIER), ("six_classes", CLASS)):
        scores = given_a_cell(question.scores(pool.at_points))
        is_right = scores.argmax(axis=1) == question.groups(pool.labels)
        values = calibration_error(weights, pool.field, scores.max(axis=1), is_right)
        yield f"calibration_error_{name}", values, len(pool.labels)


def evened(scores: Floats) -> Floats:
    """Scores of groups, (n, groups), as if every group were as frequent as the others.

    Scores come true for cells as frequent as those that they were calibrated on; where every group
    is to weigh the same, as in balanced accuracy and in the fits of the controls, each is divided
    by its mean over all cells asked of. No label is looked at. Missed cells stay as they are.
    """
    is_missed = scores.max(axis=1, keepdims=True) < 0
    said = given_a_cell(np.maximum(scores, 0))
    mean = said.sum(axis=0) / max(1, np.count_nonzero(~is_missed))
    even: Floats = said / np.maximum(mean, np.finfo(np.float64).tiny)
    return np.where(is_missed, scores, even)


def given_a_cell(scores: Floats) -> Floats:
    """Scores of groups, (n, groups), as if it were certain that a cell is there: rows sum to 1."""
    total = np.maximum(scores.sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)
    shares: Floats = scores / total
    return shares
