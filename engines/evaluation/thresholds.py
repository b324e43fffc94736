"""Thresholds chosen on some fields, to be measured on others."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from engines.evaluation.looked import Floats, Looked, high_grade_score
from engines.evaluation.pool import ASC_H, pooled

STEP = 10_000
"""Thresholds are ten-thousandths, as cards hold them."""


def threshold_for(looked: Sequence[Looked], findings_per_field: float) -> float:
    """The lowest threshold, so that of highest recall, with at most so many findings a field."""
    scores = np.concatenate([one.scores for one in looked])
    return _above(scores, int(findings_per_field * len(looked)))


def bar_for_false(looked: Sequence[Looked], false_per_field: float) -> float:
    """The lowest high-grade bar with at most so many false high-grade findings a field."""
    pool = pooled(looked)
    is_false = pool.is_finding & ~pool.is_high_grade_hit
    scores = high_grade_score(pool.class_scores[is_false])
    return _above(scores, int(false_per_field * len(looked)))


def bar_for_recall(looked: Sequence[Looked], recall: float) -> float:
    """The highest high-grade bar that finds this share of the high-grade nuclei.

    0 if no bar does: findings are sought at each field's own threshold.
    """
    pool = pooled(looked)
    hits = np.sort(high_grade_score(pool.class_scores[pool.is_high_grade_hit]))[::-1]
    needed = int(np.ceil(recall * (pool.labels >= ASC_H).sum()))
    return float(np.floor(hits[needed - 1] * STEP) / STEP) if 0 < needed <= len(hits) else 0.0


def with_thresholds(
    looked: Sequence[Looked], threshold: float, high_grade_bar: float
) -> list[Looked]:
    """The same fields, judged by these thresholds."""
    return [replace(one, threshold=threshold, high_grade_bar=high_grade_bar) for one in looked]


def _above(scores: Floats, allowed: int) -> float:
    """The lowest ten-thousandth that at most so many scores reach."""
    if len(scores) <= allowed:
        return 0.0
    best_left_out = float(np.sort(scores)[::-1][allowed])
    return float(np.floor(best_left_out * STEP) + 1) / STEP
