"""CUDA by pycuda, with graphs by the driver's own library: pycuda has none."""

import ctypes
from collections.abc import Callable
from typing import Any

import numpy.typing as npt

from engines.tensorrt.cuda import Host, fault

THIS_THREAD_ALONE = 1
"""CU_STREAM_CAPTURE_MODE_THREAD_LOCAL: other threads' calls do not break the recording."""


class ByPycuda:
    """The first GPU's primary context, which other packages in the process share."""

    def __init__(self) -> None:
        """Take the context.

        Raises:
            ImportError: pycuda, or the driver's library, is not there.
            EngineFault: The GPU does not answer.
        """
        self._driver_library = _driver_library()
        import pycuda
        from pycuda import driver

        self.name = f"pycuda {pycuda.VERSION_TEXT}"
        self._driver = driver
        self._held: list[Any] = []
        with _told(driver, "init"):
            driver.init()
            self._context = driver.Device(0).retain_primary_context()
            self._context.push()
            self._stream = driver.Stream()

    @property
    def stream(self) -> int:
        """The stream's handle."""
        return int(self._stream.handle)

    def pinned(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Host:
        """An array in memory that the GPU copies from and to by itself."""
        with _told(self._driver, "pagelocked_empty"):
            made: Host = self._driver.pagelocked_empty(shape, dtype)
        return made

    def allocated(self, size: int) -> int:
        """The address of so many bytes on the GPU."""
        with _told(self._driver, f"mem_alloc of {size} bytes"):
            self._held.append(self._driver.mem_alloc(size))
        return int(self._held[-1])

    def send(self, to: int, host: Host) -> None:
        """Copy to the GPU, in the stream's turn."""
        with _told(self._driver, "memcpy_htod_async"):
            self._driver.memcpy_htod_async(to, host, self._stream)

    def fetch(self, host: Host, source: int) -> None:
        """Copy from the GPU, in the stream's turn."""
        with _told(self._driver, "memcpy_dtoh_async"):
            self._driver.memcpy_dtoh_async(host, source, self._stream)

    def wait(self) -> None:
        """Until all is done that was put on the stream."""
        with _told(self._driver, "synchronize"):
            self._stream.synchronize()

    def recorded(self, work: Callable[[], None]) -> Callable[[], None]:
        """What `work` puts on the stream, as one graph."""
        stream = ctypes.c_void_p(self.stream)
        graph, ready = ctypes.c_void_p(), ctypes.c_void_p()
        self._call("cuStreamBeginCapture_v2", stream, THIS_THREAD_ALONE)
        try:
            work()
        finally:
            self._call("cuStreamEndCapture", stream, ctypes.byref(graph))
        self._call("cuGraphInstantiateWithFlags", ctypes.byref(ready), graph, ctypes.c_ulonglong(0))
        self._call("cuGraphDestroy", graph)
        return lambda: self._call("cuGraphLaunch", ready, stream)

    def close(self) -> None:
        """Give everything back."""
        self._held.clear()
        self._context.pop()
        self._context.detach()

    def _call(self, function: str, *arguments: Any) -> None:  # noqa: ANN401
        code = getattr(self._driver_library, function)(*arguments)
        if code:
            raise fault(function, f"CUDA error {code}")


class _told:  # noqa: N801
    """pycuda's errors as ours."""

    def __init__(self, driver: Any, call: str) -> None:  # noqa: ANN401
        self._error, self._call = driver.Error, call

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, self._error):
            raise fault(self._call, error) from error


def _driver_library() -> ctypes.CDLL:
    try:
        # For all: pycuda may have been linked without naming it.
        return ctypes.CDLL("libcuda.so.1", ctypes.RTLD_GLOBAL)
    except OSError as error:
        raise ImportError(str(error)) from None
