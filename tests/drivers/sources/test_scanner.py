"""A source's slide, over a real socket."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from drivers.problem import Refusal
from drivers.scanner.link import ScannerLink
from drivers.scanner.lists import ImageKey
from drivers.scanner.messages import Request
from drivers.scanner.words import RequestKind, SlideStatus
from drivers.sources import scanner
from drivers.sources.camera import Camera
from drivers.sources.faults import Faults
from drivers.sources.scanner import AHEAD, Pace, Scan, made_ahead, scan_slide, start
from drivers.sources.simulated.render import Options, SimulatedSlide
from drivers.sources.source import Shot, SlideFacts
from tests.drivers.sources.sources_daemon import CommittingDaemon, running

OPTIONS = Options(seed=8, fields=6, camera=Camera(width_px=512, height_px=512), slide="six")
SLIDE = SimulatedSlide(OPTIONS)
FAST = Pace(fields_per_s=0)


def keys(*fields: int) -> list[ImageKey]:
    return [ImageKey(field=number, capture=1) for number in fields]


def scan(
    daemon: CommittingDaemon,
    faults: Faults | None = None,
    pace: Pace = FAST,
    on_progress: Callable[[Scan], None] = lambda scan: None,
    slide: SimulatedSlide = SLIDE,
) -> Scan:
    account = start(slide.facts)
    faults = faults or Faults()
    with ScannerLink(
        daemon.endpoint, "simulator", on_answer=account.hear, takes=faults.takes
    ) as link:
        scan_slide(link, slide, account, pace=pace, faults=faults, on_progress=on_progress)
    return account


def test_a_simulated_slide_is_streamed_whole_and_closed(tmp_path: Path) -> None:
    with running(tmp_path, lag=2) as daemon:
        done = scan(daemon)
    assert daemon.committed == {key: SLIDE.capture(key).pixels for key in keys(*range(6))}
    assert daemon.plan == SLIDE.facts.plan
    assert (done.state, done.verdict) == (SlideStatus.CLOSED, {"outcome": "category"})
    assert (done.sent, done.known_before, done.dispositions) == (6, 0, {"used": 6})
    assert done.last_field_to_verdict_s is not None
    assert daemon.most_unanswered <= 3


def test_no_message_holds_the_truth(tmp_path: Path) -> None:
    with running(tmp_path) as daemon:
        scan(daemon)
    said = b"".join(daemon.headers) + str(daemon.plan).encode()
    for word in (b"low", b"high", b"negative", b"diameter", b"seed"):
        assert word not in said.replace(b"high_", b"")
    for cell in SLIDE.truth():
        assert str(cell.x_nm).encode() not in said


def test_a_slide_with_planes_sends_each(tmp_path: Path) -> None:
    deep = SimulatedSlide(replace(OPTIONS, planes=2, fields=2))
    with running(tmp_path) as daemon:
        done = scan(daemon, slide=deep)
    assert {(key.field, key.plane) for key in daemon.committed} == {(0, 0), (0, 1), (1, 0), (1, 1)}
    assert done.planned == done.sent == 4


class Stopped(Exception):
    """The driver was killed."""


def test_a_scan_that_was_broken_off_is_finished_by_the_same_again(tmp_path: Path) -> None:
    def stop(so_far: Scan) -> None:
        if so_far.sent == 3:
            raise Stopped

    rendered: list[int] = []

    class Counting(SimulatedSlide):
        def capture(self, key: ImageKey) -> Shot:
            rendered.append(key.field)
            return super().capture(key)

    with running(tmp_path) as daemon:
        with pytest.raises(Stopped):
            scan(daemon, on_progress=stop)
        before = set(daemon.committed)
        done = scan(daemon, slide=Counting(OPTIONS))
        assert set(daemon.committed) == set(keys(*range(6)))
        assert done.known_before == len(before) >= 1
        assert sorted(rendered) == sorted({0, 1, 2, 3, 4, 5} - {key.field for key in before})
        after = scan(daemon)
    assert (after.sent, after.state) == (0, SlideStatus.CLOSED)
    assert daemon.opened[0].model_copy(update={"id": "x", "session": "x"}) == daemon.opened[
        -1
    ].model_copy(update={"id": "x", "session": "x"})


def test_missing_fields_are_never_spoken_of_and_skipped_ones_are_given_up(tmp_path: Path) -> None:
    with running(tmp_path) as daemon:
        done = scan(daemon, Faults(missing=frozenset({1, 4}), skipped=frozenset({2})))
    assert set(daemon.committed) == set(keys(0, 3, 5))
    assert daemon.skipped == [2]
    assert done.state is SlideStatus.CLOSED


def request(number: int, kind: RequestKind, field: int | None, plane: int | None = None) -> Request:
    return Request(
        id=f"r{number}", slide="six", kind=kind, field=field, plane=plane, why="out_of_focus",
        words="Do it", within_ms=9_000, worth=1,
    )  # fmt: skip


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanner, "PATIENCE_S", 0.3)


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize("manner", ["obey", "worse"])
def test_a_scanner_that_obeys_sends_what_it_is_asked_for(tmp_path: Path, manner: str) -> None:
    asks = {1: request(1, "refocus", 1), 5: request(2, "add_plane", 5, 1)}
    with running(tmp_path, asks=asks) as daemon:
        done = scan(daemon, Faults(requests=manner))
    more = {ImageKey(field=1, capture=2), ImageKey(field=5, capture=1, plane=1)}
    assert set(daemon.committed) == {*keys(*range(6)), *more}
    assert daemon.answers == [("r1", "done"), ("r2", "done")]
    assert done.requests == {"refocus": 1, "add_plane": 1}
    assert done.state is SlideStatus.CLOSED


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize(("manner", "said"), [("refuse", [("r1", "refused")]), ("ignore", [])])
def test_a_scanner_that_does_not_obey_sends_no_more(
    tmp_path: Path, manner: str, said: list[tuple[str, str]]
) -> None:
    with running(tmp_path, asks={1: request(1, "rescan", 1)}) as daemon:
        done = scan(daemon, Faults(requests=manner))
    assert set(daemon.committed) == set(keys(*range(6)))
    assert daemon.answers == said
    assert done.requests == {"rescan": 1}


@pytest.mark.usefixtures("_impatient")
def test_a_scanner_that_is_stopped_early_closes_with_what_it_has(tmp_path: Path) -> None:
    with running(tmp_path, asks={1: request(1, "stop_early", None)}) as daemon:
        done = scan(daemon, Faults(requests="obey"), Pace(fields_per_s=4))
    assert set(keys(0, 1)) <= set(daemon.committed) < set(keys(*range(6)))
    assert daemon.answers == [("r1", "done")]
    assert done.state is SlideStatus.CLOSED


def test_a_wrong_manifest_ends_the_slide_aborted(tmp_path: Path) -> None:
    with running(tmp_path) as daemon:
        done = scan(daemon, Faults(manifest_is_wrong=True))
    assert set(daemon.committed) == set(keys(0, 1, 2, 3, 4))
    assert (done.state, done.verdict) == (SlideStatus.ABORTED, {"outcome": "incomplete"})
    assert "1 images missing" in done.why
    assert done.to_do == [
        "Field 5: an image is in the driver's manifest and did not reach the daemon. "
        "Send it again, or close without it"
    ]


def test_what_is_refused_for_now_comes_again_and_what_is_refused_for_good_is_told(
    tmp_path: Path,
) -> None:
    with running(tmp_path, refuse_once={1}, refuse={4}) as daemon:
        done = scan(daemon)
    assert set(daemon.committed) == set(keys(0, 1, 2, 3, 5))
    assert done.dispositions == {"used": 5, "refused": 1}
    assert done.refusals == ["f4.c1.p0: field=4: is not wanted"]


def test_the_stage_takes_the_time_that_its_settling_takes() -> None:
    stage = Pace()
    assert stage.rest_s(is_same_field=False, exposure_us=2_000) == pytest.approx(0.182)
    assert stage.rest_s(is_same_field=True, exposure_us=2_000) == pytest.approx(0.022)
    assert Pace(fields_per_s=20).rest_s(is_same_field=True, exposure_us=9) == 0.05
    assert FAST.rest_s(is_same_field=False, exposure_us=2_000) == 0


def test_progress_is_told_at_the_opening_at_each_image_and_at_the_end(tmp_path: Path) -> None:
    moments: list[float] = []
    with running(tmp_path) as daemon:
        done = scan(
            daemon,
            pace=Pace(fields_per_s=50),
            on_progress=lambda so_far: moments.append(so_far.window_wait_s),
        )
    assert done.sent == 6
    assert len(moments) == 8


@pytest.mark.parametrize("rate", [-1.0, float("nan"), 1e9])
def test_an_impossible_pace_is_refused(rate: float) -> None:
    with pytest.raises(Refusal, match="fields_per_s"):
        Pace(fields_per_s=rate)


def test_images_made_ahead_come_in_order_and_are_few() -> None:
    made: list[int] = []

    class Watched:
        facts: SlideFacts = SLIDE.facts

        def capture(self, key: ImageKey) -> Shot:
            made.append(key.field)
            return Shot(0, 0, 0, 16, 16, OPTIONS.camera.format, 16, 0, str(key.field).encode())

    coming = made_ahead(Watched(), keys(*range(20)))
    first, shot = next(coming)
    assert (first.field, shot.pixels) == (0, b"0")
    assert len(made) <= AHEAD
    assert [key.field for key, _ in coming] == list(range(1, 20))


def test_a_source_that_fails_ends_the_scan_with_its_own_words(tmp_path: Path) -> None:
    class Failing(SimulatedSlide):
        def capture(self, key: ImageKey) -> Shot:
            if key.field == 3:
                return super().capture(key.model_copy(update={"field": 99}))
            return super().capture(key)

    with running(tmp_path) as daemon, pytest.raises(Refusal, match="field=99"):
        scan(daemon, slide=Failing(OPTIONS))
