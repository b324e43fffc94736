"""`ScannerLink` over real sockets, with a daemon that does what the script says."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from drivers.problem import Refusal
from drivers.scanner import (
    Code,
    Committed,
    ImageKey,
    LinkRefused,
    LinkTimeout,
    Optics,
    PlanList,
    PlannedField,
    RectangleSpot,
    Refused,
    ScannerLink,
    connection,
)
from drivers.scanner.words import SlideStatus, Window
from tests.wire.model_daemon import Slide
from tests.wire.router_daemon import WIDE, running

OPTICS = Optics(pm_per_px=250_000)
PLAN = PlanList(
    spot=RectangleSpot(x_nm=0, y_nm=0, w_nm=1_000_000, h_nm=1_000_000),
    w_nm=4_000,
    h_nm=4_000,
    overlap_nm=500,
    fields=[PlannedField(field=f, x_nm=3_500 * f, y_nm=0) for f in range(50)],
)
PIXELS = bytes(range(256))
SHUT = Window(fields=0, bytes=0)
Disk = dict[str, Slide]


@pytest.fixture(params=["ipc", "tcp"])
def any_endpoint(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"ipc://{tmp_path}/d" if request.param == "ipc" else "tcp://127.0.0.1:*"


@pytest.fixture
def endpoint(tmp_path: Path) -> str:
    return f"ipc://{tmp_path}/d"


@pytest.fixture(autouse=True)
def _quick_to_despair(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same rules, with shorter times, so that the tests need not wait."""
    monkeypatch.setattr(connection, "PING_S", 0.1)
    monkeypatch.setattr(connection, "SILENCE_S", 0.5)
    monkeypatch.setattr(connection, "NO_WELCOME_S", 0.3)


def opened(link: ScannerLink, slide: str = "S-1", timeout_s: float = 20.0) -> None:
    link.open_slide(slide, "simulation", "cervical", "thinprep", OPTICS, PLAN, timeout_s=timeout_s)


def send(link: ScannerLink, field: int, *, capture: int = 1, timeout_s: float = 20.0) -> None:
    link.send_field(
        field,
        PIXELS,
        capture=capture,
        x_nm=3_500 * field,
        y_nm=0,
        width_px=16,
        height_px=16,
        format="Mono8",
        timeout_s=timeout_s,
    )


def key(field: int, capture: int = 1) -> ImageKey:
    return ImageKey(field=field, capture=capture)


def test_a_slide_is_sent_and_closed(any_endpoint: str) -> None:
    disk: Disk = {}
    answers: list[Committed | Refused] = []
    with (
        running(any_endpoint, disk) as daemon,
        ScannerLink(daemon.endpoint, "driver-1", on_answer=answers.append) as link,
    ):
        assert link.wait_welcome(20).boot == daemon.model.boot
        opened(link)
        for field in range(20):
            send(link, field)
        link.skip_field(20, "stage")
        link.withdraw(3, 1)
        assert link.next_capture(3) == 2
        send(link, 3, capture=2)
        closed = link.close_slide(20)
        assert closed.answer.state is SlideStatus.CLOSED
        assert closed.answer.verdict == {"outcome": "review"}
        assert link.counters.sent == link.counters.answered == 21
        assert [answer.field for answer in answers] == [*range(20), 3]
        assert link.welcome is not None
        assert link.window == WIDE
    assert disk["S-1"].skipped == {20}
    assert daemon.model.seen[-1] == "bye"
    assert disk["S-1"].is_free


def test_a_request_is_handed_out_once_and_its_answer_is_heard(endpoint: str) -> None:
    disk: Disk = {}
    with running(endpoint, disk) as daemon, ScannerLink(endpoint, "driver-1") as link:
        opened(link)
        assert link.next_request() is None
        daemon.ask("S-1", 3)
        request = link.next_request(20)
        assert request is not None
        assert (request.kind, request.field) == ("rescan", 3)
        send(link, 3)
        assert not link.answer(request, "done", 20).late
        assert link.next_request(0.1) is None
        assert disk["S-1"].said == {"r1": "done"}
        unknown = request.model_copy(update={"id": "r9"})
        with pytest.raises(LinkRefused) as refused:
            link.answer(unknown, "done", 20)
        assert refused.value.code is Code.NOT_ASKED
        link.close_slide(20)
        assert link.answer(request, "refused", 20).late


def test_a_request_comes_again_after_the_daemon_died_and_is_no_new_one(endpoint: str) -> None:
    disk: Disk = {}
    with ScannerLink(endpoint, "driver-1") as link:
        with running(endpoint, disk) as daemon:
            opened(link)
            daemon.ask("S-1", 3)
            request = link.next_request(20)
            assert request is not None
            daemon.loses_answer = lambda header: b'"answered"' in header
            with pytest.raises(LinkTimeout):
                link.answer(request, "refused", 0.3)
        assert disk["S-1"].said.pop("r1") == "refused"  # it dies before that is on the disk
        with running(endpoint, disk):
            assert link.next_request(1) is None
            assert not link.answer(request, "refused", 20).late
            assert not link.answer(request, "refused", 20).late
    assert disk["S-1"].said == {"r1": "refused"}


def test_one_link_sends_slide_after_slide(endpoint: str) -> None:
    disk: Disk = {}
    with running(endpoint, disk), ScannerLink(endpoint, "driver-1") as link:
        for slide in ("S-1", "S-2"):
            opened(link, slide)
            send(link, 0)
            link.close_slide(20)
    assert list(disk) == ["S-1", "S-2"]


def test_the_window_is_kept_and_the_wait_is_counted(endpoint: str) -> None:
    with (
        running(endpoint, {}, Window(fields=2, bytes=10_000)) as daemon,
        ScannerLink(endpoint, "driver-1") as link,
    ):
        daemon.commits = False
        opened(link)
        send(link, 0)
        send(link, 1)
        with pytest.raises(LinkTimeout, match="window 2, unanswered 2"):
            send(link, 2, timeout_s=0.3)
        assert len(daemon.model.in_hand) == 2
        assert link.counters.window_wait_s >= 0.3
        daemon.commits = True
        assert link.close_slide(20).answer.state is SlideStatus.CLOSED
        assert link.counters.answered == 3


def test_the_window_counts_bytes_too(endpoint: str) -> None:
    with (
        running(endpoint, {}, Window(fields=9, bytes=600)) as daemon,
        ScannerLink(endpoint, "driver-1") as link,
    ):
        daemon.commits = False
        opened(link)
        send(link, 0)
        send(link, 1)
        with pytest.raises(LinkTimeout):
            send(link, 2, timeout_s=0.2)
        assert len(daemon.model.in_hand) == 2


def test_a_closed_window_is_waited_out(endpoint: str) -> None:
    with (
        running(endpoint, {}, SHUT) as daemon,
        ScannerLink(endpoint, "driver-1") as link,
    ):
        opened(link)
        with pytest.raises(LinkTimeout):
            send(link, 0, timeout_s=0.2)
        daemon.model.window = WIDE  # Only a pong can tell.
        link.drain(20)
        assert link.counters.answered == 1


def test_a_daemon_that_is_killed_in_mid_slide_costs_nothing(endpoint: str) -> None:
    disk: Disk = {}
    with ScannerLink(endpoint, "driver-1") as link:
        with running(endpoint, disk) as daemon:
            opened(link)
            send(link, 0)
            link.drain(20)
            daemon.commits = False
            send(link, 1)
            send(link, 2)
            daemon.wait(lambda model: len(model.in_hand) == 2)
        link.pump(0.0)
        with running(endpoint, disk) as daemon:
            link.skip_field(4, "lamp", 20)
            send(link, 3)
            assert link.close_slide(20).answer.state is SlideStatus.CLOSED
            assert daemon.model.seen.count("field") == 3
    assert set(disk["S-1"].committed) == {key(0), key(1), key(2), key(3)}


def test_answers_that_are_lost_with_a_daemon_are_found_in_the_resume_list(endpoint: str) -> None:
    disk: Disk = {}
    with ScannerLink(endpoint, "driver-1") as link:
        with running(endpoint, disk) as daemon:
            opened(link)
            daemon.loses_answer = lambda header: b'"committed"' in header
            send(link, 0)
            send(link, 1)
            daemon.wait(lambda model: len(model.disk["S-1"].committed) == 2)
        with running(endpoint, disk) as daemon:
            assert link.close_slide(20).answer.state is SlideStatus.CLOSED
            assert "field" not in daemon.model.seen


def test_an_image_in_hand_is_not_sent_again(endpoint: str) -> None:
    with running(endpoint, {}) as daemon, ScannerLink(endpoint, "driver-1") as link:
        opened(link)
        daemon.commits = False
        send(link, 0)
        daemon.wait(lambda model: bool(model.in_hand))
        daemon.model.sessions.clear()  # Now it asks for a hello.
        link.skip_field(7, "other", 20)
        assert daemon.model.seen.count("open_slide") == 2
        daemon.commits = True
        link.drain(20)
        assert daemon.model.seen.count("field") == 1


def test_a_silent_daemon_is_left_for_a_new_socket(endpoint: str) -> None:
    disk: Disk = {}
    with running(endpoint, disk) as daemon, ScannerLink(endpoint, "driver-1") as link:
        opened(link)
        silent = threading.Event()
        silent.set()
        daemon.loses_answer = lambda header: silent.is_set()
        send(link, 0)
        with pytest.raises(LinkTimeout):
            link.drain(1.2)
        assert link.connections > 1
        silent.clear()
        link.drain(20)
        assert link.counters.answered == 1


def test_a_new_life_of_the_driver_takes_the_slide_up(endpoint: str) -> None:
    disk: Disk = {}
    with running(endpoint, disk) as daemon:
        first = ScannerLink(endpoint, "driver-1")
        opened(first)
        send(first, 0)
        first.drain(20)
        daemon.commits = False
        send(first, 1)
        daemon.wait(lambda model: bool(model.in_hand))
        with ScannerLink(endpoint, "driver-1") as second:
            answer = second.open_slide(
                "S-1", "simulation", "cervical", "thinprep", OPTICS, PLAN, timeout_s=20
            )
            assert answer.resume.committed == [key(0)]
            assert answer.resume.in_hand == [key(1)]
            assert second.next_capture(1) == 2
            daemon.commits = True
            assert second.close_slide(20).answer.state is SlideStatus.CLOSED
        first.close()
    assert set(disk["S-1"].committed) == {key(0), key(1)}


def test_what_is_in_hand_and_lost_with_the_daemon_is_no_concern_of_a_new_driver(
    endpoint: str,
) -> None:
    disk: Disk = {}
    with running(endpoint, disk) as daemon:
        with ScannerLink(endpoint, "driver-1") as first:
            opened(first)
            daemon.commits = False
            send(first, 1)
            daemon.wait(lambda model: bool(model.in_hand))
        second = ScannerLink(endpoint, "driver-1")
        opened(second)
    with running(endpoint, disk), second:
        assert second.close_slide(20).answer.state is SlideStatus.CLOSED
    assert disk["S-1"].committed == {}


def test_another_drivers_slide_is_waited_for_and_then_reported(endpoint: str) -> None:
    with running(endpoint, {}), ScannerLink(endpoint, "driver-1") as first:
        opened(first)
        with ScannerLink(endpoint, "driver-2") as second:
            with pytest.raises(LinkTimeout, match="busy"):
                opened(second, timeout_s=0.5)
            opened(second, "S-2")  # The link is as good as new.
            second.abort_slide("enough", 20)


@pytest.mark.parametrize("code", [Code.WINDOW, Code.DISK, Code.NOT_READY, Code.CHECKSUM])
def test_a_refusal_for_now_is_tried_again(endpoint: str, code: Code) -> None:
    with running(endpoint, {}) as daemon, ScannerLink(endpoint, "driver-1") as link:
        opened(link)
        daemon.model.refuse_next = [(code, "field"), (code, "close_slide")]
        send(link, 0)
        assert link.close_slide(20).answer.state is SlideStatus.CLOSED
        assert daemon.model.seen.count("field") == 2
        assert not link.refused


def test_a_checksum_that_is_wrong_again_and_again_is_no_accident(endpoint: str) -> None:
    with running(endpoint, {}) as daemon, ScannerLink(endpoint, "driver-1") as link:
        opened(link)
        daemon.model.refuse_next = [(Code.CHECKSUM, "field")] * 5
        send(link, 0)
        link.drain(20)
        assert [refused.code for refused in link.refused] == [Code.CHECKSUM]
        assert len(daemon.model.refuse_next) == 2


def test_a_final_refusal_is_handed_over_and_not_repeated(endpoint: str) -> None:
    answers: list[Committed | Refused] = []
    with (
        running(endpoint, {}) as daemon,
        ScannerLink(endpoint, "driver-1", on_answer=answers.append) as link,
    ):
        opened(link)
        daemon.model.refuse_next = [(Code.NOT_PLANNED, "field")]
        send(link, 0)
        link.drain(20)
        assert link.refused == answers
        assert link.refused[0].code is Code.NOT_PLANNED
        assert daemon.model.seen.count("field") == 1
        send(link, 0)  # Mended, it may come again.
        assert link.close_slide(20).answer.state is SlideStatus.CLOSED


def test_an_error_about_an_image_is_its_refusal(
    endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(endpoint, {}), ScannerLink(endpoint, "driver-1") as link:
        opened(link)
        real = link._exchange.connection.send
        monkeypatch.setattr(
            link._exchange.connection,
            "send",
            lambda message, part: real(message.model_copy(update={"z_nm": 2**60}), part),
        )
        send(link, 0)
        monkeypatch.undo()
        link.drain(20)
        assert [refused.code for refused in link.refused] == [Code.MESSAGE]
        assert link.refused[0].key == "z_nm"


@pytest.mark.parametrize("kind", ["open_slide", "skip_field", "withdraw", "abort_slide"])
def test_a_question_that_is_refused_for_good_raises(endpoint: str, kind: str) -> None:
    with running(endpoint, {}) as daemon, ScannerLink(endpoint, "driver-1") as link:
        ask: dict[str, Callable[[], object]] = {
            "open_slide": lambda: opened(link),
            "skip_field": lambda: link.skip_field(1, "lamp"),
            "withdraw": lambda: link.withdraw(1, 1),
            "abort_slide": lambda: link.abort_slide("enough"),
        }
        if kind != "open_slide":
            opened(link)
        daemon.model.refuse_next = [(Code.CLOSED, kind)]
        with pytest.raises(LinkRefused) as caught:
            ask[kind]()
        assert caught.value.code is Code.CLOSED
        assert caught.value.problem.remedy


def test_a_driver_that_is_not_let_in_is_told(endpoint: str) -> None:
    with running(endpoint, {}) as daemon:
        daemon.model.refuse_next = [(Code.BUSY, "hello"), (Code.VERSION, "hello")]
        with (
            ScannerLink(endpoint, "driver-1") as link,
            pytest.raises(LinkRefused) as caught,
        ):
            link.wait_welcome(20)
        assert caught.value.code is Code.VERSION


def test_without_a_daemon_there_is_a_clear_word(endpoint: str) -> None:
    with (
        ScannerLink(endpoint, "driver-1") as link,
        pytest.raises(LinkTimeout, match="the daemon is silent"),
    ):
        link.wait_welcome(0.1)


def test_rubbish_from_the_other_side_is_counted_and_passed_over(endpoint: str) -> None:
    with running(endpoint, {}) as daemon, ScannerLink(endpoint, "driver-1") as link:
        opened(link)
        handle = daemon.model.handle

        def rubbish(
            peer: bytes, frames: list[bytes | memoryview]
        ) -> Iterator[tuple[bytes, list[bytes | memoryview]]]:
            yield peer, [b"\xff"]
            yield peer, [b'{"type":"pong","re":"long-ago","window":{"fields":3,"bytes":99999}}']
            yield from handle(peer, frames)

        daemon.model.handle = rubbish  # type: ignore[method-assign]
        send(link, 0)
        link.drain(20)
        assert link.rubbish >= 1


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        ({"width_px": 17}, "stride"),
        ({"width_px": 4}, "width_px"),
        ({"format": "RGB16"}, "format"),
        ({"x_nm": 1.5}, "x_nm"),
        ({"height_px": 17}, "pixels"),
    ],
)
def test_a_wrong_image_is_refused_before_it_is_sent(
    endpoint: str, wrong: dict[str, object], what: str
) -> None:
    right = {"x_nm": 0, "y_nm": 0, "width_px": 16, "height_px": 16, "format": "Mono8"}
    with running(endpoint, {}) as daemon, ScannerLink(endpoint, "driver-1") as link:
        opened(link)
        with pytest.raises(Refusal) as caught:
            link.send_field(0, PIXELS, stride=16, **right | wrong)  # type: ignore[arg-type]
        assert caught.value.problem.key == what
        assert "field" not in daemon.model.seen


def test_an_image_is_given_once(endpoint: str) -> None:
    with running(endpoint, {}), ScannerLink(endpoint, "driver-1") as link:
        opened(link)
        send(link, 0)
        with pytest.raises(Refusal, match="Number the next capture 2"):
            send(link, 0)


def test_without_an_open_slide_there_is_nothing_to_send(endpoint: str) -> None:
    with running(endpoint, {}), ScannerLink(endpoint, "driver-1") as link:
        with pytest.raises(Refusal, match="Open one"):
            send(link, 0)
        opened(link)
        with pytest.raises(Refusal, match="Close or abort S-1 first"):
            opened(link, "S-2")


def test_a_cameras_buffer_may_be_used_again_at_once(endpoint: str) -> None:
    with running(endpoint, {}) as daemon, ScannerLink(endpoint, "driver-1") as link:
        daemon.commits = False
        opened(link)
        buffer = bytearray(PIXELS)
        link.send_field(
            0, buffer, x_nm=0, y_nm=0, width_px=16, height_px=16, format="Mono8", z_nm=5
        )
        buffer[:] = bytes(256)
        daemon.commits = True
        assert link.close_slide(20).answer.state is SlideStatus.CLOSED
        assert not link.refused


def test_numpys_integers_and_arrays_are_welcome(endpoint: str) -> None:
    np = pytest.importorskip("numpy")
    picture = np.zeros((16, 16, 3), np.uint8)
    picture.flags.writeable = False
    with running(endpoint, {}), ScannerLink(endpoint, "driver-1") as link:
        opened(link)
        link.send_field(
            np.int64(0),
            picture,
            x_nm=np.int32(5),
            y_nm=0,
            width_px=picture.shape[1],
            height_px=picture.shape[0],
            format="RGB8",
        )
        assert link.close_slide(20).answer.state is SlideStatus.CLOSED


def test_the_sdk_needs_pyzmq_and_pydantic_alone(tmp_path: Path) -> None:
    endpoint = f"ipc://{tmp_path}/d"
    disk: Disk = {}
    script = """
import sys
for absent in ("numpy", "cv2", "google_crc32c", "typer", "rich", "openvino", "onnx", "edge"):
    sys.modules[absent] = None
from drivers.scanner import Optics, PlanList, PlannedField, RectangleSpot, ScannerLink

plan = PlanList(
    spot=RectangleSpot(x_nm=0, y_nm=0, w_nm=9000, h_nm=9000), w_nm=4000, h_nm=4000, overlap_nm=500,
    fields=[PlannedField(field=0, x_nm=0, y_nm=0)],
)
with ScannerLink(sys.argv[1], "driver-1") as link:
    link.open_slide("S-1", "simulation", "cervical", "thinprep", Optics(pm_per_px=250000), plan)
    link.send_field(0, bytes(300 * 300), x_nm=0, y_nm=0, width_px=300, height_px=300,
                    format="BayerRG8")
    print(link.close_slide().answer.state.value)
"""
    with running(endpoint, disk):
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", script, endpoint],
            capture_output=True,
            text=True,
            timeout=60,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])},
        )
    assert done.stderr == ""
    assert done.stdout == "closed\n"
    assert set(disk["S-1"].committed) == {key(0)}
