"""A page of what was measured: curves, figures, and the worst cells. One file, nothing fetched."""

import base64
from collections.abc import Iterable, Sequence
from html import escape

import cv2
import numpy as np

from engines.crops import crops, of_array
from engines.evaluation.charts import chart
from engines.evaluation.controls import controls
from engines.evaluation.curves import false_high_grade, found, reliability, told_apart
from engines.evaluation.figures import Figures
from engines.evaluation.looked import ABNORMAL, HIGH_GRADE, Looked
from engines.evaluation.pool import NEAR_PX, Pool, pooled
from engines.evaluation.text import ALONG, number, span, title
from engines.evaluation.worst import Worst, worst_false, worst_misses
from engines.fields import AnnotatedField

SHOWN_PX, SHOWN_PM_PER_PX = 160, 250_000
"""Each cell is shown in a square of 40 um."""
JPEG_QUALITY = 88

STYLE = """
:root { color-scheme: light; --first: #1f5fa8; --second: #b3362b; --faint: #d9dde2 }
body { font: 15px/1.5 system-ui, sans-serif; color: #1d232b; max-width: 1120px;
  margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2.2rem }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(400px, 1fr)); gap: 1rem }
svg text { font-size: 11px; fill: #1d232b } svg .title { font-size: 13px; font-weight: 600 }
svg .label { text-anchor: middle } svg .tick { text-anchor: end }
svg polyline, svg line { fill: none; stroke: #66707c; stroke-width: 1.8 }
svg rect { fill: #fff; opacity: .85 }
svg .grid { stroke: var(--faint) } svg .dashed { stroke-dasharray: 5 4 }
svg .first { stroke: var(--first) } svg .second { stroke: var(--second) }
svg .mark { stroke: #111; fill: #fff; stroke-width: 2 }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums }
th, td { text-align: left; padding: .2rem .9rem .2rem 0; border-bottom: 1px solid var(--faint);
  vertical-align: top }
.scroll { overflow-x: auto }
.cells { display: grid; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: .8rem }
figcaption { white-space: pre-line }
figure { margin: 0; font-size: 12px; line-height: 1.35 } figure div { position: relative }
figure img { width: 100%; display: block; border-radius: 3px }
figure i { position: absolute; left: 50%; top: 50%; transform: translate(-50%, -50%);
  aspect-ratio: 1; box-sizing: border-box; border: 2px solid #111; border-radius: 50%;
  box-shadow: 0 0 0 1px #fff }
"""


def page_of(
    model: str, figures: Figures, looked: Sequence[Looked], fields: Iterable[AnnotatedField]
) -> str:
    """The page, as HTML.

    Args:
        model: Name of the model.
        figures: Of the fields.
        looked: The fields.
        fields: The same, in the same order; each is held in memory only while it is cut.
    """
    pool = pooled(looked)
    misses, false = worst_misses(pool, looked), worst_false(pool, looked)
    pictures = _cut([*misses, *false], fields)
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{escape(model)}, evaluated</title>
<meta name="viewport" content="width=device-width"><style>{STYLE}</style>
<h1>{escape(model)}, evaluated</h1>
<p>{escape(title(figures))}</p>{"".join(f"<p>{escape(remark)}.</p>" for remark in figures.remarks)}
<div class="charts">{_charts(pool, looked)}</div>
<h2>Figures</h2>
<p>With 95 % intervals from resampling whole fields. Beside them what the same cells give without
the model, and how much more the model gives: <i>chance</i> puts as many findings at random places;
<i>size</i> is the area of the dark spot at the point; <i>colour</i> the mean and deviation of red,
green and blue of the middle 8 um, or of that and of the crop around it; fitted to other fields.</p>
<div class="scroll">{_table(figures)}</div>
<h2>Along the threshold</h2><div class="scroll">{_along(figures)}</div>
<h2>The worst misses</h2><p>Annotated nuclei graded furthest under their tier, or not found. The
ring is as wide as a finding may lie off.</p>
<div class="cells">{_cells(misses, pictures, looked)}</div>
<h2>The worst false findings</h2><p>Findings with the highest high-grade score that found no
high-grade nucleus; not every cell is annotated.</p>
<div class="cells">{_cells(false, pictures, looked)}</div></html>
"""


def _charts(pool: Pool, looked: Sequence[Looked]) -> str:
    colours, areas, numbers = (
        np.concatenate(of)
        for of in (
            [one.colours for one in looked],
            [one.areas_um2 for one in looked],
            [np.full(len(one.labels), one.number) for one in looked],
        )
    )
    fitted = {
        question: controls(colours, areas, question.groups(pool.labels), numbers).get("colour")
        for question in (ABNORMAL, HIGH_GRADE)
    }
    by_colour = {question: chances for question, chances in fitted.items() if chances is not None}
    finding, false = found(pool), false_high_grade(pool)
    return (
        chart("Finding nuclei", "findings a field", "recall within 23 px", 100, finding)
        + chart("Finding high grade", "false high grade a field", "recall", 10, false)
        + chart("Telling apart", "share of others", "recall", 1, told_apart(pool, by_colour))
        + chart("Reliability", "said", "so", 1, reliability(pool))
    )


def _table(figures: Figures) -> str:
    rows = []
    for figure in figures.by_name.values():
        beside = "<br>".join(
            f"{control.name.replace('_', ' ')} {number(control.value)}: {control.gain:+.3f} "
            f"({span(control.low, control.high)})"
            for control in figure.controls
        )
        cells = (figure.name.replace("_", " "), number(figure.value), span(figure.low, figure.high))
        plain = "".join(f"<td>{escape(cell)}</td>" for cell in (*cells, str(figure.count)))
        rows.append(f"<tr>{plain}<td>{beside}</td></tr>")
    heads = ("figure", "value", "95 % interval", "of", "control and gain over it")
    return _as_table(heads, rows)


def _along(figures: Figures) -> str:
    rows = [
        f"<tr>{''.join(f'<td>{number(row[name])}</td>' for name in ALONG)}</tr>"
        for row in figures.along
    ]
    return _as_table([name.replace("_", " ") for name in ALONG], rows)


def _as_table(heads: Sequence[str], rows: Sequence[str]) -> str:
    return f"<table><tr>{''.join(f'<th>{head}</th>' for head in heads)}</tr>{''.join(rows)}</table>"


def _cut(worst: Sequence[Worst], fields: Iterable[AnnotatedField]) -> dict[Worst, str]:
    """Each place as a data URI."""
    pictures = {}
    for index, field in enumerate(fields):
        for one in worst:
            if one.field == index:
                source = of_array(field.picture, field.um_per_px * 1e6)
                (cut,) = crops(source, np.array([one.place_px]), SHOWN_PX, SHOWN_PM_PER_PX)
                quality = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
                _, jpeg = cv2.imencode(".jpg", cut[:, :, ::-1], quality)
                pictures[one] = (
                    f"data:image/jpeg;base64,{base64.b64encode(jpeg.tobytes()).decode()}"
                )
    return pictures


def _cells(worst: Sequence[Worst], pictures: dict[Worst, str], looked: Sequence[Looked]) -> str:
    parts = []
    for one in worst:
        field = looked[one.field]
        ring = 200 * NEAR_PX * field.um_per_px / (SHOWN_PX * SHOWN_PM_PER_PX / 1e6)
        x, y = (round(value) for value in one.place_px)
        parts.append(
            f'<figure><div><img src="{pictures[one]}" alt=""><i style="width: {ring:.1f}%"></i>'
            f"</div><figcaption>{escape(one.said)}\n{escape(field.name[:12])} {x}, {y}"
            "</figcaption></figure>"
        )
    return "".join(parts) or "<p>None.</p>"
