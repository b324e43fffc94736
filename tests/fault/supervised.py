"""What the service manager does: a daemon that ended is started again."""

import threading
from types import TracebackType

from tests.edge.daemon.rig import Rig


class Supervised:
    """Keeps a rig's daemon running while the context lasts.

    `environments` are those of the next daemons, in turn; after them, `rest` is every one's.
    """

    def __init__(self, rig: Rig, environments: list[dict[str, str]], rest: dict[str, str]) -> None:
        self._rig, self._environments, self._rest = rig, environments, rest
        self._is_over = False
        self.exits: list[int] = []
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Supervised":
        self._start()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._is_over = True
        self._rig.kill()
        self._thread.join()

    def _start(self) -> None:
        turns = self._environments
        self._rig.environment = turns.pop(0) if turns else self._rest
        self._rig.start()

    def _run(self) -> None:
        while True:
            assert self._rig.process is not None
            status = self._rig.process.wait()
            if self._is_over:
                return
            self.exits.append(status)
            self._start()
