"""A run's losses as curves, on a page of their own."""

import csv
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engines.evaluation.charts import Line, chart
from engines.evaluation.page import STYLE

SMOOTHED = 50
"""Steps that a point of a curve is the mean of."""


def write_curves(losses: Path, to: Path) -> None:
    """One chart a network; each loss as a share of what it was after a twentieth of the steps.

    Args:
        losses: The table that the run wrote: network, step, its losses.
        to: The HTML file to write.
    """
    rows: dict[str, list[list[float]]] = {}
    with losses.open(newline="") as file:
        for what, *numbers in csv.reader(file):
            rows.setdefault(what, []).append([float(number) for number in numbers])
    charts = [_chart(what, np.array(numbers)) for what, numbers in rows.items()]
    to.write_text(
        f"<!doctype html><meta charset=utf-8><title>Losses</title><style>{STYLE}</style>"
        f"<h1>Losses of {losses.parent.name}</h1><div class=charts>{''.join(charts)}</div>\n"
    )


def _chart(what: str, table: npt.NDArray[np.float64]) -> str:
    """Of one network; `table` is float64, (steps, 1 + losses): the step, then each loss."""
    width = min(SMOOTHED, len(table))
    mean = np.ones(width) / width
    steps = np.convolve(table[:, 0], mean, mode="valid")
    lines = []
    for name, style, losses in zip(
        ("first loss", "second loss"), ("first", "second"), table.T[1:], strict=True
    ):
        smooth = np.convolve(losses, mean, mode="valid")
        lines.append(Line(name, steps, np.minimum(smooth / smooth[len(smooth) // 20], 1), style))
    return chart(what, "steps", "share of the early loss", float(table[-1, 0]), lines)
