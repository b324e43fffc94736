"""What consoles need of one slide: its plan, what became of it, and its gallery."""

import base64
import re
from typing import Any

from edge.journal.store import SlideStore
from edge.slide.finding import Column, finding
from edge.slide.plan import Plan
from edge.slide.record import Announcement, Closing, Image, Opening, Record, Row, Skip, Withdrawal
from edge.slide.request import Answered, Asked
from edge.verdict import system

_NAME = re.compile(r"f(\d+)\.c(\d+)\.p(\d+)\.i(\d+)")


def told(opening: Opening, rows: list[Row]) -> dict[str, Any]:
    """A slide as it was opened, and its rows that are no records."""
    ends = {row.number: row.end.value for row in rows if isinstance(row, Answered)}
    return {
        "slide": opening.slide,
        "purpose": opening.purpose,
        "specimen": opening.specimen,
        "preparation": opening.preparation,
        "plan": _plan(opening.plan),
        "system": opening.basis.system,
        "classes": list(opening.basis.classes),
        "identities": dict(opening.basis.identities),
        "has_ended": any(isinstance(row, Closing) for row in rows),
        "skipped": {str(row.field): row.why for row in rows if isinstance(row, Skip)},
        "withdrawn": [[row.field, row.capture] for row in rows if isinstance(row, Withdrawal)],
        "announcements": [
            {"category": row.category, "findings": row.findings, "points": row.points}
            for row in rows
            if isinstance(row, Announcement)
        ],
        "requests": [
            {
                "number": row.number,
                "kind": row.kind,
                "field": row.field,
                "why": row.why,
                "worth": row.worth,
                "answer": ends.get(row.number, ""),
            }
            for row in rows
            if isinstance(row, Asked)
        ],
    }


def gallery(names: list[str], opening: Opening, store: SlideStore) -> list[dict[str, Any]]:
    """The cells of a gallery with their pictures, best first.

    Args:
        names: As a verdict lists them.
        opening: Of the slide.
        store: Its file.
    """
    categories = {c.severity: c.name for c in system.load(opening.basis.system).categories}
    records: dict[Image, Record] = {}
    found = []
    for name in names:
        field, capture, plane, place = map(int, _NAME.fullmatch(name).groups())  # type: ignore[union-attr]
        image = Image(field, capture, plane)
        if image not in records:
            records[image] = store.record(image).record
        record = records[image]
        cell = finding(record.findings[place])
        jpeg = next(crop.jpeg for crop in record.crops if crop.finding == place)
        found.append(
            {
                "name": name,
                "field": field,
                "capture": capture,
                "plane": plane,
                "x_nm": cell.x_nm,
                "y_nm": cell.y_nm,
                "class": opening.basis.classes[cell.class_],
                "score": cell.score,
                "class_score": cell.class_scores[cell.class_],
                "category": categories[cell.severity],
                "jpeg": base64.b64encode(jpeg).decode(),
            }
        )
    return found


def severity(record: Record) -> int:
    """Of the worst category that a finding of it reaches; 0 where none does."""
    return int(record.findings[:, Column.SEVERITY].max(initial=0))


def filled(record: Record) -> int:
    """Cells of its grid, of 64, that show something that can be judged."""
    return sum(cell == 0 for cell in record.cells)


def _plan(plan: Plan) -> dict[str, Any]:
    return {
        "w_nm": plan.w_nm,
        "h_nm": plan.h_nm,
        "fields": [[each.field, each.x_nm, each.y_nm, each.planes] for each in plan.fields],
    }
