"""The writer's thread: stages 5 to 7. All that is ready goes to the disk in one transaction.

A write or fsync that fails is final: nothing more is committed or answered, and people are told.
"""

import json
import logging
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

from drivers.problem import Problem
from drivers.scanner.words import Code, EventKind
from edge import pipeline
from edge.daemon import cases, glass, telling
from edge.daemon.engine import Engine
from edge.daemon.live import Live, Reading, reading
from edge.daemon.opening import NotOpened, disk_is_low, flags, open_slide
from edge.daemon.outbox import News, Outbox, Publish, Raise
from edge.daemon.tasks import Tasks
from edge.daemon.writing import Audit, Correct, EngineIs, Everywhere, Keep, Task
from edge.evidence.fold import Evidence
from edge.health import Alert, Severity, incidents_on_restart
from edge.intake import captures, receive, requests, slides
from edge.intake.book import Book, Outcome
from edge.intake.desk import Desk
from edge.intake.effects import Effect, Open, Reply, TakeOver, Takes, Write
from edge.journal import chain, shelf
from edge.journal.central import Central
from edge.journal.durable import DamagedFile, StoreFault, fault_of, make_folder
from edge.journal.retention import Keeper
from edge.journal.store import Kept, Owner, SlideStore
from edge.requests.choose import choose
from edge.revision.signing import Drawing
from edge.settings import Settings
from edge.slide.record import Closing, Incident, Opening, Record, Row, reasons
from edge.verdict.announcement import due
from edge.verdict.verdict import Verdict, to_json

log = logging.getLogger(__name__)

PROVISIONAL_S = 0.5
"""At most two provisional verdicts a second."""
PROVISIONAL_SHARE = 0.05
"""At most so much of the writer's time goes into them, however fast the scanner is."""
READS = 3
"""A file that could not be read at the start, and does not look damaged, is read again so often."""
BATCH = 64
"""Tasks a transaction, at most: more than a window ever holds."""


@dataclass(slots=True)
class _Pending:
    """What one transaction will hold of one slide."""

    records: list[Kept] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    news: list[News] = field(default_factory=list)


class Writer:
    """Owns every file of the journal, and the evidence of all open slides."""

    def __init__(
        self, settings: Settings, boot: str, outbox: Outbox, readings: dict[str, Reading]
    ) -> None:
        """Open the journal.

        Raises:
            StoreFault: The central file cannot be opened.
        """
        self._settings, self._boot, self._outbox = settings, boot, outbox
        self._readings = readings
        self._central = Central(settings.state_dir)
        self._keeper = Keeper(settings.state_dir, self._central, settings.retention)
        self._set_aside: set[str] = set()
        """Slides whose files could not be read when the daemon started."""
        self.tasks: Tasks[Task | None] = Tasks("the writer", settings.watchdog.others_s)
        self._pending: dict[str, _Pending] = {}
        self._live: dict[str, Live] = {}
        self._engine: Engine | None = None
        self._has_failed = False
        self.verdicts: dict[str, bytes] = {}
        """The last provisional verdict of each open slide, for other threads to read."""
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)

    def restore(self) -> Iterator[Book]:
        """The slides that are open, from their files; damaged ones are told and left alone."""
        self._keeper.finish()
        cases.complete(self._settings.state_dir, self._central)
        finished = self._central.slides(chain.VERDICT)
        for slide in shelf.slides(self._settings.state_dir):
            if slide in finished:
                continue
            try:
                book = self._restore_if_sound(slide)
            except StoreFault as fault:
                log.error("slide %s is set aside: %s", slide, fault)
                self._outbox.put(Raise(_damaged(slide, fault)))
                self._set_aside.add(slide)
                continue
            if book is not None:
                yield book
        self._keeper.tidy()
        if (full := disk_is_low(self._settings)) is not None:
            self._outbox.put(Raise(_disk_low(full)))

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def write(self, task: Task) -> None:
        """Ask for something; news of it comes through the outbox."""
        self.tasks.put(task)

    def audit(self, kind: str, who: str, what: Mapping[str, str | int]) -> None:
        """Note something in the chain, from any thread: see `Central.audit`. It costs an fsync."""
        self.tasks.put(Audit(kind, who, what))

    def stop(self) -> None:
        """End the thread once all that was asked for is done."""
        self.tasks.put(None)
        self._thread.join()

    # The thread -----------------------------------------------------------------------------------

    def _run(self) -> None:
        next_s, is_running = time.monotonic(), True
        while is_running:
            tasks = self._next(next_s - time.monotonic())
            is_running = None not in tasks
            try:
                if not self._has_failed:
                    self._do([task for task in tasks if task is not None])
                    began_s = time.monotonic()
                    if began_s >= next_s:
                        self.tasks.goes_on()
                        self._tell()
                        took_s = time.monotonic() - began_s
                        next_s = began_s + max(PROVISIONAL_S, took_s / PROVISIONAL_SHARE)
            except StoreFault as fault:
                self._fail(fault)
        self._close()

    def _next(self, timeout_s: float) -> list[Task | None]:
        """All that is ready, once something is, or the time for a provisional verdict has come."""
        is_waiting = any(live.is_changed for live in self._live.values())
        return self.tasks.take(max(timeout_s, 0.001) if is_waiting else None, BATCH)

    def _do(self, tasks: Sequence[Task]) -> None:
        for task in tasks:
            self.tasks.goes_on()
            match task:
                case Keep():
                    self._keep(task)
                case Write():
                    self._note(task)
                case Open():
                    self._flush()
                    self._open(task)
                case TakeOver():
                    self._flush()
                    store = self._live[task.slide].store
                    store.belong_to(Owner(task.driver, task.opening, _pm_per_px(store)))
                case Takes():
                    if (live := self._live.get(task.slide)) is not None:
                        live.takes, live.is_changed = task.kinds, True
                case Correct():
                    self._flush()
                    self._correct(task)
                case EngineIs():
                    self._take_engine(task.engine)
                case Audit():
                    self._central.audit(task.kind, task.who, task.what)
                case Everywhere():
                    for slide in self._live:
                        self._of(slide).rows.append(task.incident)
        self._flush()

    def _keep(self, task: Keep) -> None:
        record = task.record
        why = reasons(record.cells)
        outcome = Outcome(record.disposition.value, why, record.quality)
        pending = self._of(task.slide)
        pending.records.append(Kept(record, task.identity))
        pending.news += [
            partial(captures.committed, slide=task.slide, image=record.image, outcome=outcome),
            Publish(EventKind.FIELD_CHECKED, task.slide, _checked(record, why)),
        ]

    def _correct(self, task: Correct) -> None:
        settings = self._settings
        drawing = Drawing(settings.revision.second_read_percent, settings.revision.seed)
        made = cases.revise(settings.state_dir, self._central, drawing, task.wish, _now_us())
        self._outbox.put(Reply(task.peer, made.answer))
        if made.revision is not None:
            body = made.revision.model_dump(mode="json")
            self._outbox.put(Publish(EventKind.REVISION, task.wish.slide, body))

    def _note(self, task: Write) -> None:
        pending = self._of(task.slide)
        pending.rows.append(task.row)
        if task.ticket is not None:
            pending.news.append(partial(receive.written, ticket=task.ticket))

    def _take_engine(self, engine: Engine) -> None:
        self._engine = engine
        for slide, live in self._live.items():
            identities = dict(self._readings[slide].opening.basis.identities)
            found = incidents_on_restart(identities, engine.health)
            self._of(slide).rows += [each for each in found if each not in live.incidents]
        self._flush()
        if not engine.health.is_proved:
            self._outbox.put(Raise(_engine_alert(engine)))
        self._outbox.put(partial(_ready, engine=engine))

    def _of(self, slide: str) -> _Pending:
        return self._pending.setdefault(slide, _Pending())

    def _flush(self) -> None:
        """Stages 5 and 6 for all that is pending: one transaction a slide, then the answers."""
        pending, self._pending = self._pending, {}
        for slide, batch in pending.items():
            live = self._live[slide]

            def on_disk(
                _: Sequence[Row], batch: _Pending = batch, store: SlideStore = live.store
            ) -> None:
                store.commit(batch.records, batch.rows, self._boot, time.time_ns() // 1000)

            rows = [*(kept.record for kept in batch.records), *batch.rows]
            pipeline.keep(rows, on_disk, live.evidence, partial(self._announce, slide, live))
            live.incidents.update(row for row in batch.rows if isinstance(row, Incident))
            live.is_changed = True
            self._outbox.put(*batch.news)
            if any(isinstance(row, Closing) for row in batch.rows):
                self._end(slide)

    def _open(self, task: Open) -> None:
        assert self._engine is not None  # noqa: S101  # the intake refuses until it is there
        opened = open_slide(task.message, task.plan, self._engine, self._settings)
        if isinstance(opened, NotOpened):
            refused = partial(slides.not_opened, open_=task, code=opened.code, why=opened.problem)
            self._outbox.put(refused)
            if opened.code is Code.DISK:
                self._outbox.put(Raise(_disk_low(opened.problem)))
            elif opened.code is Code.BARCODE:
                self._outbox.put(Raise(glass.refused(task.message.slide)))
            return
        slide, opening = task.message.slide, opened.opening
        if self._central.has(chain.DELETED, slide):
            self._not_opened(task, "a slide of that id was deleted")
            return
        store = None if slide in self._set_aside else self._new_store(slide)
        if store is None:
            self._not_opened(task, "its file is damaged")
            return
        self._central.identify(slide, task.message.barcode, task.message.operator)
        optics = task.message.optics.model_copy(update={"pm_per_px": opened.pm_per_px})
        store.belong_to(Owner(task.driver, task.opening, optics.pm_per_px))
        rows: list[Row] = [opening, *opened.incidents]
        store.commit([], rows, self._boot, time.time_ns() // 1000)
        live = self._hold(store, opening, rows)
        told = self._flags(live, opening)
        book = Book(slide, task.driver, task.opening, optics, opening.plan, told)
        self._outbox.put(partial(slides.opened, open_=task, book=book))

    def _not_opened(self, task: Open, problem: str) -> None:
        why = Problem("slide", task.message.slide, problem, "Scan again under a new id")
        self._outbox.put(partial(slides.not_opened, open_=task, code=Code.CONFLICT, why=why))

    def _new_store(self, slide: str) -> SlideStore | None:
        """A new slide's file; None where there is one already that cannot be read."""
        path = shelf.path(self._settings.state_dir, slide)
        is_new = not path.exists()
        try:
            make_folder(path.parent)
            return SlideStore(path)
        except (OSError, StoreFault) as error:
            if is_new or not isinstance(error, DamagedFile):
                raise fault_of(path, error) from error
            log.error("slide %s cannot be opened again: %s", slide, error)
            return None

    def _hold(self, store: SlideStore, opening: Opening, rows: Iterable[Row]) -> Live:
        """Take a slide in hand: what the stages and the evidence need of it."""
        live = Live(store, Evidence(opening))
        live.add(rows)
        self._live[opening.slide] = live
        self._readings[opening.slide] = reading(opening)
        return live

    def _end(self, slide: str) -> None:
        """Stage 7, for good: into the slide's file first, then into the chain."""
        live = self._live.pop(slide)
        body = to_json(pipeline.verdict(live.evidence))
        verdict = json.loads(body)
        live.mark(verdict)
        issued = live.store.issue(body, time.time_ns() // 1000)
        seal = live.store.seal()
        self._central.enter(slide, issued.revision, body, issued.issued_at_us, seal)
        live.store.close()
        self._readings.pop(slide, None)
        self.verdicts.pop(slide, None)
        self._outbox.put(
            partial(slides.ended, slide=slide, verdict=verdict),
            Publish(EventKind.VERDICT, slide, verdict),
        )
        self._keeper.tidy()

    def _tell(self) -> None:
        """Stage 7, as far as it is."""
        for slide, live in self._live.items():
            if live.is_changed:
                live.is_changed = False
                self._announce(slide, live)
                verdict = pipeline.verdict(live.evidence)
                self._ask(slide, live, verdict)
                body = to_json(verdict)
                if body != self.verdicts.get(slide):
                    self.verdicts[slide] = body
                    said = json.loads(body)
                    live.mark(said)
                    self._outbox.put(Publish(EventKind.VERDICT, slide, said))
        self._flush()

    def _announce(self, slide: str, live: Live) -> None:
        """What is due: on the disk, then in the evidence, which latches it; only then told.

        It looks after every row, so that the same scan announces the same; and when a verdict is
        due, for what a restart cut off. Whatever E promises, it does however often one looks.
        """
        if not live.evidence.has_reached:
            return
        found = due(live.evidence.summary())
        if found:
            live.store.commit([], found, self._boot, time.time_ns() // 1000)
            for row in found:
                live.evidence.add(row)
            self._outbox.put(*(Publish(EventKind.ANNOUNCEMENT, slide, asdict(r)) for r in found))

    def _ask(self, slide: str, live: Live, verdict: Verdict) -> None:
        """What is worth asking the scanner for becomes durable, then goes to it."""
        if not live.takes:
            return
        evidence, plan = live.evidence, self._readings[slide].opening.plan
        percent = self._settings.requests.percent
        for row in choose(
            verdict, evidence.needs(), evidence.requests(), live.takes, len(plan.fields), percent
        ):
            pending = self._of(slide)
            pending.rows.append(row)
            pending.news.append(partial(requests.asked, slide=slide, row=row))

    def _restore_if_sound(self, slide: str) -> Book | None:
        """A slide from its file. A read that failed may be tried again: it changes nothing."""
        for _ in range(READS - 1):
            try:
                return self._restore(slide)
            except DamagedFile:
                raise
            except StoreFault as fault:
                log.warning("slide %s is read again: %s", slide, fault)
        return self._restore(slide)

    def _restore(self, slide: str) -> Book | None:
        store = SlideStore(shelf.path(self._settings.state_dir, slide))
        try:
            store.check_pages()
            book, rows = shelf.book(store, ()), shelf.rows(store)
        except StoreFault:
            store.abandon()
            raise
        opening = next((row for row in rows if isinstance(row, Opening)), None)
        if opening is None or book is None:
            store.close()
            return None
        live = self._hold(store, opening, rows)
        if any(isinstance(row, Closing) for row in rows):
            self._end(slide)  # it died between the slide's end and its verdict
            return None
        book.flags = self._flags(live, opening)
        return book

    def _flags(self, live: Live, opening: Opening) -> tuple[str, ...]:
        """Of the plan, for its author; of the glass, for the operator, too."""
        odd = glass.flags(self._central, opening.slide, opening.purpose)
        self._outbox.put(*(Raise(glass.alert(opening.slide, flag)) for flag in odd))
        return (*flags(opening, live.evidence.summary().area.planned), *odd)

    def _fail(self, fault: StoreFault) -> None:
        log.critical("the disk failed, nothing more is committed: %s", fault)
        self._has_failed = True
        problem = Problem(
            "journal", str(fault), "the disk failed", "Look at the disk; the daemon restarts"
        )
        alert = Alert(
            "disk", Severity.FAULT, f"The disk failed: {fault}", problem.remedy, _now_us()
        )
        self._outbox.put(partial(_disk_failed, problem=problem), Raise(alert))

    def _close(self) -> None:
        if self._has_failed:
            return  # closing would write what the disk has refused; the process ends now
        for live in self._live.values():
            try:
                live.store.close()
            except StoreFault as fault:
                log.error("closing: %s", fault)
        self._central.close()
        self._outbox.close()


def _ready(desk: Desk, engine: Engine) -> Iterator[Effect]:
    readiness = desk.readiness
    readiness.is_judging = True
    readiness.model = engine.card.identity if engine.card and engine.health.is_proved else ""
    readiness.engine = engine.health.identity
    readiness.cpu_because = engine.health.cpu_because
    readiness.fields_per_1000_s = engine.fields_per_1000_s
    yield from ()


def _disk_failed(desk: Desk, problem: Problem) -> Iterator[Effect]:
    desk.readiness.disk_problem = problem
    yield from ()


def _checked(record: Record, why: tuple[str, ...]) -> dict[str, Any]:
    return {
        "field": record.image.field,
        "capture": record.image.capture,
        "plane": record.image.plane,
        "disposition": record.disposition,
        "reasons": list(why),
        "quality": dict(record.quality),
        "findings": len(record.findings),
        "severity": telling.severity(record),
        "filled": telling.filled(record),
    }


def _engine_alert(engine: Engine) -> Alert:
    text = f"The engine is not proved: {engine.health.problem}"
    remedy = "Run `cytoedge doctor`; mend the model, then restart the daemon"
    return Alert("engine", Severity.FAULT, text, remedy, _now_us())


def _disk_low(problem: Problem) -> Alert:
    text = f"No new slide is taken: {problem.problem}"
    return Alert("disk_low", Severity.WARNING, text, problem.remedy, _now_us())


def _damaged(slide: str, fault: StoreFault) -> Alert:
    text = f"The file of slide {slide} is damaged and was set aside: {fault}"
    remedy = "Keep the file; scan the slide again under a new id"
    return Alert(f"damaged-{slide}", Severity.FAULT, text, remedy, _now_us())


def _pm_per_px(store: SlideStore) -> int:
    owner = store.owner()
    assert owner is not None  # noqa: S101  # an open slide has one
    return owner.pm_per_px


def _now_us() -> int:
    return time.time_ns() // 1000
