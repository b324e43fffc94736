"""Figures in words: tables for a terminal."""

import math
from collections.abc import Iterator

from rich.table import Table

from engines.evaluation.figures import Figures

ALONG = (
    "threshold",
    "findings_per_field",
    "recall_23px",
    "recall_12px",
    "recall_23px_high_grade",
    "auc_abnormal_end_to_end",
    "auc_high_grade_end_to_end",
    "balanced_accuracy_three_tiers_end_to_end",
)
"""What is shown along the threshold."""
NONE = "-"
"""For a figure that can't be had."""


def tables(figures: Figures) -> Iterator[Table]:
    """All figures with intervals and controls, then the main ones along the threshold."""
    table = Table(title=title(figures), caption="\n".join(figures.remarks) or None)
    for column in ("figure", "value", "95 % interval", "of"):
        table.add_column(column)
    for figure in figures.by_name.values():
        table.add_row(
            figure.name, number(figure.value), span(figure.low, figure.high), str(figure.count)
        )
        for control in figure.controls:
            beside = f"  over {control.name.replace('_', ' ')}, {number(control.value)}"
            table.add_row(beside, f"{control.gain:+.3f}", span(control.low, control.high), "")
    yield table
    along = Table(title="Along the threshold")
    for name in ALONG:
        along.add_column(name.replace("_", " "))
    for row in figures.along:
        along.add_row(*(number(row[name]) for name in ALONG))
    yield along


def title(figures: Figures) -> str:
    """What was measured, at what thresholds."""
    cells = ", ".join(f"{count} {label}" for label, count in figures.cells.items())
    thresholds, bars = (
        number(values[0]) if len(values) == 1 else span(values[0], values[-1])
        for values in (figures.thresholds, figures.high_grade_bars)
    )
    return f"{figures.fields} fields: {cells}; threshold {thresholds}, high-grade bar {bars}"


def number(value: float) -> str:
    """Three digits behind the point, fewer where they mean nothing."""
    if math.isnan(value):
        return NONE
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def span(low: float, high: float) -> str:
    """From the one to the other."""
    return f"{number(low)} to {number(high)}" if math.isfinite(low) else NONE
