"""A report as one page that needs nothing else: no script, nothing fetched."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from itertools import groupby
from typing import Final

from edge.report import drawing, text
from edge.report.curve import Point
from edge.report.model import ReasonPart, Report, VerdictPart
from edge.verdict import system
from edge.verdict.reasons import share

_MM2: Final = 400 / 1e6
"""Of a lattice point."""
_POLICY: Final = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"

_STYLE: Final = f"""
:root {{ color-scheme: light }}
body {{ font: 15px/1.5 system-ui, sans-serif; color: #1d232b; max-width: 1000px;
  margin: 2rem auto; padding: 0 1rem }}
h1 {{ font-size: 1.5rem; margin-bottom: 0 }} h2 {{ font-size: 1.15rem; margin-top: 2rem }}
.charts {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(400px, 1fr)); gap: 1rem }}
.charts svg:first-child {{ grid-column: 1 / -1; width: calc(50% - .5rem) }}
table {{ border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums }}
th, td {{ text-align: left; padding: .2rem .9rem .2rem 0; border-bottom: 1px solid #d9dde2 }}
.cells {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(110px, 1fr)); gap: .6rem }}
figure {{ margin: 0; font-size: 11px }} figure img {{ width: 100%; border-radius: 3px }}
code, pre {{ font-size: 12px; color: #66707c }} pre {{ white-space: pre-wrap }}
{drawing.STYLE}"""


def write(report: Report, crops: Mapping[str, bytes], curve: Sequence[Point]) -> str:
    """The page.

    Args:
        report: What it is of.
        crops: JPEG pictures of findings of its gallery, by their names.
        curve: What was said in mid-scan, by rising ground.
    """
    verdict = report.verdict
    pictures = [(name, crops[name]) for name in verdict.gallery if name in crops]
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{escape(report.slide)}</title>
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width"><style>{_STYLE}</style>
<h1>{escape(report.slide)}: {escape(text.headline(verdict))}</h1>
<p>{escape(f"{verdict.state} verdict; {verdict.use}; purpose {verdict.purpose}")}</p>
<h2>Reasons</h2>{_reasons(verdict.reasons)}
{f"<h2>To be known</h2>{_reasons(verdict.notes)}" if verdict.notes else ""}
<h2>In numbers</h2><table>{_numbers(verdict)}</table>
<h2>While it was scanned</h2>{_curve(curve, verdict.system)}
<h2>Gallery</h2><div class="cells">{"".join(_figures(pictures)) or "<p>No picture.</p>"}</div>
<h2>In full</h2><pre>{escape(text.write(report))}</pre></html>
"""


def _numbers(verdict: VerdictPart) -> str:
    rows = (
        ("coverage, in lattice points of 400 um2", text.coverage(verdict.coverage)),
        ("squamous cells", text.adequacy(verdict.adequacy)),
        ("counted findings that reach a category", text.counts(verdict.counts)),
        ("not assessed", ", ".join(verdict.not_assessed) or "nothing"),
    )
    return "".join(f"<tr><td>{name}</td><td>{escape(value)}</td></tr>" for name, value in rows)


def _reasons(reasons: Sequence[ReasonPart]) -> str:
    items = (f"<li>{escape(each.text)} <code>{escape(each.code)}</code></li>" for each in reasons)
    return f"<ul>{''.join(items)}</ul>"


def _figures(pictures: Sequence[tuple[str, bytes]]) -> Iterator[str]:
    for name, jpeg in pictures:
        data = base64.b64encode(jpeg).decode()
        yield (
            f'<figure><img src="data:image/jpeg;base64,{data}" alt="">'
            f"<figcaption>{escape(name)}</figcaption></figure>"
        )


def _curve(curve: Sequence[Point], system_name: str) -> str:
    if not curve:
        return "<p>Nothing was said yet.</p>"
    rows = "".join(map(_row, _turns(curve)))
    heads = "".join(
        f"<th>{head}</th>" for head in ("settled", "seen, mm²", "cells", "at least", "said")
    )
    return (
        f'<div class="charts">{drawing.drawn(curve, system.load(system_name))}</div>'
        f"<table><tr>{heads}</tr>{rows}</table>"
    )


def _turns(curve: Sequence[Point]) -> Iterator[Point]:
    """The points at which something else was said, and the last."""
    for _, run in groupby(curve, key=drawing.said):
        yield next(run)
    if len(curve) > 1 and drawing.said(curve[-1]) == drawing.said(curve[-2]):
        yield curve[-1]


def _row(point: Point) -> str:
    cells = (
        share(point.settled, point.planned),
        f"{point.seen * _MM2:.2f}",
        *("" if n is None else f"{n:,}" for n in (point.cells, point.low)),
        f"{drawing.said(point)} ({point.state})",
    )
    return f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
