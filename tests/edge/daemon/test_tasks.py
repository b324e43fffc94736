import queue
import threading
import time

import pytest

from edge.daemon.tasks import Tasks


def test_who_waits_for_work_is_never_old() -> None:
    tasks: Tasks[int] = Tasks("reader", 1.0)
    assert tasks.age_s(time.monotonic() + 1_000) == 0
    tasks.put(1)
    assert tasks.get() == 1
    assert tasks.take(0.001) == []
    assert tasks.age_s(time.monotonic() + 1_000) == 0


def test_work_that_nobody_takes_grows_old_from_when_it_came() -> None:
    tasks: Tasks[int] = Tasks("reader", 1.0)
    tasks._moved_s -= 500  # it waited for long
    before_s = time.monotonic()
    tasks.put(1)
    tasks.put(2)
    assert 7 <= tasks.age_s(before_s + 8) <= 8


def test_a_step_makes_a_long_task_young_again() -> None:
    tasks: Tasks[int] = Tasks("reader", 1.0)
    for n in range(3):
        tasks.put(n)
    assert tasks.take(None, most=2) == [0, 1]
    tasks._moved_s -= 60
    tasks._in_hand[threading.get_ident()] -= 60
    assert tasks.age_s(time.monotonic()) >= 60
    tasks.goes_on()
    assert tasks.age_s(time.monotonic()) < 60


def test_one_of_several_readers_that_is_stuck_is_seen_while_the_others_get_on() -> None:
    tasks: Tasks[int] = Tasks("readers", 1.0)
    tasks.put(1)
    stuck = threading.Thread(target=tasks.get)  # takes one, and never comes back for another
    stuck.start()
    stuck.join()
    for n in range(5):
        tasks.put(n)
        tasks.get()
    assert tasks.age_s(time.monotonic() + 10) >= 10


def test_a_full_queue_refuses() -> None:
    tasks: Tasks[int] = Tasks("reader", 1.0, most=1)
    tasks.put(1)
    with pytest.raises(queue.Full):
        tasks.put(2)
