"""Rows to bytes and back. The bytes of a row are canonical: the same row gives the same bytes."""

import json
from dataclasses import asdict, fields
from typing import Any

import numpy as np

from edge.slide.basis import AdequacyNumbers, AnnouncingNumbers, Basis, CategoryNumbers
from edge.slide.canonical import canonical
from edge.slide.finding import Findings
from edge.slide.place import Circle, Rectangle, Spot
from edge.slide.plan import Plan, PlannedField
from edge.slide.record import (
    Announcement,
    Closing,
    Crop,
    Disposition,
    End,
    Image,
    Incident,
    IncidentKind,
    Opening,
    Record,
    Row,
    Skip,
    Withdrawal,
)
from edge.slide.request import Answered, Asked, RequestEnd, RequestKind

_BESIDE = frozenset({"findings", "crops", "thumbnail"})
"""A record's parts that have columns of their own."""


def record_head(record: Record) -> bytes:
    """All of a record but its findings, crops and thumbnail."""
    return canonical(
        {
            "image": list(record.image),
            "place": _rectangle(record.place),
            "findings_shape": list(record.findings.shape),
            **{
                name.name: getattr(record, name.name)
                for name in fields(record)
                if name.name not in _BESIDE | {"image", "place"}
            },
        }
    )


def findings_bytes(findings: Findings) -> bytes:
    """Packed findings as little-endian int32, row by row."""
    return findings.astype("<i4").tobytes()


def record(head: bytes, findings: bytes, crops: tuple[Crop, ...], thumbnail: bytes) -> Record:
    """A record from its columns."""
    body = json.loads(head)
    shape = body.pop("findings_shape")
    return Record(
        image=Image(*body.pop("image")),
        place=Rectangle(**body.pop("place")),
        disposition=Disposition(body.pop("disposition")),
        cells=tuple(body.pop("cells")),
        sharpness=tuple(body.pop("sharpness")),
        quality=tuple((name, value) for name, value in body.pop("quality")),
        findings=np.frombuffer(findings, "<i4").astype(np.int32).reshape(shape),
        crops=crops,
        thumbnail=thumbnail,
        **body,
    )


def row_bytes(row: Row) -> tuple[str, bytes]:
    """A row that is no record: its kind and its canonical bytes."""
    match row:
        case Opening():
            body = asdict(row)
            body["plan"] = _plan(row.plan)
            return "opening", canonical(body)
        case Withdrawal() | Skip() | Incident() | Announcement() | Closing() | Asked() | Answered():
            return type(row).__name__.lower(), canonical(asdict(row))
        case Record():
            raise TypeError("a record has columns of its own")


def row(kind: str, body: bytes) -> Row:
    """A row that is no record, from its kind and bytes."""
    values = json.loads(body)
    match kind:
        case "opening":
            return Opening(
                **{
                    **values,
                    "plan": _plan_from(values["plan"]),
                    "basis": _basis_from(values["basis"]),
                }
            )
        case "withdrawal":
            return Withdrawal(**values)
        case "skip":
            return Skip(**values)
        case "incident":
            return Incident(IncidentKind(values["kind"]), values["detail"])
        case "announcement":
            return Announcement(**values)
        case "asked":
            return Asked(**{**values, "kind": RequestKind(values["kind"])})
        case "answered":
            return Answered(values["number"], RequestEnd(values["end"]))
        case "closing":
            return Closing(End(values["end"]), values["why"], values["manifest"])
    raise ValueError(f"a row of unknown kind {kind!r}")


def _rectangle(place: Rectangle) -> dict[str, int]:
    return {"x_nm": place.x_nm, "y_nm": place.y_nm, "w_nm": place.w_nm, "h_nm": place.h_nm}


def _plan(plan: Plan) -> dict[str, Any]:
    kind = "circle" if isinstance(plan.spot, Circle) else "rectangle"
    return {
        "spot": {"kind": kind, **asdict(plan.spot)},
        "w_nm": plan.w_nm,
        "h_nm": plan.h_nm,
        "overlap_nm": plan.overlap_nm,
        "placement_nm": plan.placement_nm,
        "fields": [[f.field, f.x_nm, f.y_nm, f.planes] for f in plan.fields],
    }


def _plan_from(body: dict[str, Any]) -> Plan:
    spot_body = dict(body["spot"])
    spot: Spot = (Circle if spot_body.pop("kind") == "circle" else Rectangle)(**spot_body)
    planned = tuple(PlannedField(*numbers) for numbers in body["fields"])
    return Plan(**{**body, "spot": spot, "fields": planned})


def _basis_from(body: dict[str, Any]) -> Basis:
    names = ("classes", "categories_of_classes", "specimens")
    return Basis(
        **{
            **body,
            "identities": tuple((name, value) for name, value in body["identities"]),
            **{key: tuple(body[key]) for key in names},
            "categories": tuple(CategoryNumbers(**numbers) for numbers in body["categories"]),
            "adequacy": tuple(AdequacyNumbers(**numbers) for numbers in body["adequacy"]),
            "announcing": tuple(AnnouncingNumbers(**numbers) for numbers in body["announcing"]),
        }
    )
