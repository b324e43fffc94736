"""The anytime curve as SVG: what was said, how many cells and findings, and how they speak."""

from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby
from typing import Final

import numpy as np

from edge.report.curve import Point
from edge.verdict.system import CategorySystem
from engines.evaluation.charts import LEFT, RIGHT, WIDTH, Line, chart
from engines.evaluation.looked import Floats

PERCENT: Final = 100
_STRIP_PX: Final = 26
_COLOURS: Final = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh")
_GROUND: Final = "per cent of the planned ground settled"

STYLE: Final = """
svg text { font-size: 11px; fill: #1d232b } svg .title { font-size: 13px; font-weight: 600 }
svg .label { text-anchor: middle } svg .tick { text-anchor: end }
svg polyline, svg line { fill: none; stroke: #66707c; stroke-width: 1.8 }
svg rect { fill: #fff; opacity: .85 } svg .grid { stroke: #d9dde2 }
svg .dashed { stroke-dasharray: 5 4 }
svg .first { stroke: #1f5fa8 } svg .second { stroke: #b3362b } svg .third { stroke: #2e7d4f }
svg .fourth { stroke: #8a5a00 } svg .fifth { stroke: #6b3fa0 } svg .sixth { stroke: #00808a }
svg .seventh { stroke: #1d232b } svg circle { fill: #fff; stroke-width: 2 }
svg .incomplete { fill: #c9ced6 } svg .review { fill: #f0c75e }
svg .unsatisfactory { fill: #c79be0 }
svg .category { fill: #e08a7d } svg .negative { fill: #9ccfa8 }
"""


def said(point: Point) -> str:
    """The outcome in a word or two."""
    return point.category or point.outcome


def drawn(points: Sequence[Point], system: CategorySystem) -> str:
    """A strip of what was said, and the charts below it.

    Args:
        points: By rising ground; at least one.
        system: Of the categories that they name.
    """
    settled = np.array([PERCENT * p.settled / max(p.planned, 1) for p in points])
    return (
        f"{_strip(points, settled.tolist(), system.negative.name)}"
        f"{_cells(points, settled)}{_counts(points, settled, system)}"
        f"{_evidence(points, settled, system)}"
    )


def _strip(points: Sequence[Point], settled: Sequence[float], negative: str) -> str:
    """One bar from the first point to the end; each colour begins where it was first said."""
    scale = (WIDTH - LEFT - RIGHT) / PERCENT
    parts = []
    for (word, style), group in groupby(
        range(len(points)), lambda i: (said(points[i]), _style(points[i], negative))
    ):
        run = list(group)
        start = settled[run[0]] if run[0] else 0.0
        end = settled[run[-1] + 1] if run[-1] + 1 < len(points) else settled[-1]
        x, width = LEFT + scale * start, max(scale * (end - start), 1)
        name = escape(word)
        parts.append(
            f'<rect class="{style}" x="{x:.1f}" y="24" width="{width:.1f}" height="{_STRIP_PX}">'
            f"<title>{name} from {start:.1f} %</title></rect>"
        )
        if width > 7 * len(word):
            parts.append(f'<text x="{x + 4:.1f}" y="41">{name}</text>')
    return (
        f'<svg viewBox="0 0 {WIDTH} {_STRIP_PX + 32}" role="img" aria-label="What was said">'
        f'<text class="title" x="{LEFT}" y="16">What was said</text>{"".join(parts)}</svg>'
    )


def _style(point: Point, negative: str) -> str:
    return "negative" if point.category == negative else point.outcome


def _cells(points: Sequence[Point], settled: Floats) -> str:
    cells = np.array([p.cells or 0 for p in points], float)
    low = np.array([p.low or 0 for p in points], float)
    lines = [Line("cells", settled, cells, "first"), Line("lower limit", settled, low, "third")]
    minimum = points[-1].minimum
    if minimum is not None:
        ends = np.array([0.0, PERCENT])
        lines.append(Line("minimum", ends, np.full(2, float(minimum)), "second dashed"))
    most = max(float(line.y.max()) for line in lines)
    return chart(
        "Squamous cells", _GROUND, "cells", PERCENT, lines, _round_top(most), legend_above=True
    )


def _counts(points: Sequence[Point], settled: Floats, system: CategorySystem) -> str:
    lines = [
        Line(name, settled, np.array([float(p.counts.get(name, 0)) for p in points]), colour)
        for name, colour in _coloured(points, system)
    ]
    most = max((float(line.y.max()) for line in lines), default=1)
    title = "Counted findings that reach a category"
    return chart(title, _GROUND, "findings", PERCENT, lines, _round_top(most), legend_above=True)


def _coloured(points: Sequence[Point], system: CategorySystem) -> Iterator[tuple[str, str]]:
    """The categories that are counted, each with one colour in all charts."""
    names = (c.name for c in system.categories[1:] if c.name in points[-1].counts)
    return zip(names, _COLOURS, strict=False)


def _evidence(points: Sequence[Point], settled: Floats, system: CategorySystem) -> str:
    """E of the categories that may be announced; what speaks for a negative slide lies at 0."""
    lines = [
        Line(name, settled, np.array([_log10_e(p, name) for p in points]), colour)
        for name, colour in _coloured(points, system)
        if name in points[-1].milli_log10_e
    ]
    if not lines:
        return ""
    most = max(float(line.y.max()) for line in lines)
    title = "Evidence against a negative slide"
    return chart(title, _GROUND, "log10 E", PERCENT, lines, _round_top(most), legend_above=True)


def _log10_e(point: Point, name: str) -> float:
    return max(0, point.milli_log10_e.get(name, 0)) / 1_000


def _round_top(most: float) -> float:
    """The least of 1, 2, 5, 10, 20, ... times 5 that holds a value: the grid has five steps."""
    return next(top for top in _tops() if top >= most)


def _tops() -> Iterator[float]:
    step = 1
    while True:
        yield from (5.0 * step, 10.0 * step, 25.0 * step)
        step *= 10
