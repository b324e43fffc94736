"""The worst misses and the worst false findings: what to look at first."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engines.evaluation.looked import CLASSES, TIER, Floats, Looked, high_grade_score
from engines.evaluation.measures import given_a_cell
from engines.evaluation.pool import NEAR_PX, Pool
from engines.fields import LABELS

MOST = 20


@dataclass(frozen=True, slots=True)
class Worst:
    """A place in a field, and what is wrong with it."""

    field: int
    """Index of the field."""
    place_px: tuple[float, float]
    """x, y in the file."""
    said: str


def worst_misses(pool: Pool, looked: Sequence[Looked]) -> list[Worst]:
    """Nuclei graded furthest under their tier; one that was not found counts as negative."""
    scores = pool.end_to_end
    is_missed = pool.found_by < 0
    tiers = given_a_cell(TIER.scores(np.where(is_missed[:, None], 0, scores)))
    short = TIER.groups(pool.labels) - tiers @ np.arange(3)
    order = np.lexsort((-pool.labels, -short))[:MOST]
    points = np.concatenate([one.points_px for one in looked])
    return [
        Worst(
            int(pool.field[cell]),
            (float(points[cell, 0]), float(points[cell, 1])),
            f"annotated {LABELS[pool.labels[cell]]}\n"
            + ("not found" if is_missed[cell] else f"said {_best(scores[cell])}"),
        )
        for cell in order[short[order] > 0]
    ]


def worst_false(pool: Pool, looked: Sequence[Looked]) -> list[Worst]:
    """Findings of the highest high-grade score that found no high-grade nucleus."""
    high_grade = high_grade_score(pool.class_scores)
    false = np.flatnonzero(pool.is_finding & ~pool.is_high_grade_hit)
    order = false[np.argsort(-high_grade[false], kind="stable")][:MOST]
    centres = np.concatenate([one.centres_px for one in looked])
    found = []
    for finding in order:
        one = looked[pool.candidate_field[finding]]
        x, y = (float(value) for value in centres[finding])
        apart = np.hypot(*(one.points_px - centres[finding]).T)
        near = apart.argmin() if len(apart) and apart.min() <= NEAR_PX else None
        truth = "nothing annotated" if near is None else f"annotated {LABELS[one.labels[near]]}"
        said = f"{truth}\nsaid {_best(pool.class_scores[finding])}"
        found.append(Worst(int(pool.candidate_field[finding]), (x, y), said))
    return found


def _best(class_scores: Floats) -> str:
    best = int(class_scores.argmax())
    return f"{CLASSES[best]} {class_scores[best]:.2f}"
