"""All figures of some fields, each with its interval and its controls."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np

from engines.evaluation.controls import controls
from engines.evaluation.looked import Floats, Looked
from engines.evaluation.measures import (
    GRADED,
    Measured,
    calibration,
    findings,
    high_grade,
    recalls,
    told,
    told_by_classes,
)
from engines.evaluation.pool import Pool, pooled
from engines.evaluation.resampling import drawn, interval
from engines.fields import LABELS

RESAMPLES = 1_000
ALONG = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 0.95)
"""Thresholds at which figures are given besides the card's."""
FEW_FIELDS = 10
HEADLINES = (
    "findings_per_field",
    "recall_23px",
    "recall_12px",
    "recall_23px_high_grade",
    "auc_abnormal_at_points",
    "auc_high_grade_at_points",
    "auc_abnormal_gain_over_colour_lower",
    "auc_abnormal_end_to_end",
    "auc_high_grade_end_to_end",
    "balanced_accuracy_three_tiers",
)
"""What the JSON form gives as plain numbers."""


@dataclass(frozen=True, slots=True)
class Control:
    """What the same cells give without the model, and how much more the model gives."""

    name: str
    """Colour, that with surroundings, or size; or chance: as many findings at random places."""
    value: float
    gain: float
    low: float
    """Lower 95 % limit of the gain, model and control on the same resamples."""
    high: float


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its 95 % interval, from resampling whole fields; NaN if it can't be had."""

    name: str
    value: float
    low: float
    high: float
    count: int
    """Cells, findings or fields that it rests on."""
    controls: tuple[Control, ...] = ()


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured on some fields."""

    by_name: dict[str, Figure]
    along: tuple[dict[str, float], ...]
    """What depends on the threshold, at others, the lowest first."""
    fields: int
    cells: dict[str, int]
    """Annotated nuclei by label."""
    thresholds: tuple[float, ...]
    """Of the fields, each once."""
    high_grade_bars: tuple[float, ...]
    remarks: tuple[str, ...]
    """What the reader of these figures must know."""


def figures(looked: Sequence[Looked], resamples: int = RESAMPLES, seed: int = 0) -> Figures:
    """Everything, from at least one field. The same fields and seed give the same figures."""
    pool = pooled(looked)
    weights = drawn(len(looked), resamples, seed)
    scattered = pooled([_scattered(one, seed) for one in looked])
    chance = {name: values for name, values, _ in recalls(scattered, weights)}
    made = [
        *(_figure(one, {"chance": chance[one[0]]}) for one in recalls(pool, weights)),
        *(_figure(one) for one in findings(pool, weights)),
        *_graded(pool, looked, weights),
        *(_figure(one) for one in high_grade(pool, weights)),
        *(_figure(one) for one in calibration(pool, weights)),
    ]
    by_name = {figure.name: figure for figure in made}
    counts = np.bincount(pool.labels, minlength=len(LABELS)).tolist()
    return Figures(
        by_name=by_name,
        along=tuple(_at(looked, threshold) for threshold in ALONG),
        fields=len(looked),
        cells=dict(zip(LABELS, counts, strict=True)),
        thresholds=tuple(sorted({one.threshold for one in looked})),
        high_grade_bars=tuple(sorted({one.high_grade_bar for one in looked})),
        remarks=tuple(_remarks(len(looked), by_name)),
    )


def headlines(figures: Figures) -> dict[str, float]:
    """The figures by which a model is judged first; NaN where one can't be had."""
    values = {name: figure.value for name, figure in figures.by_name.items()}
    for control in figures.by_name["auc_abnormal_at_points"].controls:
        values[f"auc_abnormal_gain_over_{control.name}_lower"] = control.low
    return {name: values.get(name, math.nan) for name in HEADLINES}


def to_json(figures: Figures) -> dict[str, Any]:
    """The headlines as plain numbers, all else under `details`; null for what can't be had."""
    details = {
        "fields": figures.fields,
        "cells": figures.cells,
        "thresholds": figures.thresholds,
        "high_grade_bars": figures.high_grade_bars,
        "remarks": figures.remarks,
        "figures": {
            name: {
                "value": _number(figure.value),
                "low": _number(figure.low),
                "high": _number(figure.high),
                "count": figure.count,
                "controls": {
                    control.name: {
                        "value": _number(control.value),
                        "gain": _number(control.gain),
                        "low": _number(control.low),
                        "high": _number(control.high),
                    }
                    for control in figure.controls
                },
            }
            for name, figure in figures.by_name.items()
        },
        "along": [{key: _number(value) for key, value in row.items()} for row in figures.along],
    }
    return {key: _number(value) for key, value in headlines(figures).items()} | {"details": details}


def _figure(measured: Measured, others: dict[str, Floats] | None = None) -> Figure:
    name, values, count = measured
    beside = [
        Control(
            control, float(other[0]), float((values - other)[0]), *interval((values - other)[1:])
        )
        for control, other in (others or {}).items()
    ]
    return Figure(name, float(values[0]), *interval(values[1:]), count, tuple(beside))


def _graded(pool: Pool, looked: Sequence[Looked], weights: Floats) -> Iterator[Figure]:
    """The figures of grading, beside what colour alone and size alone give of the same cells."""
    colours = np.concatenate([one.colours for one in looked])
    areas = np.concatenate([one.areas_um2 for one in looked])
    numbers = np.array([one.number for one in looked])[pool.field]
    for question in dict.fromkeys(asked for asked, _ in GRADED.values()):
        chances = controls(colours, areas, question.groups(pool.labels), numbers)
        for name, (asked, is_end_to_end) in GRADED.items():
            if asked != question:
                continue
            said = pool.end_to_end if is_end_to_end else pool.at_points
            is_missed = pool.found_by < 0 if is_end_to_end else np.zeros(len(said), np.bool_)
            others = {
                control: told(question, np.where(is_missed[:, None], -1, chance), pool, weights)
                for control, chance in chances.items()
            }
            yield _figure((name, told_by_classes(question, said, pool, weights), len(said)), others)


def _scattered(one: Looked, seed: int) -> Looked:
    """The same field with its candidates at random places in the annotated ground."""
    chance = np.random.default_rng((seed, one.number))
    places = chance.random(one.centres_px.shape) * one.annotated_px
    return replace(one, centres_px=places.astype(np.float32))


def _at(looked: Sequence[Looked], threshold: float) -> dict[str, float]:
    """What depends on the threshold, at another one."""
    pool = pooled([replace(one, threshold=threshold) for one in looked])
    once = np.ones((1, len(looked)))
    row = {"threshold": threshold}
    for name, values, _ in chain(findings(pool, once), recalls(pool, once)):
        row[name] = float(values[0])
    for name, (question, is_end_to_end) in GRADED.items():
        if is_end_to_end:
            row[name] = float(told_by_classes(question, pool.end_to_end, pool, once)[0])
    return row


def _remarks(fields: int, by_name: dict[str, Figure]) -> Iterator[str]:
    if fields < FEW_FIELDS:
        yield f"{fields} fields are too few for intervals: true ones are wider"
    missing = [name for name, figure in by_name.items() if math.isnan(figure.value)]
    if missing:
        yield f"Not to be had, for want of such cells or fields: {', '.join(missing)}"
    without = [name for name in GRADED if not by_name[name].controls]
    if without:
        yield f"No control, since one field holds all cells of a group: {', '.join(without)}"


def _number(value: float) -> float | None:
    return round(value, 4) if math.isfinite(value) else None
