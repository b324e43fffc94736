"""Whether a GPU can serve, asked in a process of its own: a bad driver kills who asks it.

`python -m engines.tensorrt.probe` prints one JSON object.
"""

import ctypes
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from engines.detector import EngineFault
from engines.tensorrt.plans import Gpu

DRIVER = "libcuda.so.1"
WAIT_S = 60.0
LEAST_CUDA = 12_000
"""As drivers count: TensorRT 10.16 is built for CUDA 12 and 13."""
MAJOR, MINOR = 75, 76
"""CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR."""


@dataclass(frozen=True, slots=True)
class Probed:
    """A GPU that can serve; or why there is none."""

    gpu: Gpu | None
    problem: str


def probed(command: tuple[str, ...] = (sys.executable, "-m", "engines.tensorrt.probe")) -> Probed:
    """Ask a child process. Never raises for what the GPU, the driver or TensorRT do."""
    try:
        ctypes.CDLL(DRIVER)  # opening it is safe, and where there is none a child is no use
    except OSError as error:
        return Probed(None, f"there is no NVIDIA driver: {error}")
    return told_by(command)


def told_by(command: tuple[str, ...], wait_s: float = WAIT_S) -> Probed:
    """What a child process says, or what became of it."""
    try:
        done = subprocess.run(  # noqa: S603
            command, capture_output=True, timeout=wait_s, text=True, check=False
        )
    except subprocess.TimeoutExpired:
        return Probed(None, f"the GPU did not answer within {wait_s:g} s")
    try:
        said = json.loads(done.stdout.splitlines()[-1])
        return Probed(Gpu(**said["gpu"]) if said["gpu"] else None, said["problem"])
    except (ValueError, KeyError, IndexError, TypeError):
        last = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
        return Probed(None, f"asking for a GPU ended with code {done.returncode}: {last[0]}")


def asked(load: Callable[[str], Any] = ctypes.CDLL) -> Probed:
    """Ask in this process: the driver, then TensorRT, then CUDA for Python."""
    try:
        library = load(DRIVER)
    except OSError as error:
        return Probed(None, f"there is no NVIDIA driver: {error}")
    gpu, problem = _first_gpu(library)
    if gpu is None:
        return Probed(None, problem)
    try:
        from engines.tensorrt.cuda import first_gpu
        from engines.tensorrt.library import Said, tensorrt

        trt = tensorrt()
        cuda = first_gpu()
        if trt.Runtime(Said(trt).logger) is None:
            return Probed(None, f"{trt.__name__} {trt.__version__} does not start")
        cuda.close()
    except EngineFault as fault:
        return Probed(None, str(fault))
    return Probed(gpu, "")


def _first_gpu(library: Any) -> tuple[Gpu | None, str]:  # noqa: ANN401
    version, count, device = ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
    if library.cuDriverGetVersion(ctypes.byref(version)):
        return None, "the NVIDIA driver does not say its version"
    told = f"{version.value // 1000}.{version.value % 1000 // 10}"
    if version.value < LEAST_CUDA:
        least = f"{LEAST_CUDA // 1000}.0"
        return None, f"the NVIDIA driver knows CUDA {told}, and {least} is needed: update it"
    if code := library.cuInit(0):
        return None, f"the NVIDIA driver does not start: CUDA error {code}"
    if library.cuDeviceGetCount(ctypes.byref(count)) or not count.value:
        return None, "the NVIDIA driver sees no GPU"
    name = ctypes.create_string_buffer(256)
    major, minor = ctypes.c_int(), ctypes.c_int()
    if (
        library.cuDeviceGet(ctypes.byref(device), 0)
        or library.cuDeviceGetName(name, len(name), device)
        or library.cuDeviceGetAttribute(ctypes.byref(major), MAJOR, device)
        or library.cuDeviceGetAttribute(ctypes.byref(minor), MINOR, device)
    ):
        return None, "the first GPU does not answer"
    return Gpu(name.value.decode(errors="replace"), f"{major.value}.{minor.value}", told), ""


if __name__ == "__main__":
    answer = asked()
    sys.stdout.write(
        json.dumps({"gpu": asdict(answer.gpu) if answer.gpu else None, "problem": answer.problem})
        + "\n"
    )
