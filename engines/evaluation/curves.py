"""The curves of a pool: finding, false high grade, telling apart, reliability."""

from collections.abc import Mapping

import numpy as np

from engines.evaluation.charts import Line
from engines.evaluation.looked import ABNORMAL, HIGH_GRADE, Floats, Question, high_grade_score
from engines.evaluation.measures import given_a_cell
from engines.evaluation.pool import ASC_H, Pool
from engines.evaluation.resampling import BINS, Yes

_QUESTIONS = (("abnormal", ABNORMAL, "first"), ("high grade", HIGH_GRADE, "second"))


def found(pool: Pool) -> list[Line]:
    """Recall within 23 px against findings a field, and where the threshold stands."""
    order = np.argsort(-pool.scores, kind="stable")
    x = np.arange(1, len(order) + 1) / len(pool.mm2)
    y = np.cumsum(pool.is_hit[order]) / max(len(pool.labels), 1)
    here = pool.is_finding.sum() / len(pool.mm2)
    recall = (pool.found_by >= 0).mean() if len(pool.labels) else 0
    return [
        Line("all nuclei", x, y, "first"),
        Line("at the threshold", np.array([here]), np.array([recall]), "mark"),
    ]


def false_high_grade(pool: Pool) -> list[Line]:
    """Recall of high-grade nuclei against false high-grade findings a field, and the bar."""
    scores = high_grade_score(pool.class_scores)
    order = np.argsort(-scores, kind="stable")
    order = order[pool.is_finding[order]]
    hits, fields = np.cumsum(pool.is_high_grade_hit[order]), len(pool.mm2)
    wanted = max((pool.labels >= ASC_H).sum(), 1)
    over, over_hits = pool.is_high_grade.sum(), (pool.is_high_grade & pool.is_high_grade_hit).sum()
    here = np.array([(over - over_hits) / fields]), np.array([over_hits / wanted])
    false = (np.arange(1, len(order) + 1) - hits) / fields
    return [
        Line("high grade", false, hits / wanted, "second"),
        Line("at the bar", *here, "mark"),
    ]


def told_apart(pool: Pool, colours: Mapping[Question, Floats]) -> list[Line]:
    """ROC at annotated points: of the network, and dashed of the nucleus' colour alone."""
    lines = []
    for name, question, style in _QUESTIONS:
        is_worse = question.groups(pool.labels) == 1
        lines.append(Line(name, *_roc(question.scores(pool.at_points)[:, 1], is_worse), style))
        if question in colours:
            chances = colours[question][:, 1]
            lines.append(Line(f"{name}, colour", *_roc(chances, is_worse), f"{style} dashed"))
    return lines


def reliability(pool: Pool) -> list[Line]:
    """How often it is so, against what is said, of annotated nuclei; without empty bins."""
    lines = []
    for name, question, style in _QUESTIONS:
        said = given_a_cell(question.scores(pool.at_points))[:, 1]
        in_bin = np.minimum((said * BINS).astype(np.int64), BINS - 1)
        counts = np.bincount(in_bin, minlength=BINS)
        x, y = (
            np.bincount(in_bin, values, minlength=BINS)[counts > 0] / counts[counts > 0]
            for values in (said, question.groups(pool.labels))
        )
        lines.append(Line(name, x, y, style))
    ends = np.array([0.0, 1.0])
    return [*lines, Line("as often as said", ends, ends, "dashed")]


def _roc(scores: Floats, is_worse: Yes) -> tuple[Floats, Floats]:
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)
    x, y = (np.cumsum(of[order])[ends] / max(of.sum(), 1) for of in (~is_worse, is_worse))
    return np.concatenate([[0.0], x]), np.concatenate([[0.0], y])
