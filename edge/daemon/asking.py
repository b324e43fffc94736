"""The asker's thread: answers questions of tools from its own read-only connections."""

import base64
import json
import logging
import queue
import sqlite3
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drivers.problem import Problem
from drivers.scanner import codec
from drivers.scanner.messages import Ask, FromDaemon, Told
from drivers.scanner.words import Code
from edge.daemon.outbox import Outbox
from edge.daemon.tasks import Tasks
from edge.intake.effects import Reply
from edge.journal import shelf
from edge.journal.store import SlideStore, StoreFault
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
        self, state_dir: Path, verdicts: Mapping[str, bytes], outbox: Outbox, limit_s: float
    ) -> None:
        self._state_dir, self._verdicts, self._outbox = state_dir, verdicts, outbox
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
                return _told(ask, self._verdict(str(ask.slide), store) | {"curve": curve})
            if ask.what == "records":
                return _told(
                    ask, {"records": [_brief(store, k.record.image) for k in store.records()]}
                )
            return self._record(ask, store)
        finally:
            store.close()

    def _slides(self) -> list[dict[str, Any]]:
        found = []
        for slide in shelf.slides(self._state_dir):
            self.questions.goes_on()
            store = shelf.read(self._state_dir, slide)
            if store is None:
                continue
            try:
                opening = shelf.opening(store)
                if opening is not None:
                    issued = self._verdict(slide, store)
                    found.append(
                        {
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
    }
