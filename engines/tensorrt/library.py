"""Which TensorRT is there, and what it says when something is wrong."""

import gc
import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from engines.detector import EngineFault

NAMES = ("tensorrt", "tensorrt_rtx", "tensorrt_rtx_bindings")
"""TensorRT 10 and 11; TensorRT-RTX with and without its front end. All have the same calls."""


def tensorrt() -> Any:  # noqa: ANN401
    """The first of them that can be imported.

    Raises:
        EngineFault: None can.
    """
    missing = []
    for name in NAMES:
        try:
            return importlib.import_module(name)
        except ImportError as error:  # a library that it needs may be what is absent
            missing.append(f"{name}: {error}")
    raise EngineFault(
        "tensorrt", "absent", "; ".join(missing), "Install JetPack's TensorRT or the extra `gpu`"
    )


@contextmanager
def uncollected() -> Iterator[None]:
    """No garbage is collected within, as a block or as a decorator.

    TensorRT calls our logger while it holds a lock that the end of its objects takes, too: were one
    of them garbage, collected just then, the process would stand still.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


_ALIVE: list["Said"] = []
"""TensorRT calls a logger as long as anything lives that was made with it, and does not hold it."""


class Said:
    """What one piece of work made TensorRT say: its errors, in order.

    By a logger, not by an `IErrorRecorder`: of one written in Python TensorRT-RTX 1.7 frees the
    memory that Python frees again.
    """

    def __init__(self, trt: Any) -> None:  # noqa: ANN401
        self.errors: list[str] = []
        self.logger = _logger(trt, self.errors)
        _ALIVE.append(self)

    def fault(self, call: str, value: str) -> EngineFault:
        """That a call failed, with the last thing that was said."""
        last = self.errors[-1] if self.errors else "it said nothing"
        remedy = "Run `cytoedge doctor`; the CPU can serve: engine = 'openvino'"
        return EngineFault(f"tensorrt {call}", value, f"failed: {last}", remedy)


def _logger(trt: Any, errors: list[str]) -> Any:  # noqa: ANN401
    class Logger(trt.ILogger):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.ILogger.__init__(self)

        def log(self, severity: Any, message: str) -> None:  # noqa: ANN401
            if severity in (trt.ILogger.Severity.ERROR, trt.ILogger.Severity.INTERNAL_ERROR):
                errors.append(message)

    return Logger()
