"""A thread's tasks, and for how long it has had work without getting on."""

import queue
import threading
import time
from typing import Generic, TypeVar

T = TypeVar("T")


class Tasks(Generic[T]):
    """A queue that knows whether those who read it get on.

    Work is what waits in the queue and what a reader has in hand; a reader that waits for work has
    none, however long. Other threads ask `age_s`.
    """

    def __init__(self, name: str, limit_s: float, most: int = 0) -> None:
        """An empty one.

        Args:
            name: Whose tasks they are, for people.
            limit_s: After so long without a step, whoever reads it is stuck.
            most: Tasks that may wait; 0 for any number.
        """
        self.name, self.limit_s = name, limit_s
        self._queue: queue.Queue[T] = queue.Queue(most)
        self._in_hand: dict[int, float] = {}
        self._moved_s = time.monotonic()

    def put(self, task: T) -> None:
        """Hand a task over, from any thread.

        Raises:
            queue.Full: There are too many.
        """
        if self._queue.empty():
            self._moved_s = time.monotonic()
        self._queue.put_nowait(task)

    def get(self) -> T:
        """The next task, once there is one; what this thread took before is done."""
        return self.take()[0]

    def take(self, timeout_s: float | None = None, most: int = 1) -> list[T]:
        """All that is ready, at most so many, once something is; nothing after the timeout.

        What this thread took before is done.
        """
        self._in_hand.pop(threading.get_ident(), None)
        taken: list[T] = []
        try:
            taken.append(self._queue.get(timeout=timeout_s))
            while len(taken) < most:
                taken.append(self._queue.get_nowait())
        except queue.Empty:
            pass
        if taken:
            self.goes_on()
        return taken

    def goes_on(self) -> None:
        """This thread begins a task, or the next step of a long one."""
        self._moved_s = self._in_hand[threading.get_ident()] = time.monotonic()

    def age_s(self, now_s: float) -> float:
        """For how long there has been work without a step; 0 where there is none."""
        since = list(self._in_hand.values())
        if not self._queue.empty():
            since.append(self._moved_s)
        return max(0.0, now_s - min(since, default=now_s))
