"""What evidence costs: `python tests/edge/evidence/bench_evidence.py [FINDINGS] [EVERY] [LOST]`.

Streams 1,320 fields in a serpentine, with about FINDINGS findings a field (60), a summary every
EVERY fields (10), and each cell out of focus with a chance of LOST per cent (0).
"""

import json
import sys
import time
import tracemalloc
from collections.abc import Iterator

import numpy as np

from edge.evidence.fold import Evidence
from edge.slide.finding import Column
from edge.slide.place import Rectangle
from edge.slide.record import Closing, End, Image, Opening, Record
from tests.properties.slides import grid, opening, packed, record

COLUMNS, ROWS, W_NM, H_NM, OVERLAP_NM = 40, 33, 612_000, 512_000, 55_000


def start(columns: int, rows: int) -> Opening:
    """A slide of so many fields, at about 10 % overlap."""
    plan = grid(columns, rows, W_NM, H_NM, OVERLAP_NM, W_NM // 2, H_NM // 2)
    return opening(plan, registration_nm=2_000)


def records(
    opened: Opening, columns: int, rows: int, findings: int, lost_percent: int = 0
) -> Iterator[Record]:
    """A serpentine over random cells; neighbours see the same ones, 0.8 um apart."""
    chance = np.random.default_rng(1)
    size = np.array([columns * (W_NM - OVERLAP_NM), rows * (H_NM - OVERLAP_NM)]) + OVERLAP_NM
    density = findings / (W_NM * H_NM)
    cells = chance.integers(0, size, (int(density * float(size[0]) * float(size[1])), 2))
    cells = cells[np.argsort(cells[:, 1])]
    severities = (chance.random(len(cells)) < 0.05) * chance.integers(1, 4, len(cells))
    for row in range(rows):
        for column in range(columns) if row % 2 == 0 else reversed(range(columns)):
            planned = opened.plan.fields[row * columns + column]
            x, y = (int(m + chance.integers(-5_000, 5_000)) for m in (planned.x_nm, planned.y_nm))
            place = Rectangle(x, y, W_NM, H_NM)
            first, after = np.searchsorted(cells[:, 1], (place.top_nm, place.top_nm + H_NM))
            x_from_left = cells[first:after, 0] - place.left_nm
            shown = first + np.flatnonzero((x_from_left >= 0) & (x_from_left < W_NM))
            found = np.repeat(packed((0, 0, 12_000, 0, 0)), len(shown), axis=0)
            found[:, :2] = cells[shown] + chance.integers(-800, 800, (len(shown), 2))
            found[:, Column.SCORE] = np.sort(chance.integers(3_000, 10_000, len(shown)))[::-1]
            found[:, Column.SEVERITY] = severities[shown]
            found[:, Column.REACHED] = 2 ** (severities[shown] + 1) - 2
            grades = tuple((2 * (chance.random(64) * 100 < lost_percent)).tolist())
            crops = tuple(range(min(12, len(shown))))
            image = Image(planned.field, 1, 0)
            yield record(image, place, found, grades, cropped=crops)


def main(findings: int = 60, every: int = 10, lost_percent: int = 0) -> None:
    """Measure, and write one JSON object."""
    opened = start(COLUMNS, ROWS)
    rows = list(records(opened, COLUMNS, ROWS, findings, lost_percent))
    started = time.process_time()
    evidence = Evidence(opened)
    opening_s, added, summed, slowest = time.process_time() - started, 0.0, 0.0, 0.0
    for i, row in enumerate(rows, start=1):
        started = time.process_time()
        evidence.add(row)
        added += time.process_time() - started
        if i % every == 0:
            started = time.process_time()
            evidence.summary()
            summed += time.process_time() - started
            slowest = max(slowest, time.process_time() - started)
    started = time.process_time()
    evidence.add(Closing(End.CLOSED, "", ""))
    summary = evidence.summary()
    closed = time.process_time() - started
    tracemalloc.start()
    kept = Evidence(opened)
    for row in rows:
        kept.add(row)
    kept.summary()
    figures = {
        "fields": len(rows),
        "findings_a_field": sum(len(row.findings) for row in rows) / len(rows),
        "counted": summary.sums.cells,
        "open_ms": opening_s * 1e3,
        "add_us_a_field": added * 1e6 / len(rows),
        "summary_ms_a_field": summed * 1e3 / len(rows),
        "slowest_summary_ms": slowest * 1e3,
        "close_ms": closed * 1e3,
        "memory_mb": tracemalloc.get_traced_memory()[0] / 1e6,
        "findings_mb": sum(row.findings.nbytes for row in rows) / 1e6,
    }
    sys.stdout.write(json.dumps({k: round(v, 3) for k, v in figures.items()}, indent=1) + "\n")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
