"""Fields looked at by no engine: each nucleus 100 px from the next, found where the test says."""

from collections.abc import Sequence

import numpy as np

from engines.evaluation.looked import CLASSES, Floats, Looked
from engines.fields import LABELS

Found = tuple[float, float, str, float]
"""x, y of a candidate, the class that it is graded, and with what certainty."""


def class_scores(said: Sequence[tuple[str, float]]) -> Floats:
    """Each row gives one class its score; what is left goes to `none`."""
    scores = np.zeros((len(said), len(CLASSES)))
    for row, (name, score) in zip(scores, said, strict=True):
        row[0] = 1 - score
        row[CLASSES.index(name)] += score
    return scores


def looked(
    labels: Sequence[str],
    found: Sequence[Found],
    at_points: Sequence[tuple[str, float]] | None = None,
    number: int = 0,
    threshold: float = 0.5,
    high_grade_bar: float = 0.7,
) -> Looked:
    """A field of 1000 x 1000 px at 0.25 um/px, its nuclei at (50, 50), (150, 50), ..."""
    kinds = np.array([LABELS.index(label) for label in labels], np.int64)
    points = np.array([(50 + 100 * i, 50) for i in range(len(labels))], np.float32).reshape(-1, 2)
    scores = class_scores([(name, score) for _, _, name, score in found])
    return Looked(
        folder="made",
        name=f"{number}.png",
        number=number,
        um_per_px=0.25,
        annotated_px=(1000, 1000),
        labels=kinds,
        points_px=points,
        at_points=class_scores(at_points or [(label, 0.9) for label in labels]),
        colours=np.random.default_rng(number).random((len(labels), 12)),
        areas_um2=np.full(len(labels), 30.0),
        centres_px=np.array([(x, y) for x, y, _, _ in found], np.float32).reshape(-1, 2),
        scores=1 - scores[:, 0],
        class_scores=scores,
        threshold=threshold,
        high_grade_bar=high_grade_bar,
    )
