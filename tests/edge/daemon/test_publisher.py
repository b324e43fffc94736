"""What is told of an engine that scanners wait for."""

from collections.abc import Iterator

import pytest
import zmq

from edge.daemon.publisher import SLOW, SLOW_AFTER_S, Publisher
from tests.edge.intake.bench_desk import BenchDesk

WINDOW = 4


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with zmq.Context() as context, context.socket(zmq.XPUB) as socket:
        yield Publisher(socket, "boot")


@pytest.fixture
def desk() -> BenchDesk:
    return BenchDesk(window=WINDOW)


def send(desk: BenchDesk, images: int) -> None:
    """Send so many, and let none be judged."""
    session = desk.hello("p")
    desk.open("p", session, fields=WINDOW)
    desk.work()
    for field in range(images):
        assert desk.field("p", session, field) is None


def pass_time(publisher: Publisher, desk: BenchDesk, seconds: float) -> None:
    for _ in range(round(4 * seconds)):
        publisher.count_waiting(desk.desk, 0.25)


def test_a_window_that_stays_full_means_that_the_engine_is_slower(
    publisher: Publisher, desk: BenchDesk
) -> None:
    send(desk, WINDOW)
    pass_time(publisher, desk, 3 * SLOW_AFTER_S)
    progress = publisher.progress(desk.desk.books["s"])
    assert progress["engine_is_slow"]
    assert progress["waited_ms"] == 3_000 * SLOW_AFTER_S
    assert [alert["id"] for alert in publisher.alerts.bodies()] == [SLOW]


@pytest.mark.parametrize("images", [0, WINDOW - 1])
def test_a_window_with_room_does_not(publisher: Publisher, desk: BenchDesk, images: int) -> None:
    send(desk, images)
    pass_time(publisher, desk, 3 * SLOW_AFTER_S)
    assert not publisher.progress(desk.desk.books["s"])["engine_is_slow"]
    assert publisher.alerts.bodies() == []


def test_a_burst_does_not(publisher: Publisher, desk: BenchDesk) -> None:
    send(desk, WINDOW)
    pass_time(publisher, desk, SLOW_AFTER_S / 4)
    assert not publisher.engine_is_slow


def test_the_alert_ends_with_the_wait(publisher: Publisher, desk: BenchDesk) -> None:
    send(desk, WINDOW)
    pass_time(publisher, desk, 3 * SLOW_AFTER_S)
    desk.work()
    pass_time(publisher, desk, 3 * SLOW_AFTER_S)
    assert not publisher.engine_is_slow
    assert publisher.alerts.bodies() == []


def test_where_no_slide_is_open_nobody_waits(publisher: Publisher, desk: BenchDesk) -> None:
    desk.desk.in_hand = WINDOW
    pass_time(publisher, desk, 3 * SLOW_AFTER_S)
    assert not publisher.engine_is_slow
