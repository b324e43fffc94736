"""Stages 2 to 4 on their threads: some look at pictures, one owns the engine."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from drivers.scanner.words import Code
from edge.daemon.engine import PROVED_EVERY, Engine, broken, prove_again, start
from edge.daemon.live import Reading
from edge.daemon.outbox import Outbox
from edge.daemon.tasks import Tasks
from edge.daemon.writing import EngineIs, Keep, Task
from edge.intake import captures
from edge.intake.effects import Write
from edge.journal.ordeal import survives
from edge.picture import Damaged
from edge.pipeline import Looked, look
from edge.settings import Settings
from edge.slide.capture import Capture
from edge.slide.unprocessed import unprocessed
from engines.detector import EngineFault

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Job:
    capture: Capture
    is_suspect: bool


class Judging:
    """The threads between the socket's and the writer's. Their queues are bounded by the window."""

    def __init__(
        self,
        settings: Settings,
        readings: Mapping[str, Reading],
        write: Callable[[Task], None],
        outbox: Outbox,
    ) -> None:
        self._settings, self._readings = settings, readings
        self._write, self._outbox = write, outbox
        self.jobs: Tasks[_Job | None] = Tasks("a look thread", settings.watchdog.others_s)
        self.looked: Tasks[Looked | Write | None] = Tasks("the engine", float("inf"))
        """Without a limit until the engine is loaded: the manager's limit for a start holds."""
        self._slowest_s = 0.0
        self._threads = [
            threading.Thread(target=self._look, name=f"look-{n}", daemon=True)
            for n in range(settings.quality_threads)
        ]
        self._engine_thread = threading.Thread(target=self._judge, name="engine", daemon=True)

    def start(self) -> None:
        """Start the threads; the engine is loaded and proved on its own."""
        for thread in (*self._threads, self._engine_thread):
            thread.start()

    def take(self, capture: Capture, *, is_suspect: bool) -> None:
        """Take a capture through the stages. A suspect is first tried in a child process."""
        self.jobs.put(_Job(capture, is_suspect))

    def conclude(self, end: Write) -> None:
        """Write a slide's end, after an engine that judged since its last proof was proved again.

        A verdict rests on no picture that an engine saw after it had last been right.
        """
        self.looked.put(end)

    def stop(self) -> None:
        """End the threads once all that was taken is done."""
        for _ in self._threads:
            self.jobs.put(None)
        for thread in self._threads:
            thread.join()
        self.looked.put(None)
        self._engine_thread.join()

    def _look(self) -> None:
        while (job := self.jobs.get()) is not None:
            self._look_at(job)
            del job  # Not held while waiting for the next: pictures are large.
        self._outbox.close()

    def _look_at(self, job: _Job) -> None:
        capture = job.capture
        reading = self._readings[capture.slide]
        if job.is_suspect and not survives(capture):
            log.error("%s %s ended its process", capture.slide, capture.image)
            record = unprocessed(capture, reading.classes, "", reading.calibration)
            self._write(Keep(capture.slide, record, capture.identity))
            return
        looked = look(capture, reading.opening.plan)
        if not isinstance(looked, Damaged):
            self.looked.put(looked)
            return
        damaged = partial(
            captures.damaged,
            slide=capture.slide,
            image=capture.image,
            code=Code(looked.code),
            why=looked.problem,
        )
        self._outbox.put(damaged)

    def _judge(self) -> None:
        engine = start(self._settings)
        self._write(EngineIs(engine))
        self._took(1000 / engine.fields_per_1000_s if engine.fields_per_1000_s else 0.0)
        unproved = 0  # pictures since the last proof
        while (task := self.looked.get()) is not None:
            if unproved and (isinstance(task, Write) or unproved >= PROVED_EVERY):
                engine, unproved = self._prove(engine), 0
            if isinstance(task, Write):
                self._write(task)
            else:
                self.looked.goes_on()
                began_s = time.monotonic()
                engine = self._judge_one(engine, task)
                self._took(time.monotonic() - began_s)
                unproved += 1
            del task

    def _took(self, field_s: float) -> None:
        """The engine's limit follows its slowest field so far."""
        limits = self._settings.watchdog
        self._slowest_s = max(self._slowest_s, field_s)
        slowest_s = limits.engine_batches * self._slowest_s
        self.looked.limit_s = max(limits.engine_least_s, slowest_s)

    def _judge_one(self, engine: Engine, looked: Looked) -> Engine:
        """Stage 4 of one picture; gives the engine, broken where it failed."""
        capture = looked.capture
        reading = self._readings[capture.slide]
        record = unprocessed(capture, reading.classes, engine.health.identity, reading.calibration)
        try:
            # A slide keeps to the model that it was opened with: its thresholds are that one's.
            if engine.card is None or engine.card.networks == reading.model:
                record = engine.judge(looked, reading.bars, reading.calibration)
        except EngineFault as fault:
            engine = self._break(engine, fault)
        self._write(Keep(capture.slide, record, capture.identity))
        return engine

    def _prove(self, engine: Engine) -> Engine:
        try:
            prove_again(engine)
        except EngineFault as fault:
            return self._break(engine, fault)
        return engine

    def _break(self, engine: Engine, fault: EngineFault) -> Engine:
        if engine.detector is None:
            return engine
        log.error("the engine failed: %s", fault)
        broken_engine = broken(engine, fault)
        self._write(EngineIs(broken_engine))
        return broken_engine
