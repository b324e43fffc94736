"""The daemon under a service manager: ready when fields are taken, alive while nothing is stuck."""

import os
import re
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest

from drivers.scanner.link import ScannerLink
from drivers.sources.simulated.render import SimulatedSlide
from edge.daemon.service import FEEDS, Service, interval_s
from edge.daemon.tasks import Tasks
from edge.settings import Endpoints
from tests.edge.daemon.frozen import Manager, watched
from tests.edge.daemon.rig import slide
from tests.edge.daemon.test_no_silent_negative_end_to_end import _open, _send

WATCHDOG_S = 0.4
LIMIT_S = 1.0
ENGINE, OTHERS = "watchdog.engine_least_s", "watchdog.others_s"


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="ce") as name:
        yield Path(name)


@pytest.fixture(scope="module")
def source() -> SimulatedSlide:
    return slide(fields=6)


@pytest.mark.parametrize("is_abstract", [False, True])
def test_a_manager_is_told_over_its_socket(folder: Path, is_abstract: bool) -> None:
    manager = Manager(folder, is_abstract=is_abstract)
    service = Service({"NOTIFY_SOCKET": manager.name}, (), Endpoints())
    service.tend(1.0, is_taking=False, status="starts")
    service.tend(1.1, is_taking=True, status="takes")
    service.end()
    heard = [manager.hear(5) for _ in range(3)]
    assert heard == [
        "WATCHDOG=1\nSTATUS=starts",
        "WATCHDOG=1\nREADY=1\nSTATUS=takes",
        "STOPPING=1",
    ]
    manager.close()


def test_it_is_fed_up_to_a_threads_limit_and_not_beyond(folder: Path) -> None:
    tasks = Tasks[int]("the writer", 30.0)
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(f"{folder}/notify")
    manager.settimeout(0)
    environment = {"NOTIFY_SOCKET": f"{folder}/notify", "WATCHDOG_USEC": "4000000"}
    service = Service(environment, (tasks,), Endpoints())
    tasks.put(1)
    began_s = tasks._moved_s
    fed = []
    for tenth in range(400):
        service.tend(began_s + tenth / 10, is_taking=True, status="takes")
        with suppress(BlockingIOError):
            if b"WATCHDOG=1" in manager.recv(4096):
                fed.append(tenth / 10)
    assert all(later - earlier <= service.interval_s + 0.11 for earlier, later in pairwise(fed))
    assert 30 - service.interval_s <= fed[-1] <= 30
    tasks.get()
    tasks.take(0.001)
    service.tend(began_s + 41, is_taking=True, status="takes")
    assert b"WATCHDOG=1" in manager.recv(4096)
    manager.close()


def test_without_a_manager_nobody_is_told() -> None:
    service = Service({}, (), Endpoints())
    service.tend(1.0, is_taking=True, status="takes")
    service.end()


def test_a_manager_that_is_gone_ends_nothing(folder: Path) -> None:
    service = Service({"NOTIFY_SOCKET": f"{folder}/nobody"}, (), Endpoints())
    service.tend(1.0, is_taking=True, status="takes")


@pytest.mark.parametrize(
    ("environment", "expected_s"),
    [
        ({}, 1.0),
        ({"WATCHDOG_USEC": "10000000"}, 1.0),
        ({"WATCHDOG_USEC": "2000000"}, 2.0 / FEEDS),
        ({"WATCHDOG_USEC": "2000000", "WATCHDOG_PID": str(os.getpid())}, 2.0 / FEEDS),
        ({"WATCHDOG_USEC": "2000000", "WATCHDOG_PID": "1"}, 1.0),
        ({"WATCHDOG_USEC": "soon"}, 1.0),
        ({"WATCHDOG_USEC": "0"}, 1.0),
    ],
)
def test_the_watchdogs_interval(environment: dict[str, str], expected_s: float) -> None:
    assert interval_s(environment) == expected_s


def test_ready_is_said_only_when_fields_are_taken(folder: Path, source: SimulatedSlide) -> None:
    with watched(folder, WATCHDOG_S) as (rig, manager):
        said = manager.hear_until(lambda said: "READY=1" in said)
        assert rig.ask("status")["window"]["fields"] > 0
        assert "STATUS=takes fields" in said
        before = manager.heard[:-1]
        assert all("STATUS=takes fields" not in earlier for earlier in before)
        rig.scan(source)
        assert rig.end() == 0
        manager.hear_until(lambda said: "STOPPING=1" in said)
        assert sum("READY=1" in said for said in manager.heard) == 1


def test_a_daemon_that_has_nothing_to_do_is_alive(folder: Path) -> None:
    with watched(folder, WATCHDOG_S, **{ENGINE: LIMIT_S, OTHERS: LIMIT_S}) as (_, manager):
        manager.hear_until(lambda said: "READY=1" in said)
        turns = round(3 * LIMIT_S * FEEDS / WATCHDOG_S)
        assert all("WATCHDOG=1" in manager.hear(5) for _ in range(turns))


@pytest.mark.parametrize(
    ("thread", "named", "limit"),
    [
        ("engine", "the engine", ENGINE),
        ("writer", "the writer", OTHERS),
        ("look-0", "a look thread", OTHERS),
    ],
)
def test_a_frozen_thread_with_work_is_not_called_alive(
    folder: Path, source: SimulatedSlide, thread: str, named: str, limit: str
) -> None:
    with watched(folder, WATCHDOG_S, quality_threads=1, **{limit: LIMIT_S}) as (rig, manager):
        manager.hear_until(lambda said: "READY=1" in said)
        with ScannerLink(rig.drivers, "sim") as link:
            _open(link, source)
            rig.freeze(thread)
            _send(link, source, 0)
            stuck = manager.hear_until(lambda said: f"STATUS=stuck: {named}" in said)
            assert "WATCHDOG=1" not in stuck
            age_s = float(re.search(rf"{named} has had work for ([\d.]+) s", stuck)[1])  # type: ignore[index]
            assert age_s >= LIMIT_S
            assert manager.hear(3 * WATCHDOG_S) == ""
            rig.kill()
    assert f"stuck: {named}" in (folder / "daemon.log").read_text()


def test_a_frozen_sockets_thread_is_not_called_alive(folder: Path) -> None:
    with watched(folder, WATCHDOG_S) as (rig, manager):
        manager.hear_until(lambda said: "READY=1" in said)
        rig.freeze("MainThread")
        while manager.hear(3 * WATCHDOG_S):
            pass
        assert rig.is_alive


def _deleted(file: Path) -> None:
    file.unlink()


def _stolen(file: Path) -> None:
    file.unlink()
    file.touch()


@pytest.mark.parametrize("lose", [_deleted, _stolen])
def test_a_socket_that_nobody_can_find_is_a_stuck_daemon(
    folder: Path, lose: Callable[[Path], None]
) -> None:
    file = folder / "drivers.socket"
    file.touch()
    service = Service({}, (), Endpoints(drivers=f"ipc://{file}"))
    assert service.stuck(0.0) == ""
    lose(file)
    assert "drivers.socket is not this daemon's socket any more" in service.stuck(0.0)


def test_a_daemon_whose_socket_was_deleted_is_not_called_alive(folder: Path) -> None:
    with watched(folder, WATCHDOG_S) as (_, manager):
        manager.hear_until(lambda said: "READY=1" in said)
        _deleted(folder / "drivers.socket")
        manager.hear_until(lambda said: "STATUS=stuck" in said)
        assert manager.hear(3 * WATCHDOG_S) == ""
