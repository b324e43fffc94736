"""Figures of many resamples of whole fields at once.

A resample is how often each field was drawn; every figure takes a matrix of them, weights of shape
(resamples, fields), and gives one number a row, NaN where it can't be had.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from engines.evaluation.looked import Floats, Ints

BINS = 10
"""Of a reliability curve."""
_BLOCK = 4_000_000
"""Most numbers of one intermediate array: 32 MB."""

Yes = npt.NDArray[np.bool_]


def drawn(fields: int, resamples: int, seed: int) -> Floats:
    """Weights, (1 + resamples, fields): first each field once, then drawn with replacement."""
    chance = np.random.default_rng(seed)
    counts = chance.multinomial(fields, np.full(fields, 1 / fields), size=resamples)
    weights: Floats = np.concatenate([np.ones((1, fields)), counts.astype(np.float64)])
    return weights


def sums(weights: Floats, field: Ints, values: npt.NDArray[np.generic] | None = None) -> Floats:
    """The sum of a value a cell, or how many cells; `field` says where each lies."""
    total: Floats = weights @ np.bincount(field, values, minlength=weights.shape[1])
    return total


def ratio(parts: Floats, wholes: Floats) -> Floats:
    """NaN where the whole is nothing."""
    shares: Floats = np.full(len(parts), np.nan)
    np.divide(parts, wholes, out=shares, where=wholes > 0)
    return shares


def mean(weights: Floats, field: Ints, values: npt.NDArray[np.generic]) -> Floats:
    """Mean of a value a cell."""
    return ratio(sums(weights, field, values), sums(weights, field))


def area_under_curve(weights: Floats, field: Ints, scores: Floats, is_worse: Yes) -> Floats:
    """Chance that a worse cell scores above a better one, ties half.

    Source: Mann and Whitney (1947).
    """
    order = np.argsort(scores, kind="stable")
    ends = _ends_of_ties(scores[order])
    areas = [np.zeros(0)]
    for drawn_cells in _blocks(weights, field[order]):
        worse = np.cumsum(drawn_cells * is_worse[order], axis=1)[:, ends]
        better = np.cumsum(drawn_cells * ~is_worse[order], axis=1)[:, ends]
        middle = better - np.diff(better, prepend=0) / 2
        pairs = (np.diff(worse, prepend=0) * middle).sum(axis=1)
        areas.append(ratio(pairs, worse[:, -1:].sum(1) * better[:, -1:].sum(1)))
    areas_of_all: Floats = np.concatenate(areas)
    return areas_of_all


def balanced_accuracy(weights: Floats, field: Ints, labels: Ints, guesses: Ints) -> Floats:
    """Mean over the labels that occur of the share guessed rightly; chance is 1 / labels."""
    kinds = np.unique(labels)
    if len(kinds) < 2:
        return np.full(len(weights), np.nan)
    is_right = guesses == labels
    shares = [mean(weights, field[labels == k], is_right[labels == k]) for k in kinds]
    balanced: Floats = np.mean(shares, axis=0)
    return balanced


def recalls_at_false(
    weights: Floats,
    field: Ints,
    scores: Floats,
    is_hit: Yes,
    wanted: Ints,
    per_field: Sequence[float],
) -> list[Floats]:
    """Recall at the lowest threshold with at most so many false findings a field; for each number.

    Args:
        weights: The resamples.
        field: int64, (m,): where each finding lies.
        scores: float64, (m,).
        is_hit: (m,): the finding found what no better scored one had found.
        wanted: int64, (w,): where each of those lies that were to be found.
        per_field: Mean false findings allowed.
    """
    order = np.argsort(-scores, kind="stable")
    ends = _ends_of_ties(scores[order])
    blocks = [np.zeros((0, len(per_field)))]
    for drawn_findings in _blocks(weights, field[order]):
        hits = np.cumsum(drawn_findings * is_hit[order], axis=1)[:, ends]
        false = np.cumsum(drawn_findings, axis=1)[:, ends] - hits
        hits = np.concatenate([np.zeros((len(hits), 1)), hits], axis=1)
        allowed = [(false <= most * weights.shape[1]).sum(axis=1) for most in per_field]
        blocks.append(np.take_along_axis(hits, np.stack(allowed, axis=1), axis=1))
    total = sums(weights, wanted)
    return [ratio(hits, total) for hits in np.concatenate(blocks).T]


def calibration_error(weights: Floats, field: Ints, said: Floats, is_so: Yes) -> Floats:
    """How far a probability is from how often it is so: mean over ten bins, by cells.

    Source: Guo et al., On Calibration of Modern Neural Networks (2017), 2.
    """
    in_bin = np.minimum((said * BINS).astype(np.int64), BINS - 1)
    apart = np.zeros(len(weights))
    for one in range(BINS):
        here = in_bin == one
        apart += np.abs(sums(weights, field[here], (said - is_so)[here]))
    return ratio(apart, sums(weights, field))


def interval(resamples: Floats) -> tuple[float, float]:
    """The 95 % interval of a figure's resamples, those without the figure left out."""
    had = resamples[~np.isnan(resamples)]
    if not had.size:
        return float("nan"), float("nan")
    low, high = np.quantile(had, (0.025, 0.975))
    return float(low), float(high)


def _ends_of_ties(ordered: Floats) -> Ints:
    return np.flatnonzero(np.append(np.diff(ordered) != 0, [True] * (len(ordered) > 0)))


def _blocks(weights: Floats, field: Ints) -> Iterator[Floats]:
    """The weight of each cell in each resample, some resamples at a time."""
    rows = max(1, _BLOCK // max(1, len(field)))
    for start in range(0, len(weights), rows):
        yield weights[start : start + rows][:, field]
