"""The asker's thread: answers questions of tools from its own read-only connections."""

import base64
import json
import logging
import queue
import sqlite3
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from drivers.problem import Problem
from drivers.scanner import codec
from drivers.scanner.messages import Ask, FromDaemon, Told
from drivers.scanner.words import Code
from edge.daemon import cases, telling
from edge.daemon.outbox import Outbox
from edge.daemon.tasks import Tasks
from edge.intake.effects import Reply
from edge.journal import shelf
from edge.journal.central import Central
from edge.journal.durable import StoreFault
from edge.journal.store import SlideStore
from edge.revision.revision import machine_says
from edge.revision.signing import Drawing
from edge.revision.zones import order, zone
from edge.settings import Settings
from edge.slide.finding import finding
from edge.slide.record import Closing, Image, reasons

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Question:
    """A tool's question, and what only the socket's thread knows."""

    peer: bytes
    ask: Ask
    status: dict[str, Any]


class Asker:
    """Answers one question after the other."""

    def __init__(
        self,
        settings: Settings,
        verdicts: Mapping[str, bytes],
        outbox: Outbox,
    ) -> None:
        self._state_dir, self._verdicts, self._outbox = settings.state_dir, verdicts, outbox
        self._drawing = Drawing(settings.revision.second_read_percent, settings.revision.seed)
        limit_s = settings.watchdog.others_s
        self.questions: Tasks[Question | None] = Tasks("the asker", limit_s, most=64)
        self._thread = threading.Thread(target=self._run, name="asker", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def take(self, question: Question) -> bool:
        """Take a question; False where there are too many."""
        try:
            self.questions.put(question)
        except queue.Full:
            return False
        return True

    def stop(self) -> None:
        """End the thread."""
        self.questions.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (question := self.questions.get()) is not None:
            ask = question.ask
            try:
                answer = self._answer(question)
            except (StoreFault, sqlite3.Error, ValueError, KeyError) as fault:
                log.error("%s about %s: %s", ask.what, ask.slide, fault)
                damaged = Problem("slide", str(ask.slide), f"its file: {fault}", "Run `verify`")
                answer = codec.refusal_of(ask, Code.UNKNOWN_SLIDE, damaged), None
            self._outbox.put(Reply(question.peer, *answer))
        self._outbox.close()

    def _answer(self, question: Question) -> tuple[FromDaemon, dict[str, Any] | None]:
        ask = question.ask
        if ask.what in ("status", "health"):
            return _told(ask, question.status if ask.what == "status" else _health(question))
        if ask.what == "slides":
            return _told(ask, {"slides": self._slides()})
        store = None if ask.slide is None else shelf.read(self._state_dir, ask.slide)
        if store is None:
            remedy = "`cytoedge slides list` names those that are"
            why = Problem("slide", str(ask.slide), "no such slide is here", remedy)
            return codec.refusal_of(ask, Code.UNKNOWN_SLIDE, why), None
        try:
            if ask.what == "verdict":
                curve = [json.loads(body) for body in store.curve()]
                found = self._verdict(str(ask.slide), store)
                return _told(ask, found | {"curve": curve, "case": self._case(ask.slide, store)})
            if ask.what == "slide":
                return _told(ask, self._one(str(ask.slide), store))
            if ask.what == "gallery":
                return _told(ask, {"gallery": self._gallery(str(ask.slide), store)})
            if ask.what == "records":
                return _told(
                    ask, {"records": [_brief(store, k.record.image) for k in store.records()]}
                )
            return self._record(ask, store)
        finally:
            store.close()

    def _case(self, slide: str | None, store: SlideStore) -> dict[str, Any] | None:
        """What people said of it; None while it has not ended."""
        issued = store.last_verdict()
        if slide is None or issued is None:
            return None
        return cases.brief(cases.case_of(slide, issued, store, self._drawing))

    def _one(self, slide: str, store: SlideStore) -> dict[str, Any]:
        opening = shelf.opening(store)
        if opening is None:
            raise ValueError("its opening never became durable")
        barcode, operator = self._identifiers().get(slide, ("", ""))
        rows = telling.told(opening, list(store.others()))
        return rows | {"barcode": barcode, "operator": operator}

    def _gallery(self, slide: str, store: SlideStore) -> list[dict[str, Any]]:
        opening, verdict = shelf.opening(store), self._verdict(slide, store)["verdict"]
        if opening is None or verdict is None:
            return []
        return telling.gallery(verdict["gallery"], opening, store)

    def _identifiers(self) -> dict[str, tuple[str, str]]:
        central = Central(self._state_dir, read_only=True)
        try:
            return {slide: central.identifiers(slide)[:2] for slide in central.identified()}
        finally:
            central.close()

    def _slides(self) -> list[dict[str, Any]]:
        found, identifiers = [], self._identifiers()
        for slide in shelf.slides(self._state_dir):
            self.questions.goes_on()
            store = shelf.read(self._state_dir, slide)
            if store is None:
                continue
            try:
                opening = shelf.opening(store)
                if opening is not None:
                    issued = self._verdict(slide, store)
                    verdict = issued["verdict"]
                    found.append(
                        {
                            "barcode": identifiers.get(slide, ("", ""))[0],
                            "issued_at_us": issued["issued_at_us"],
                            "system": opening.basis.system,
                            "not_excluded": (verdict or {}).get("not_excluded", []),
                            "zone": None if verdict is None else zone(verdict).name.lower(),
                            "order": None
                            if verdict is None
                            else order(verdict, issued["issued_at_us"]),
                            "machine_says": None if verdict is None else machine_says(verdict),
                            "case": self._case(slide, store),
                            "slide": slide,
                            "purpose": opening.purpose,
                            "specimen": opening.specimen,
                            "preparation": opening.preparation,
                            "planned_fields": len(opening.plan.fields),
                            "has_ended": any(isinstance(r, Closing) for r in store.others()),
                            "outcome": (issued["verdict"] or {}).get("outcome"),
                            "category": (issued["verdict"] or {}).get("category"),
                        }
                    )
            finally:
                store.close()
        return found

    def _verdict(self, slide: str, store: SlideStore) -> dict[str, Any]:
        """The issued verdict; while there is none, the provisional one."""
        issued = store.last_verdict()
        if issued is not None:
            return {
                "slide": slide,
                "revision": issued.revision,
                "issued_at_us": issued.issued_at_us,
                "verdict": json.loads(issued.body),
            }
        provisional = self._verdicts.get(slide)
        body = None if provisional is None else json.loads(provisional)
        return {"slide": slide, "revision": 0, "issued_at_us": 0, "verdict": body}

    def _record(self, ask: Ask, store: SlideStore) -> tuple[FromDaemon, dict[str, Any] | None]:
        key = ask.image
        image = Image(0, 0, 0) if key is None else Image(key.field, key.capture, key.plane)
        if not store.has(image):
            why = Problem("image", str(image), "there is no such record", "Ask for `records`")
            return codec.refusal_of(ask, Code.UNKNOWN_SLIDE, why), None
        record = store.record(image).record
        return _told(
            ask,
            {
                **_brief(store, image),
                "cells": list(record.cells),
                "findings_listed": [
                    dict(
                        zip(
                            ("x_nm", "y_nm", "class", "score", "severity", "class_scores"),
                            (f.x_nm, f.y_nm, f.class_, f.score, f.severity, f.class_scores),
                            strict=True,
                        )
                    )
                    for f in map(finding, record.findings)
                ],
                "crops": {
                    str(crop.finding): base64.b64encode(crop.jpeg).decode() for crop in record.crops
                },
                "thumbnail": base64.b64encode(record.thumbnail).decode(),
                "engine": record.engine,
                "calibration": record.calibration,
            },
        )


def _told(ask: Ask, body: dict[str, Any]) -> tuple[Told, dict[str, Any]]:
    return Told(re=ask.id, what=ask.what), body


def _health(question: Question) -> dict[str, Any]:
    return {key: question.status[key] for key in ("ready", "engine", "alerts")}


def _brief(store: SlideStore, image: Image) -> dict[str, Any]:
    record = store.record(image, with_pictures=False).record
    return {
        "field": image.field,
        "capture": image.capture,
        "plane": image.plane,
        "x_nm": record.place.x_nm,
        "y_nm": record.place.y_nm,
        "disposition": record.disposition,
        "reasons": list(reasons(record.cells)),
        "quality": dict(record.quality),
        "findings": len(record.findings),
        "severity": telling.severity(record),
        "filled": telling.filled(record),
    }
