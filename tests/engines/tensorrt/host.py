"""CUDA and TensorRT's runtime on the host, for what surrounds them: no GPU is at hand in tests.

A "plan" is an ONNX file, which ONNX Runtime runs. How a GPU computes, tests marked `gpu` show.
"""

from collections.abc import Callable
from enum import Enum
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime


class HostCuda:
    """Memory by made-up addresses; what is put on the stream is done at once."""

    name = "the host"
    stream = 7

    def __init__(self) -> None:
        self.memory: dict[int, npt.NDArray[np.uint8]] = {}
        self.launches = 0
        self.is_closed = False

    def pinned(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        return np.zeros(shape, dtype)

    def allocated(self, size: int) -> int:
        address = 4_096 * (1 + len(self.memory))
        self.memory[address] = np.zeros(size, np.uint8)
        return address

    def send(self, to: int, host: npt.NDArray[Any]) -> None:
        self.memory[to][:] = host.view(np.uint8).ravel()

    def fetch(self, host: npt.NDArray[Any], source: int) -> None:
        host.view(np.uint8).reshape(-1)[:] = self.memory[source]

    def wait(self) -> None:
        pass

    def recorded(self, work: Callable[[], None]) -> Callable[[], None]:
        def launch() -> None:
            self.launches += 1
            work()

        return launch

    def close(self) -> None:
        self.is_closed = True


class Mode(Enum):
    INPUT = 0
    OUTPUT = 1


class Context:
    def __init__(self, session: Any, cuda: HostCuda, trt: "HostTrt") -> None:
        self._session, self._cuda, self._trt = session, cuda, trt
        self._addresses: dict[str, int] = {}

    def set_tensor_address(self, name: str, address: int) -> bool:
        self._addresses[name] = address
        return "set_tensor_address" not in self._trt.broken

    def execute_async_v3(self, stream: int) -> bool:
        assert stream == self._cuda.stream
        inputs = {
            one.name: self._cuda.memory[self._addresses[one.name]]
            .view(DTYPES[one.type])
            .reshape(one.shape)
            for one in self._session.get_inputs()
        }
        names = [one.name for one in self._session.get_outputs()]
        for name, value in zip(names, self._session.run(names, inputs), strict=True):
            self._cuda.memory[self._addresses[name]][:] = value.view(np.uint8).ravel()
        return "execute_async_v3" not in self._trt.broken


DTYPES = {"tensor(uint8)": np.uint8, "tensor(float)": np.float32}


class Engine:
    def __init__(self, content: bytes, cuda: HostCuda, trt: "HostTrt") -> None:
        self._session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
        self._cuda, self._trt = cuda, trt
        self._ports = {
            one.name: (one, mode)
            for mode, ports in (
                (Mode.INPUT, self._session.get_inputs()),
                (Mode.OUTPUT, self._session.get_outputs()),
            )
            for one in ports
        }
        self.num_io_tensors = len(self._ports)

    def get_tensor_name(self, index: int) -> str:
        return str(list(self._ports)[index])

    def get_tensor_shape(self, name: str) -> list[int]:
        return (
            [0, *self._ports[name][0].shape]
            if "shape" in self._trt.broken
            else (self._ports[name][0].shape)
        )

    def get_tensor_dtype(self, name: str) -> str:
        return str(self._ports[name][0].type)

    def get_tensor_mode(self, name: str) -> Mode:
        return self._ports[name][1]

    def create_execution_context(self) -> Context | None:
        if "create_execution_context" in self._trt.broken:
            return None
        return Context(self._session, self._cuda, self._trt)


class HostTrt:
    """As much of the library as an engine calls; `broken` names the calls that fail."""

    __name__ = "host_trt"
    __version__ = "1.0"
    TensorIOMode = Mode

    class ILogger:
        Severity = SimpleNamespace(ERROR=1, INTERNAL_ERROR=0)

    def __init__(self, cuda: HostCuda, broken: str = "") -> None:
        self._cuda, self.broken = cuda, broken

    def nptype(self, kind: str) -> npt.DTypeLike:
        return DTYPES[kind]

    def Runtime(self, logger: Any) -> Any:  # noqa: N802
        def deserialize(plan: bytes) -> Engine | None:
            if "deserialize_cuda_engine" in self.broken:
                logger.log(1, "this plan is for another GPU")
                return None
            return Engine(plan, self._cuda, self)

        return SimpleNamespace(deserialize_cuda_engine=deserialize)
