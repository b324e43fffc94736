"""The thread that alone touches the sockets, from the first bind to the orderly end."""

import logging
import os
import time
import uuid
from collections import Counter
from types import FrameType
from typing import Any

import zmq

from drivers.problem import Refusal, shown
from drivers.scanner import codec
from drivers.scanner.codec import Undecodable
from drivers.scanner.messages import Ask, Error, Refused, Revise
from drivers.scanner.words import Code, Window
from edge.daemon import memory, sockets
from edge.daemon.asking import Asker, Question
from edge.daemon.doorkeeper import Doorkeeper, Dropped
from edge.daemon.judging import Judging
from edge.daemon.live import Reading
from edge.daemon.outbox import BELL, News, Outbox, Publish, Raise
from edge.daemon.publisher import Publisher
from edge.daemon.service import Service
from edge.daemon.sockets import Socket, Sockets
from edge.daemon.strangers import Strangers
from edge.daemon.writer import Writer
from edge.daemon.writing import Correct, Everywhere
from edge.health import Alert, Severity
from edge.intake import receive, requests
from edge.intake.book import Book
from edge.intake.desk import Desk
from edge.intake.effects import Conclude, Effect, Judge, LetGo, Reply, Tell
from edge.intake.refusals import problem
from edge.intake.sessions import Session, Sessions
from edge.journal import shelf
from edge.journal.durable import StoreFault
from edge.journal.strikes import Strikes
from edge.settings import Settings
from edge.slide.record import Incident, IncidentKind

log = logging.getLogger(__name__)

TICK_S = 0.25
STRANGERS_A_SECOND = 50
"""Errors that are answered to peers without a session: rubbish shall cost little."""
FLOOD_PAUSE_S = 0.002
"""After each message of a driver that is shut out: libzmq then makes it wait."""
CLOCK_JUMP_S = 5.0
FAULT_S = 1.0
"""After a fault of the disk: time enough to tell everybody. The disk is then read anew."""
END_S = 20.0
"""An orderly end waits so long for what is in hand."""


class Daemon:
    """Everything of one process, joined."""

    def __init__(self, settings: Settings) -> None:
        """Open the journal, bind the sockets, start the threads.

        Raises:
            Refusal: An endpoint cannot be bound.
            StoreFault: The journal cannot be opened.
        """
        self._settings = settings
        self._context: zmq.Context[Socket] = zmq.Context()
        self._bell = self._context.socket(zmq.PULL)
        self._bell.set_hwm(0)
        self._bell.bind(BELL)
        self._outbox = Outbox(self._context)
        self._counts: Counter[str] = Counter()
        readings: dict[str, Reading] = {}
        boot = uuid.uuid4().hex
        self._strikes = Strikes(settings.state_dir / "in-hand")
        self._writer = Writer(settings, boot, self._outbox, readings)
        self._desk = Desk(
            boot=boot,
            limit=Window(fields=settings.window.fields, bytes=settings.window.bytes),
            sessions=Sessions(settings.silent_after_s),
            new_id=lambda: uuid.uuid4().hex,
            find_ended=self._find_ended,
            within_ms=settings.requests.within_ms,
        )
        self._desk.books.update((book.slide, book) for book in self._writer.restore())
        self._judging = Judging(settings, readings, self._writer.write, self._outbox)
        self._asker = Asker(settings, self._writer.verdicts, self._outbox)
        self._strangers = Strangers(self._writer.audit, self._tell_of_strangers, self._counts)
        self._keeper = Doorkeeper(self._context, settings, self._strangers)
        self._sockets = Sockets(self._context, settings, self._keeper)
        self._dropped = {name: Dropped() for name in self._sockets.monitors}
        self._publisher = Publisher(self._sockets.events, boot)
        judging, asker = self._judging, self._asker
        threads = (self._writer.tasks, judging.jobs, judging.looked, asker.questions)
        self._service = Service(os.environ, threads, settings.endpoints)
        self._is_ending = False
        self._errors_left, self._errors_since_s = STRANGERS_A_SECOND, 0.0
        self._clock_s = time.time() - time.monotonic()
        for thread in (self._writer, self._judging, self._asker):
            thread.start()

    def run(self) -> None:
        """Serve until asked to end; then finish what is in hand, answer, and close.

        Raises:
            StoreFault: The disk failed. Everybody was told; the process must end as it is.
        """
        poller, doors = zmq.Poller(), self._sockets
        monitors = doors.monitors.values()
        keeper = self._keeper.socket
        for socket in (self._bell, keeper, doors.drivers, doors.tools, doors.events, *monitors):
            poller.register(socket, zmq.POLLIN)
        end_s, last_s, told_s = float("inf"), time.monotonic(), 0.0
        while time.monotonic() < end_s:
            turn_s = min(TICK_S, self._service.interval_s)
            ready = {socket for socket, _ in poller.poll(round(turn_s * 1000))}
            now_s = time.monotonic()
            if keeper in ready:
                self._keeper.answer()
            if self._bell in ready:
                self._hear_bell()
            if doors.drivers in ready:
                self._receive(now_s)
            if doors.tools in ready:
                self._be_asked()
            if doors.events in ready:
                self._publisher.hear()
            self._watch_connections(ready, now_s)
            is_taking = self._desk.window().fields > 0
            self._service.tend(now_s, is_taking=is_taking, status=self._what())
            self._publisher.count_waiting(self._desk, now_s - last_s)
            last_s = now_s
            if now_s - told_s >= 2 * TICK_S:
                self._publisher.tell_progress(self._desk)
                self._watch_clock()
                self._watch_strangers(now_s)
                for effect in requests.lapse(self._desk, now_s):
                    self._do(effect)
                told_s = now_s
            if self._is_ending:
                if not self._desk.readiness.is_ending:
                    self._service.end()
                self._desk.readiness.is_ending = True
                end_s = min(end_s, now_s + END_S)
                if not self._desk.in_hand and not self._desk.tickets:
                    break
            if self._desk.readiness.disk_problem is not None:
                end_s = min(end_s, now_s + FAULT_S)
        if self._desk.readiness.disk_problem is not None:
            self._strikes.forgive()
            raise StoreFault(str(self._desk.readiness.disk_problem))
        self._close()

    def end(self, *_: int | FrameType | None) -> None:
        """Ask for an orderly end. A signal's handler."""
        self._is_ending = True

    def _close(self) -> None:
        self._judging.stop()
        self._strangers.tell_all(time.monotonic())
        self._writer.stop()
        self._asker.stop()
        self._hear_bell()
        self._strikes.close()
        self._outbox.close()
        self._bell.close(0)
        self._sockets.close()
        self._keeper.close()
        self._context.term()

    def _receive(self, now_s: float) -> None:
        frames = self._sockets.drivers.recv_multipart(zmq.NOBLOCK, copy=False)
        peer = frames[0].bytes
        if self._desk.floods.drops(peer, now_s):
            self._counts["flood_dropped"] += 1
            time.sleep(FLOOD_PAUSE_S)
            return
        may_speak, name = self._who("drivers", frames[-1])
        if not may_speak:
            return
        session = self._desk.sessions.of_peer(peer)
        is_stranger = session is None
        parts = [f.buffer for f in frames[1:]]
        for effect in receive.receive(self._desk, peer, parts, now_s, name):
            error = effect.message if isinstance(effect, Reply) else None
            if isinstance(error, Refused) and error.code is Code.WINDOW and session is not None:
                self._watch_flood(session, now_s)
            if isinstance(error, Error) and error.code is Code.DRIVER:
                self._strangers.refused("drivers", "other_driver", now_s, name=name)
            if is_stranger and isinstance(error, Error) and not self._may_answer_stranger(now_s):
                self._counts["strangers_unanswered"] += 1
            else:
                self._do(effect)

    def _watch_flood(self, session: Session, now_s: float) -> None:
        """A driver that does not count what is unanswered is named, and shut out for a while."""
        if not self._desk.floods.overran(session.driver, session.peer, now_s):
            return
        self._desk.sessions.close(session)
        self._strangers.refused("drivers", "flood", now_s, name=session.driver)

    def _who(self, socket: str, frame: zmq.Frame) -> tuple[bool, str]:
        """Whether this message's sender may still speak, and the driver that its key is of.

        A key that was revoked since its connection was made has no effect any more, and no answer.
        """
        if socket not in self._keeper.curved:
            return True, ""
        key, where = str(frame.get("User-Id")), str(frame.get("Peer-Address"))
        return self._keeper.lets_in(socket, key, where), self._keeper.name(key)

    def _may_answer_stranger(self, now_s: float) -> bool:
        if now_s - self._errors_since_s >= 1:
            self._errors_left, self._errors_since_s = STRANGERS_A_SECOND, now_s
        self._errors_left -= 1
        return self._errors_left >= 0

    def _do(self, effect: Effect) -> None:
        match effect:
            case Reply():
                self._send(self._sockets.drivers, effect)
            case Judge():
                capture = effect.capture
                is_suspect = self._strikes.take(capture.slide, capture.image)
                self._judging.take(capture, is_suspect=is_suspect)
            case Conclude():
                self._judging.conclude(effect.end)
            case Tell():
                self._publisher.publish(effect.kind, effect.slide, effect.body)
            case LetGo():
                self._strikes.answer(effect.slide, effect.image)
            case _:
                self._writer.write(effect)

    def _hear_bell(self) -> None:
        while self._bell.poll(0):
            self._bell.recv()
        for news in self._outbox.take():
            self._take(news)

    def _take(self, news: News) -> None:
        match news:
            case Publish():
                self._publisher.publish(news.kind, news.slide, news.body)
            case Raise():
                self._publisher.rise(news.alert)
            case Reply():
                self._send(self._sockets.tools, news)
            case _:
                for effect in news(self._desk):
                    self._do(effect)

    def _send(self, socket: Socket, reply: Reply) -> None:
        """Send or end the session: a peer that does not read must not stop this thread."""
        try:
            frames = codec.encode(reply.message, reply.part)
            socket.send_multipart([reply.peer, *frames], zmq.NOBLOCK)
        except (zmq.ZMQError, Refusal) as error:  # The peer is gone, or the answer is too long.
            log.warning("an answer could not be sent: %s", error)
            self._counts["answers_unsent"] += 1
            session = self._desk.sessions.of_peer(reply.peer)
            if session is not None and socket is self._sockets.drivers:
                self._desk.sessions.close(session)

    def _be_asked(self) -> None:
        frames = self._sockets.tools.recv_multipart(zmq.NOBLOCK, copy=False)
        peer = frames[0].bytes
        may_speak, _ = self._who("tools", frames[-1])
        if not may_speak:
            return
        decoded = codec.decode_from_client([frame.buffer for frame in frames[1:]])
        if isinstance(decoded, Undecodable):
            self._send(self._sockets.tools, Reply(peer, codec.error_of(decoded)))
            return
        ask = decoded.message
        if isinstance(ask, Revise):
            self._writer.write(Correct(peer, ask))
        elif not isinstance(ask, Ask):
            why = problem(Code.MESSAGE, "type", shown(ask.type))
            wrong = Undecodable(ask.id, ask.type, Code.MESSAGE, why)
            self._send(self._sockets.tools, Reply(peer, codec.error_of(wrong)))
        elif not self._asker.take(Question(peer, ask, self._status())):
            why = problem(Code.WINDOW, "ask", ask.what)
            self._send(self._sockets.tools, Reply(peer, codec.refusal_of(ask, Code.WINDOW, why)))

    def _what(self) -> str:
        """What the daemon does, for the service manager."""
        readiness = self._desk.readiness
        if (problem := readiness.problem()) is not None:
            return f"takes no fields: {problem[1]}"
        return f"takes fields; {readiness.engine if readiness.model else 'no engine is proved'}"

    def _status(self) -> dict[str, Any]:
        desk = self._desk
        return {
            "boot": desk.boot,
            "ready": desk.readiness.is_judging,
            "model": desk.readiness.model,
            "engine": desk.readiness.engine,
            "cpu_because": desk.readiness.cpu_because,
            "fields_per_1000_s": desk.readiness.fields_per_1000_s,
            "window": desk.window().model_dump(),
            "in_hand": desk.in_hand,
            "heap_bytes": memory.in_use_bytes(),
            "sessions": len(desk.sessions),
            "open_slides": [self._publisher.progress(book) for book in desk.books.values()],
            "alerts": self._publisher.alerts.bodies(),
            "counts": dict(self._counts) | {"late_answers": desk.late_answers},
        }

    def _find_ended(self, slide: str) -> Book | None:
        try:
            store = shelf.read(self._settings.state_dir, slide)
            if store is None:
                return None
            book = shelf.ended_book(store)
            store.close()
        except StoreFault as fault:
            log.error("slide %s cannot be read: %s", slide, fault)
            return None
        return book

    def _watch_connections(self, ready: set[Any], now_s: float) -> None:
        for name, monitor in self._sockets.monitors.items():
            dropped = self._dropped[name]
            change = sockets.change(monitor) if monitor in ready else ""
            if change == "accepted":
                dropped.accepted(now_s)
            elif change in ("greeted", "not_let_in", "handshake_failed"):
                dropped.explained()
            if change == "handshake_failed":
                self._strangers.refused(name, change, now_s)
            elif change == "disconnected":
                log.info("a connection to %s ended", name)
                self._counts[f"{name}_disconnected"] += 1

    def _watch_strangers(self, now_s: float) -> None:
        """Who was turned away without a word; whose key was revoked since."""
        for name, dropped in self._dropped.items():
            if times := dropped.new(now_s):
                self._strangers.refused(name, "no_greeting", now_s, times=times)
        self._strangers.tell_due(now_s)
        self._keeper.read_list()
        if (refusal := self._keeper.problem) is not None:
            self._rise("allowed-keys", f"The list before holds: {refusal}", refusal.problem.remedy)
        else:
            self._publisher.alerts.fall("allowed-keys")

    def _tell_of_strangers(self, words: str) -> None:
        remedy = "If it is yours: `cytoedge keys list`, and its keys. If not, look at the network"
        self._rise("strangers", words, remedy)

    def _rise(self, id_: str, text: str, remedy: str) -> None:
        now_us = time.time_ns() // 1000
        self._publisher.rise(Alert(id_, Severity.WARNING, text, remedy, now_us))

    def _watch_clock(self) -> None:
        """Wall time orders nothing here, but a reader of dates must know that it jumped."""
        clock_s = time.time() - time.monotonic()
        jump_s, self._clock_s = clock_s - self._clock_s, clock_s
        if abs(jump_s) < CLOCK_JUMP_S:
            return
        log.warning("the clock jumped by %.0f s", jump_s)
        detail = f"by {round(jump_s)} s"
        self._writer.write(Everywhere(Incident(IncidentKind.CLOCK_JUMP, detail)))
        self._rise("clock", f"The clock jumped {detail}", "See to the machine's time source")
