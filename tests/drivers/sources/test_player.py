"""A slide is recorded between its driver and the daemon, and played again."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from drivers.problem import Refusal
from drivers.scanner.link import ScannerLink
from drivers.scanner.words import SlideStatus
from drivers.sources.camera import Camera
from drivers.sources.faults import Faults
from drivers.sources.player import Played, Player
from drivers.sources.recorder import Recorder
from drivers.sources.recording import RecordingReader, RecordingWriter
from drivers.sources.scanner import Pace, scan_slide, start
from drivers.sources.simulated.render import Options, SimulatedSlide
from tests.drivers.sources.sources_daemon import CommittingDaemon, running

SLIDE = SimulatedSlide(Options(seed=2, fields=5, camera=Camera(width_px=256, height_px=256)))


@contextmanager
def recorder(folder: Path, daemon: CommittingDaemon) -> Iterator[str]:
    listen, goes_on = f"ipc://{folder}/recorder", threading.Event()
    goes_on.set()
    with (
        RecordingWriter(folder / "recording", "now", "test") as writer,
        Recorder(listen, daemon.endpoint, writer) as recording,
    ):
        thread = threading.Thread(target=recording.run, args=(goes_on.is_set,))
        thread.start()
        yield listen
        goes_on.clear()
        thread.join(10)


def record(folder: Path, faults: Faults | None = None) -> tuple[Path, CommittingDaemon]:
    folder.mkdir()
    account = start(SLIDE.facts)
    with (
        running(folder) as daemon,
        recorder(folder, daemon) as listen,
        ScannerLink(listen, "simulator", on_answer=account.hear) as link,
    ):
        scan_slide(
            link,
            SLIDE,
            account,
            pace=Pace(fields_per_s=0),
            faults=faults or Faults(),
            on_progress=lambda scan: None,
        )
    return folder / "recording", daemon


def play(daemon: CommittingDaemon, path: Path, timeout_s: float = 20.0) -> Played:
    with Player(daemon.endpoint, "player", timeout_s=timeout_s) as player:
        return player.play(RecordingReader(path))


def without_session(header: bytes) -> bytes:
    return header.replace(json.loads(header)["session"].encode(), b"")


def test_a_recording_holds_the_slide_and_plays_it_byte_for_byte(tmp_path: Path) -> None:
    path, first = record(tmp_path / "first", Faults(skipped=frozenset({3})))
    (tmp_path / "second").mkdir()
    with running(tmp_path / "second", lag=1) as second:
        played = play(second, path)
    assert second.committed == first.committed
    assert second.skipped == [3]
    assert [without_session(h) for h in second.headers] == [
        without_session(h) for h in first.headers
    ]
    assert second.most_unanswered <= 3
    assert played == Played(sent=4, verdict={"outcome": "category"})


def test_a_recording_that_was_cut_short_is_played_as_far_as_it_goes(tmp_path: Path) -> None:
    path, first = record(tmp_path / "first")
    path.write_bytes(path.read_bytes()[: -len(SLIDE.capture(next(iter(first.committed))).pixels)])
    (tmp_path / "second").mkdir()
    with running(tmp_path / "second") as second:
        played = play(second, path)
        assert 0 < len(second.committed) < 5
        assert second.state is SlideStatus.OPEN
    assert played.is_cut_short
    assert played.verdict is None


def test_a_play_sends_only_what_the_daemon_lacks(tmp_path: Path) -> None:
    path, first = record(tmp_path / "first")
    (tmp_path / "second").mkdir()
    known = dict(list(first.committed.items())[:2])
    with running(tmp_path / "second", committed=dict(known)) as second:
        played = play(second, path)
    assert (played.sent, played.known_before) == (3, 2)
    assert second.committed == first.committed


def test_what_is_refused_for_now_is_played_again_and_for_good_is_told(tmp_path: Path) -> None:
    path, _ = record(tmp_path / "first")
    (tmp_path / "second").mkdir()
    with running(tmp_path / "second", refuse_once={1}, refuse={4}) as second:
        played = play(second, path)
    assert {key.field for key in second.committed} == {0, 1, 2, 3}
    assert played.refused == ["field: field=4: is not wanted. None."]


def test_a_silent_daemon_breaks_the_play_off_with_a_remedy(tmp_path: Path) -> None:
    path, _ = record(tmp_path / "first")
    absent = CommittingDaemon(f"ipc://{tmp_path}/absent")
    with pytest.raises(Refusal, match="play again"):
        play(absent, path, timeout_s=0.3)


def test_two_drivers_reach_the_daemon_as_two(tmp_path: Path) -> None:
    with (
        running(tmp_path) as daemon,
        recorder(tmp_path, daemon) as listen,
        ScannerLink(listen, "one") as one,
        ScannerLink(listen, "two") as two,
    ):
        sessions = {link.wait_welcome(20).session for link in (one, two)}
    assert len(sessions) == 2
    assert list(RecordingReader(tmp_path / "recording").messages()) == []


def test_the_recorder_ends_by_itself_after_its_slide(tmp_path: Path) -> None:
    listen = f"ipc://{tmp_path}/recorder"
    account = start(SLIDE.facts)
    with (
        running(tmp_path) as daemon,
        RecordingWriter(tmp_path / "recording", "now", "test") as writer,
        Recorder(listen, daemon.endpoint, writer) as recording,
    ):
        thread = threading.Thread(target=recording.run, args=(lambda: True,))
        thread.start()
        with ScannerLink(listen, "simulator", on_answer=account.hear) as link:
            scan_slide(
                link,
                SLIDE,
                account,
                pace=Pace(fields_per_s=0),
                faults=Faults(),
                on_progress=lambda scan: None,
            )
        thread.join(20)
        assert not thread.is_alive()
        assert writer.messages == 7  # opened, 5 fields, closed


def test_a_place_that_cannot_be_listened_at_is_refused(tmp_path: Path) -> None:
    with (
        RecordingWriter(tmp_path / "recording", "now", "test") as writer,
        pytest.raises(Refusal, match="--listen"),
    ):
        Recorder(f"ipc://{tmp_path}/no/such/folder", "ipc:///nowhere", writer)
