"""What TensorRT needs of CUDA: nine calls, which more than one package can give."""

from collections.abc import Callable
from typing import Any, Protocol

import numpy.typing as npt

from engines.detector import EngineFault

Host = npt.NDArray[Any]


class Cuda(Protocol):
    """One stream of one GPU. All calls come from the thread that made it."""

    name: str
    """Package and version, as `pycuda 2026.1`."""

    @property
    def stream(self) -> int:
        """The stream's handle."""
        ...

    def pinned(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Host:
        """An array in memory that the GPU copies from and to by itself."""
        ...

    def allocated(self, size: int) -> int:
        """The address of so many bytes on the GPU."""
        ...

    def send(self, to: int, host: Host) -> None:
        """Copy to the GPU, in the stream's turn; `host` is pinned."""
        ...

    def fetch(self, host: Host, source: int) -> None:
        """Copy from the GPU, in the stream's turn; `host` is pinned."""
        ...

    def wait(self) -> None:
        """Until all is done that was put on the stream."""
        ...

    def recorded(self, work: Callable[[], None]) -> Callable[[], None]:
        """What `work` puts on the stream, as one graph that is launched as a whole."""
        ...

    def close(self) -> None:
        """Give everything back."""
        ...


def fault(call: str, problem: object) -> EngineFault:
    """A CUDA call that failed."""
    return EngineFault(
        "cuda", call, f"failed: {problem}", "Run `cytoedge doctor`; see the kernel's log (dmesg)"
    )


def first_gpu() -> Cuda:
    """The first GPU, by pycuda or else by cuda-bindings.

    Raises:
        EngineFault: Neither package is there, or the GPU does not answer.
    """
    from engines.tensorrt.by_cuda_bindings import ByCudaBindings
    from engines.tensorrt.by_pycuda import ByPycuda

    missing = []
    for provider in (ByPycuda, ByCudaBindings):
        try:
            return provider()
        except ImportError as error:
            missing.append(str(error))
    raise EngineFault(
        "cuda",
        "; ".join(missing),
        "neither pycuda nor cuda-bindings can be used",
        "Install one of them: `pip install cuda-bindings`",
    )
