"""CUDA by NVIDIA's own package, which needs no compiler."""

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from engines.tensorrt.cuda import Host, fault


class ByCudaBindings:
    """The first GPU's primary context, which other packages in the process share."""

    def __init__(self) -> None:
        """Take the context.

        Raises:
            ImportError: cuda-bindings is not there.
            EngineFault: The GPU does not answer.
        """
        import cuda.bindings
        from cuda.bindings import driver

        self.name = f"cuda-bindings {cuda.bindings.__version__}"
        self._driver = driver
        self._memory: list[int] = []
        self._pinned: list[int] = []
        self._graphs: list[Any] = []
        self._call("cuInit", 0)
        self._device = self._call("cuDeviceGet", 0)
        self._call("cuCtxSetCurrent", self._call("cuDevicePrimaryCtxRetain", self._device))
        self._stream = self._call(
            "cuStreamCreate", int(driver.CUstream_flags.CU_STREAM_NON_BLOCKING)
        )

    @property
    def stream(self) -> int:
        """The stream's handle."""
        return int(self._stream)

    def pinned(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Host:
        """An array in memory that the GPU copies from and to by itself."""
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        address = int(self._call("cuMemHostAlloc", size, 0))
        self._pinned.append(address)
        memory = memoryview((ctypes.c_byte * size).from_address(address)).cast("B")
        made: Host = np.frombuffer(memory, np.dtype(dtype)).reshape(shape)
        return made

    def allocated(self, size: int) -> int:
        """The address of so many bytes on the GPU."""
        self._memory.append(int(self._call("cuMemAlloc", size)))
        return self._memory[-1]

    def send(self, to: int, host: Host) -> None:
        """Copy to the GPU, in the stream's turn."""
        self._call("cuMemcpyHtoDAsync", to, host.ctypes.data, host.nbytes, self._stream)

    def fetch(self, host: Host, source: int) -> None:
        """Copy from the GPU, in the stream's turn."""
        self._call("cuMemcpyDtoHAsync", host.ctypes.data, source, host.nbytes, self._stream)

    def wait(self) -> None:
        """Until all is done that was put on the stream."""
        self._call("cuStreamSynchronize", self._stream)

    def recorded(self, work: Callable[[], None]) -> Callable[[], None]:
        """What `work` puts on the stream, as one graph."""
        mode = self._driver.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL
        self._call("cuStreamBeginCapture", self._stream, mode)
        try:
            work()
        finally:
            graph = self._call("cuStreamEndCapture", self._stream)
        ready = self._call("cuGraphInstantiate", graph, 0)
        self._call("cuGraphDestroy", graph)
        self._graphs.append(ready)
        return lambda: self._call("cuGraphLaunch", ready, self._stream)

    def close(self) -> None:
        """Give everything back."""
        for ready in self._graphs:
            self._call("cuGraphExecDestroy", ready)
        for address in self._memory:
            self._call("cuMemFree", address)
        for address in self._pinned:
            self._call("cuMemFreeHost", address)
        self._call("cuStreamDestroy", self._stream)
        self._call("cuDevicePrimaryCtxRelease", self._device)

    def _call(self, function: str, *arguments: Any) -> Any:  # noqa: ANN401
        code, *found = getattr(self._driver, function)(*arguments)
        if int(code):
            raise fault(function, code)
        return found[0] if found else None
