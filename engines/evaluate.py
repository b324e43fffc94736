"""How well a model finds and grades the cells of annotated fields."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engines.detector import Detections
from engines.fields import AnnotatedField
from engines.maps import MapEngine, one_tile

NEAR_UM, STRICT_UM = 5.75, 3.0
"""A detection this near to a nucleus found it: 23 and 12 px at 0.25 um/px."""
RESAMPLES = 1_000
Floats = npt.NDArray[np.float64]
Measure = Callable[["Sequence[Seen]"], float]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a model made of one field; n annotated nuclei, m detections in annotated ground."""

    name: str
    tiers: npt.NDArray[np.int64]
    """int64, (n,): the annotated tiers."""
    at_points: Floats
    """float64, (n, classes): class scores of the map where the nuclei are annotated."""
    near: npt.NDArray[np.int64]
    """int64, (n,): the detection that found the nucleus within 5.75 um, one to one, or -1."""
    strict: npt.NDArray[np.int64]
    """As `near`, within 3 um."""
    detections: Detections
    annotated_mm2: float


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its 95 % interval, from resampling whole fields."""

    name: str
    value: float
    low: float
    high: float


def look(engine: MapEngine, field: AnnotatedField) -> Seen:
    """Run one field and match it with its annotation. Raises EngineFault."""
    card = engine.card
    tile = one_tile(field.picture, card.tile_px)
    _, classes = engine.maps(tile)
    stride = card.tile_px[0] // classes.shape[2]
    cells = np.clip((field.points_px // stride).astype(int), 0, np.array(classes.shape[:1:-1]) - 1)
    at_points = classes[0][:, cells[:, 1], cells[:, 0]].T.astype(np.float64)
    seen = _within(engine.detect(tile), field.annotated_px)
    um_per_px = card.pm_per_px / 1e6
    right, bottom = field.annotated_px
    return Seen(
        name=field.name,
        tiers=field.tiers,
        at_points=at_points,
        near=one_to_one(field.points_px, seen.centres_px, NEAR_UM / um_per_px),
        strict=one_to_one(field.points_px, seen.centres_px, STRICT_UM / um_per_px),
        detections=seen,
        annotated_mm2=right * bottom * um_per_px**2 / 1e6,
    )


def figures(fields: Sequence[Seen], seed: int = 0) -> list[Figure]:
    """Recall, findings, and how abnormal is told from negative, each with its interval."""
    chance = np.random.default_rng(seed)
    draws = [chance.integers(len(fields), size=len(fields)) for _ in range(RESAMPLES)]
    made = []
    for name, measure in MEASURES.items():
        resampled = np.array([measure([fields[i] for i in draw]) for draw in draws])
        resampled = resampled[~np.isnan(resampled)]
        if resampled.size:
            low, high = (float(limit) for limit in np.quantile(resampled, (0.025, 0.975)))
            made.append(Figure(name, measure(fields), low, high))
    return made


def one_to_one(
    points: npt.NDArray[np.float32], found: npt.NDArray[np.float32], within_px: float
) -> npt.NDArray[np.int64]:
    """For each point the detection that found it, or -1: nearest pairs first, each used once."""
    match = np.full(len(points), -1)
    apart = np.hypot(*(points[:, None] - found[None]).transpose(2, 0, 1)).reshape(
        len(points), len(found)
    )
    taken = np.zeros(len(found), np.bool_)
    for flat in np.argsort(apart, axis=None, kind="stable"):
        point, detection = divmod(int(flat), len(found))
        if apart[point, detection] > within_px:
            break
        if match[point] < 0 and not taken[detection]:
            match[point], taken[detection] = detection, True
    return match


def area_under_curve(scores: Floats, is_worse: npt.NDArray[np.bool_]) -> float:
    """Chance that a worse cell scores above a better one, ties half; NaN without both.

    Source: Mann and Whitney (1947), by ranks.
    """
    worse = int(is_worse.sum())
    better = len(scores) - worse
    if not worse or not better:
        return float("nan")
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return float((ranks[is_worse].sum() - worse * (worse + 1) / 2) / (worse * better))


def _within(seen: Detections, annotated_px: tuple[float, float]) -> Detections:
    inside = (seen.centres_px < np.array(annotated_px, np.float32)).all(axis=1)
    return Detections(seen.centres_px[inside], seen.scores[inside], seen.class_scores[inside])


def _recall(of: Callable[[Seen], npt.NDArray[np.int64]], from_tier: int) -> Measure:
    def measure(fields: Sequence[Seen]) -> float:
        found = np.concatenate([(of(f) >= 0)[f.tiers >= from_tier] for f in fields])
        return float(found.mean()) if found.size else float("nan")

    return measure


def _separation(tier: int, *, end_to_end: bool) -> Measure:
    """AUC of the summed class scores from `tier` up; end to end a missed nucleus ranks last."""

    def measure(fields: Sequence[Seen]) -> float:
        scores = np.concatenate([_scores(f, tier, end_to_end=end_to_end) for f in fields])
        tiers = np.concatenate([f.tiers for f in fields])
        return area_under_curve(scores, tiers >= tier)

    return measure


def _scores(seen: Seen, tier: int, *, end_to_end: bool) -> Floats:
    if not end_to_end:
        at_points: Floats = seen.at_points[:, tier:].sum(1)
        return at_points
    scores = np.full(len(seen.tiers), -1.0)
    is_found = seen.near >= 0
    scores[is_found] = seen.detections.class_scores[seen.near[is_found], tier:].sum(1)
    return scores


def _findings_per_field(fields: Sequence[Seen]) -> float:
    return float(np.mean([len(f.detections.scores) for f in fields]))


def _findings_per_mm2(fields: Sequence[Seen]) -> float:
    findings = sum(len(f.detections.scores) for f in fields)
    return findings / sum(f.annotated_mm2 for f in fields)


MEASURES: dict[str, Measure] = {
    "recall_23_px": _recall(lambda seen: seen.near, 0),
    "recall_12_px": _recall(lambda seen: seen.strict, 0),
    "recall_high_23_px": _recall(lambda seen: seen.near, 2),
    "findings_per_field": _findings_per_field,
    "findings_per_mm2": _findings_per_mm2,
    "auc_abnormal_at_points": _separation(1, end_to_end=False),
    "auc_abnormal_end_to_end": _separation(1, end_to_end=True),
    "auc_high_at_points": _separation(2, end_to_end=False),
    "auc_high_end_to_end": _separation(2, end_to_end=True),
}
"""What `figures` gives. High: ASC-H and worse, against all others."""
