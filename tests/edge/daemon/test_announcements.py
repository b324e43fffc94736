"""An announcement is on the disk before it is told, told once, and never taken back."""

import json
import sqlite3
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import zmq

from drivers.scanner import codec
from drivers.scanner.messages import Event
from drivers.scanner.words import EventKind
from edge.commands.checking import verify_slide
from edge.daemon.live import Live
from edge.daemon.outbox import BELL, News, Outbox, Publish
from edge.daemon.writer import Writer
from edge.evidence.fold import Evidence
from edge.journal import shelf
from edge.journal.durable import StoreFault
from edge.journal.store import Kept, SlideStore
from edge.settings import Settings
from edge.slide.basis import AnnouncingNumbers
from edge.slide.record import Announcement, Image, Record, Withdrawal
from engines.card import CARD
from engines.tables import Announcing
from engines.tables_toml import replaced
from tests.edge.daemon.rig import Rig, slide
from tests.edge.daemon.test_no_silent_negative_end_to_end import send_some
from tests.engines import tiny_model
from tests.properties.slides import BASIS, grid, opening, packed, record

UM = 1_000
LOW = AnnouncingNumbers("LSIL", 2_000, 400_000, 20, 3, 0, "")
"""Earned by the 20 negative slides of the basis."""


class Watched(Outbox):
    """Notes what was on the disk when each piece of news was put."""

    def __init__(self, context: "zmq.Context[zmq.Socket[bytes]]", file: Path) -> None:
        super().__init__(context)
        self._file = file
        self.told: list[tuple[Publish, list[Announcement]]] = []

    def put(self, *news: News) -> None:
        super().put(*news)
        self.told += [(each, on_disk(self._file)) for each in news if isinstance(each, Publish)]


def on_disk(file: Path) -> list[Announcement]:
    store = SlideStore(file, read_only=True)
    try:
        return [row for row in store.others() if isinstance(row, Announcement)]
    finally:
        store.close()


class Bench:
    """A writer with one slide in hand: three high grade cells in its only field so far."""

    def __init__(self, folder: Path, context: "zmq.Context[zmq.Socket[bytes]]") -> None:
        start = opening(grid(2, 2, 612 * UM, 512 * UM, 60 * UM))
        self.opening = replace(start, basis=replace(BASIS, announcing=(LOW,)))
        self.file = shelf.path(folder, start.slide)
        self.file.parent.mkdir(parents=True)
        self.outbox = Watched(context, self.file)
        self.writer = Writer(Settings(state_dir=folder), "boot", self.outbox, {})
        first = start.plan.fields[0]
        cells = [(first.x_nm + 40 * UM * i, first.y_nm, 12_000, 2, 9_000) for i in (-1, 0, 1)]
        place = start.plan.rectangle(first.field)
        seen = record(Image(first.field, 1, 0), place, packed(*cells))
        self.live = self.hold(SlideStore(self.file))
        self.keep(seen)

    def hold(self, store: SlideStore) -> Live:
        live = Live(store, Evidence(self.opening))
        live.add(each.record for each in store.records())
        live.add(store.others())
        self.writer._live[self.opening.slide] = live
        return live

    def keep(self, row: Record | Withdrawal) -> None:
        records = [Kept(row, "")] if isinstance(row, Record) else []
        others = [] if isinstance(row, Record) else [row]
        self.live.store.commit(records, others, "boot", 7)
        self.live.add([row])

    def tell(self) -> list[dict[str, Any]]:
        """What is announced at one look."""
        before = len(self.outbox.told)
        self.live.is_changed = True
        self.writer._tell()
        told = self.outbox.told[before:]
        return [news.body for news, _ in told if news.kind is EventKind.ANNOUNCEMENT]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    bell = context.socket(zmq.PULL)
    bell.bind(BELL)
    bench = Bench(tmp_path, context)
    yield bench
    bench.writer._close()
    bell.close(0)
    context.term()


def test_i2_an_announcement_is_on_the_disk_before_it_is_told(bench: Bench) -> None:
    (body,) = bench.tell()
    assert (body["category"], body["findings"]) == ("LSIL", 3)
    told = [rows for news, rows in bench.outbox.told if news.kind is EventKind.ANNOUNCEMENT]
    assert told == [[Announcement(**body)]]


def test_an_announcement_is_dated_beside_the_rows_and_not_in_them(bench: Bench) -> None:
    bench.tell()
    with sqlite3.connect(bench.file) as sql:
        arrivals = sql.execute(
            "SELECT what, boot FROM arrivals WHERE received_at_us > 7"
        ).fetchall()
        (row,) = sql.execute("SELECT body FROM rows WHERE kind = 'announcement'").fetchall()
    sql.close()
    assert arrivals == [("announcement", "boot")]
    assert set(json.loads(row[0])) == {"category", "milli_log10_e", "findings", "points"}


def test_i2_what_cannot_be_written_is_not_told(bench: Bench) -> None:
    bench.live.store.close()
    with pytest.raises(StoreFault):
        bench.tell()
    assert [news for news, _ in bench.outbox.told if news.kind is EventKind.ANNOUNCEMENT] == []
    assert bench.live.evidence.summary().announcements == ()


def test_i5_it_is_told_once_also_after_a_restart_and_a_withdrawal(bench: Bench) -> None:
    (body,) = bench.tell()
    assert bench.tell() == []
    bench.live.store.close()
    bench.live = bench.hold(SlideStore(bench.file))
    assert bench.tell() == []
    bench.keep(Withdrawal(0, 1))
    assert bench.tell() == []
    assert on_disk(bench.file) == [Announcement(**body)]
    verdict = json.loads(bench.writer.verdicts[bench.opening.slide])
    assert verdict["announcement"]["announced"] == [{"category": "LSIL", "borne_out": None}]
    assert verdict["counts"]["LSIL"] == 0


@pytest.fixture
def rig() -> Iterator[Rig]:
    """A daemon whose card announces LSIL at the first finding."""
    with tempfile.TemporaryDirectory(prefix="ce") as name:
        card = tiny_model.make(Path(name) / "model")
        numbers = Announcing(
            category="LSIL", r_milli=2_000, b_points=10**9, odds=20, findings=3, maxima=0
        )
        table = card.tables[0].model_copy(update={"negative_slides": 20, "announcing": (numbers,)})
        file = card.folder / CARD
        file.write_text(replaced(file.read_text(), table))
        rig = Rig(Path(name), {"model": str(card.folder)}).start()
        yield rig
        if rig.is_alive:
            assert rig.end() == 0


def test_a_running_daemon_announces_once_across_a_kill_and_its_verdict_bears_it_out(
    rig: Rig,
) -> None:
    source = slide(fields=6)
    name = source.facts.slide
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    socket = context.socket(zmq.SUB)
    socket.connect(rig.events)
    socket.subscribe(b"announcement/")
    rig.wait_until(lambda status: bool(status["ready"]))
    try:
        send_some(rig, source, 4)
        assert socket.poll(30_000)
        event = codec.decode_event(socket.recv_multipart())
        assert isinstance(event, Event)
        assert (event.kind, event.slide) == (EventKind.ANNOUNCEMENT, name)
        file = shelf.path(rig.place.settings.state_dir, name)
        assert on_disk(file) == [Announcement(**event.body)]
        rig.kill()
        rig.start()
        told = rig.ask("verdict", name)["verdict"]["announcement"]
        assert told["announced"] == [{"category": "LSIL", "borne_out": None}]
        verdict = rig.scan(source).verdict
        assert verdict is not None
        assert verdict["counts"]["LSIL"] >= 3
        assert verdict["announcement"]["announced"] == [{"category": "LSIL", "borne_out": True}]
        assert len(on_disk(file)) == 1
        assert verify_slide(rig.place.settings, name).is_well
        assert not socket.poll(0)
    finally:
        socket.close(0)
        context.term()
