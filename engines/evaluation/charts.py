"""Line charts as SVG, to stand in a page of their own."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from engines.evaluation.looked import Floats

WIDTH, HEIGHT = 440, 320
LEFT, RIGHT, TOP, BOTTOM = 48, 12, 30, 44
STEPS = 5
"""Lines of the grid, each way."""
MOST_POINTS = 300
"""Of a line: more could not be seen."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart."""

    name: str
    x: Floats
    y: Floats
    style: str
    """Its class in the page's style sheet."""


def chart(
    title: str,
    x_label: str,
    y_label: str,
    x_most: float,
    lines: Sequence[Line],
    y_most: float = 1,
    *,
    legend_above: bool = False,
) -> str:
    """A chart from 0 to `x_most` and from 0 to `y_most`; what lies further right is cut off.

    The legend stands at the right below, or at the left above, where rising lines leave room.
    """
    middle = (LEFT + WIDTH - RIGHT) / 2
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">'
        f'<text class="title" x="{LEFT}" y="18">{escape(title)}</text>{_grid(x_most, y_most)}'
        f'<text class="label" x="{middle}" y="{HEIGHT - 8}">{escape(x_label)}</text>'
        f'<text transform="translate(12 {(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" class="label">'
        f"{escape(y_label)}</text>{''.join(_drawn(line, x_most, y_most) for line in lines)}"
        f"{_legend(lines, above=legend_above)}</svg>"
    )


def _legend(lines: Sequence[Line], *, above: bool) -> str:
    left, top = WIDTH - 172, HEIGHT - BOTTOM - 16 * len(lines) - 4
    if above:
        left, top = LEFT + 12, TOP + 16
    parts = [f'<rect x="{left}" y="{top}" width="160" height="{16 * len(lines)}"/>']
    for place, line in enumerate(lines):
        y = top + 16 * place + 8
        drawn = (
            f'<circle class="{line.style}" cx="{left + 14}" cy="{y}" r="5"/>'
            if len(line.x) == 1
            else f'<line class="{line.style}" x1="{left + 4}" x2="{left + 24}" y1="{y}" y2="{y}"/>'
        )
        parts.append(f'{drawn}<text x="{left + 30}" y="{y + 4}">{escape(line.name)}</text>')
    return "".join(parts)


def _x(value: float, most: float) -> float:
    return round(LEFT + (WIDTH - LEFT - RIGHT) * value / most, 1)


def _y(value: float, most: float) -> float:
    return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / most, 1)


def _grid(x_most: float, y_most: float) -> str:
    parts = []
    for step in range(STEPS + 1):
        share = step / STEPS
        x, y = _x(share, 1), _y(share, 1)
        parts.append(
            f'<path class="grid" d="M{x} {TOP}V{HEIGHT - BOTTOM}M{LEFT} {y}H{WIDTH - RIGHT}"/>'
            f'<text class="label" x="{x}" y="{HEIGHT - BOTTOM + 14}">{share * x_most:,g}</text>'
            f'<text class="tick" x="{LEFT - 5}" y="{y + 4}">{share * y_most:,g}</text>'
        )
    return "".join(parts)


def _drawn(line: Line, x_most: float, y_most: float) -> str:
    seen = np.flatnonzero(line.x <= x_most)
    seen = (
        seen[np.unique(np.linspace(0, len(seen) - 1, MOST_POINTS).astype(int))]
        if len(seen)
        else seen
    )
    places = [
        (_x(x, x_most), _y(y, y_most)) for x, y in zip(line.x[seen], line.y[seen], strict=True)
    ]
    if len(places) == 1:
        return "".join(f'<circle class="{line.style}" cx="{x}" cy="{y}" r="5"/>' for x, y in places)
    return f'<polyline class="{line.style}" points="{" ".join(f"{x},{y}" for x, y in places)}"/>'
