"""One network on the GPU: its buffers, and all that a run does as one graph."""

from typing import Any

import numpy as np

from engines.detector import EngineFault
from engines.tensorrt.cuda import Cuda, Host
from engines.tensorrt.library import Said, uncollected


class Lane:
    """A plan's context with fixed addresses. Inputs are filled in place, then it runs."""

    @uncollected()
    def __init__(self, trt: Any, cuda: Cuda, plan: bytes, file: str) -> None:  # noqa: ANN401
        """Load the plan, take memory, record the graph.

        Raises:
            EngineFault: TensorRT or CUDA refuses.
        """
        self._cuda, self._file, self._said = cuda, file, Said(trt)
        self._runtime = trt.Runtime(self._said.logger)
        self._engine = self._runtime.deserialize_cuda_engine(plan)
        if self._engine is None:
            raise self._said.fault("deserialize_cuda_engine", file)
        self._context = self._engine.create_execution_context()
        if self._context is None:
            raise self._said.fault("create_execution_context", file)
        self.inputs: dict[str, Host] = {}
        """Pinned; what the next run sees."""
        self.outputs: dict[str, Host] = {}
        """Pinned; what the last run gave."""
        self._addresses: dict[str, int] = {}
        for index in range(self._engine.num_io_tensors):
            self._take(trt, self._engine.get_tensor_name(index))
        self.enqueue()  # outside a recording first: TensorRT sets itself up
        cuda.wait()
        self._launch = cuda.recorded(self.enqueue)

    def run(self) -> None:
        """From inputs to outputs.

        Raises:
            EngineFault: TensorRT or CUDA failed.
        """
        self._launch()
        self._cuda.wait()
        if self._said.errors:
            raise self._said.fault("run", self._file)

    def _take(self, trt: Any, name: str) -> None:  # noqa: ANN401
        shape = tuple(self._engine.get_tensor_shape(name))
        if any(side < 1 for side in shape):
            problem = "has no fixed shape"
            raise EngineFault(f"{self._file}: {name}", str(shape), problem, "Export it with one")
        host = self._cuda.pinned(shape, np.dtype(trt.nptype(self._engine.get_tensor_dtype(name))))
        address = self._cuda.allocated(host.nbytes)
        if not self._context.set_tensor_address(name, address):
            raise self._said.fault("set_tensor_address", name)
        is_input = self._engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT
        (self.inputs if is_input else self.outputs)[name] = host
        self._addresses[name] = address

    def enqueue(self) -> None:
        """Put one run on the stream, as its single calls; `run` launches the recording of them."""
        for name, host in self.inputs.items():
            self._cuda.send(self._addresses[name], host)
        if not self._context.execute_async_v3(self._cuda.stream):
            raise self._said.fault("execute_async_v3", self._file)
        for name, host in self.outputs.items():
            self._cuda.fetch(host, self._addresses[name])
