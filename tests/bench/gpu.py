"""What the shipped networks cost on a GPU: `python tests/bench/gpu.py`, one JSON object.

In 8 bits and in half precision, in batches of one and of four fields (16 and 64 crops), launched as
a recorded graph and call by call; copies from and to the host are included. The median of many.
"""

import json
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import onnx
from onnxruntime.transformers.float16 import convert_float_to_float16

from engines.card import GRADER, LOCATOR, SHIPPED, load
from engines.int8.make import exact
from engines.tensorrt.cuda import Cuda, first_gpu
from engines.tensorrt.lane import Lane
from engines.tensorrt.library import tensorrt
from engines.tensorrt.plans import build
from engines.tensorrt.probe import probed

BATCHES = (1, 4)
CROPS = 300
"""Candidates of a dense field."""
ROUNDS = 200


def networks(work: Path) -> dict[str, dict[str, onnx.ModelProto]]:
    """By precision, then by file."""
    card = load(SHIPPED)
    in_float = exact(card, work)
    assert in_float is not None
    return {
        "int8": {file: onnx.load(SHIPPED / file) for file in (LOCATOR, GRADER)},
        "fp16": {
            file: convert_float_to_float16(onnx.load(in_float.folder / file), keep_io_types=True)
            for file in (LOCATOR, GRADER)
        },
    }


def times_as_large(model: onnx.ModelProto, factor: int) -> bytes:
    """The same network for so many times as large a batch."""
    larger = onnx.ModelProto.FromString(model.SerializeToString())
    for port in (*larger.graph.input, *larger.graph.output):
        port.type.tensor_type.shape.dim[0].dim_value *= factor
    del larger.graph.value_info[:]
    return bytes(larger.SerializeToString())


def timed_ms(trt: Any, cuda: Cuda, network: bytes, *, is_recorded: bool) -> float:
    """The median of a run's time, its copies included."""
    lane = Lane(trt, cuda, build(trt, network, b"")[0], "network")
    chance = np.random.default_rng(0)
    for host in lane.inputs.values():
        host[:] = chance.integers(0, 255, host.shape)
    took_s = []
    for _ in range(ROUNDS):
        began_s = time.perf_counter()
        if is_recorded:
            lane.run()
        else:
            lane.enqueue()
            cuda.wait()
        took_s.append(time.perf_counter() - began_s)
    return 1_000 * median(took_s[ROUNDS // 10 :])


def rows(trt: Any, cuda: Cuda, work: Path) -> list[dict[str, Any]]:
    """A row a way to run: milliseconds a field, and fields a second."""
    made = []
    for precision, files in networks(work).items():
        for batch in BATCHES:
            larger = {file: times_as_large(model, batch) for file, model in files.items()}
            for is_recorded in (True, False):
                ms = {
                    file: timed_ms(trt, cuda, network, is_recorded=is_recorded)
                    for file, network in larger.items()
                }
                locate_ms = ms[LOCATOR] / batch
                grade_ms = ms[GRADER] * CROPS / (16 * batch)
                made.append(
                    {
                        "precision": precision,
                        "fields": batch,
                        "is_recorded": is_recorded,
                        "locate_ms": round(locate_ms, 3),
                        f"grade_{CROPS}_crops_ms": round(grade_ms, 3),
                        "fields_per_s": round(1_000 / (locate_ms + grade_ms), 1),
                    }
                )
                sys.stderr.write(f"{made[-1]}\n")
    return made


if __name__ == "__main__":
    found = probed()
    if found.gpu is None:
        sys.exit(found.problem)
    library = tensorrt()
    with tempfile.TemporaryDirectory() as folder:
        said = {
            "gpu": found.gpu.name,
            "tensorrt": f"{library.__name__} {library.__version__}",
            "rows": rows(library, first_gpu(), Path(folder)),
        }
    sys.stdout.write(json.dumps(said, indent=1) + "\n")
