"""What is told of replayed slides, and of a table beside the one that was there."""

from collections.abc import Iterator, Sequence
from typing import Any

from drivers.scanner.words import Purpose
from edge.detection.basis import table
from edge.validation.sample import Sample
from edge.verdict.verdict import Verdict
from engines.card import ModelCard
from engines.tables import Table, of_source


def judged(sample: Sample, card: ModelCard, tables: Sequence[Table]) -> Verdict:
    """A slide's verdict by the new table of its source; where there is none, by the card's."""
    purpose = Purpose(sample.summary.opening.purpose)
    return sample.at(card, of_source(tables, sample.truth.source) or table(card, purpose))


def slide_body(sample: Sample, card: ModelCard, tables: Sequence[Table]) -> dict[str, Any]:
    """A slide for programs: what is true of it, and what is said of it before and after a fit."""
    return {
        "slide": sample.name,
        "truth": sample.truth.worst,
        "fields": sample.fields,
        "true_cells": sample.truth.seen_cells,
        "counted": sample.summary.sums.cells,
        "by_card": _said(judged(sample, card, ())),
        "by_fit": _said(judged(sample, card, tables)) if tables else None,
    }


def changes(card: ModelCard, after: Table) -> Iterator[str]:
    """Each number of a table that is not the card's, beside what it was."""
    before = of_source(card.tables, after.source)
    was = {} if before is None else _numbers(before)
    now = _numbers(after)
    for key in (*now, *(key for key in was if key not in now)):
        if was.get(key) != now.get(key):
            yield f"{key}: {was.get(key, 'none')} -> {now.get(key, 'none')}"


def _said(verdict: Verdict) -> dict[str, Any]:
    return {
        "table": verdict.table,
        "outcome": verdict.outcome.value,
        "category": verdict.category,
        "not_excluded": list(verdict.not_excluded),
        "reasons": [each.code.value for each in verdict.reasons],
        "counts": dict(verdict.counts),
        "cells": verdict.adequacy.cells,
    }


def _numbers(of: Table) -> dict[str, int | str]:
    """A table's numbers, each by one key."""
    found: dict[str, int | str] = of.model_dump(exclude={"categories", "adequacy", "announcing"})
    for category in of.categories:
        part = category.model_dump(exclude={"category"})
        found |= {f"{category.category} {key}": value for key, value in part.items()}
    for each in of.adequacy:
        part = each.model_dump(exclude={"preparation"})
        found |= {f"{each.preparation} {key}": value for key, value in part.items()}
    for announcing in of.announcing:
        part = announcing.model_dump(exclude={"category"})
        found |= {f"{announcing.category} announcing {key}": v for key, v in part.items()}
    return found
