"""Runs a model on the CPU with OpenVINO: the default where there is no GPU."""

import hashlib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy.typing as npt
import onnx
from google.protobuf.message import DecodeError

from engines.card import GRADER, LOCATOR, ModelCard
from engines.decode import CellMap, PeakMap
from engines.detector import BadModel, Crops, EngineFault, Located, Tile
from engines.int8.layout import checked
from engines.int8.rewriting import is_quantised, unsigned
from engines.network_engine import NetworkEngine, Numbers

ISAS = ("avx2", "avx_vnni", "avx512f", "avx512_vnni", "amx_int8", "asimd", "sve")
"""Instruction sets by which OpenVINO chooses its kernels, as /proc/cpuinfo names them."""


class OpenVinoEngine(NetworkEngine):
    """Two compiled networks of one stream each, so that the same input gives the same numbers."""

    def __init__(self, card: ModelCard, threads: int = 1) -> None:
        """Load and compile.

        Raises:
            BadModel: OpenVINO is not installed, or does not take the model.
        """
        super().__init__(card)
        locator, grader = (
            _graph(card, file, expected)
            for file, expected in ((LOCATOR, card.hashes.locator), (GRADER, card.hashes.grader))
        )
        precision = "+".join(
            "int8" if is_quantised(model) else "float32" for model in (locator, grader)
        )
        self._locator = _request(card, LOCATOR, locator, threads)
        self._grader = _request(card, GRADER, grader, threads)
        self._identity = (
            f"locator {card.hashes.locator[:12]}, grader {card.hashes.grader[:12]}, "
            f"openvino {version('openvino')} cpu {precision}, "
            f"{'+'.join(_instruction_sets()) or 'generic'}, {threads} threads, "
            f"tile 1x{card.tile_px[0]}x{card.tile_px[1]}, crops {card.batch}x{card.crop_px}"
        )

    @property
    def identity(self) -> str:
        """Networks, runtime and version, precision, instruction sets, threads, shapes."""
        return self._identity

    def _run_locator(self, tile: Tile) -> tuple[PeakMap, CellMap]:
        return self._infer(self._locator, {"tile": tile[None]}, "peaks", "cells")

    def _run_grader(self, crops: Crops, located: Located) -> tuple[Numbers, Numbers]:
        inputs: dict[str, npt.NDArray[Any]] = {"crops": crops, "located": located}
        return self._infer(self._grader, inputs, "classes", "embedding")

    def _infer(
        self,
        request: Any,  # noqa: ANN401
        inputs: dict[str, npt.NDArray[Any]],
        first: str,
        second: str,
    ) -> tuple[Numbers, Numbers]:
        try:
            outputs = request.infer(inputs, share_inputs=True, share_outputs=True)
            return outputs[first], outputs[second]
        except (RuntimeError, KeyError) as error:
            raise EngineFault(
                "openvino",
                self.card.name,
                f"inference failed: {error}",
                "Restart the service; if it happens again, run `cytoedge engines check`",
            ) from error


def _graph(card: ModelCard, file: str, expected: str) -> onnx.ModelProto:
    """A network from the very bytes that were hashed. Raises BadModel."""
    content = (card.folder / file).read_bytes()
    if hashlib.sha256(content).hexdigest() != expected:
        raise _bad(card, file, "the file was changed since its card was read")
    try:
        model = onnx.load_from_string(content)
    except DecodeError as error:
        raise _bad(card, file, f"is no network: {error}") from None
    return checked(model, str(card.folder / file))


def _request(card: ModelCard, file: str, model: onnx.ModelProto, threads: int) -> Any:  # noqa: ANN401
    """A compiled network; one in 8 bits in the form that is exact on every CPU. Raises BadModel."""
    try:
        import openvino
    except ImportError as error:
        raise _bad(card, file, f"OpenVINO is not there: {error}") from None
    if is_quantised(model):
        model = unsigned(model).model
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": 1,
        "INFERENCE_NUM_THREADS": threads,
        "INFERENCE_PRECISION_HINT": "f32",
        "ENABLE_CPU_PINNING": False,
    }
    try:
        core = openvino.Core()
        content = model.SerializeToString(deterministic=True)
        compiled = core.compile_model(core.read_model(content, b""), "CPU", settings)
    except RuntimeError as error:
        raise _bad(card, file, f"OpenVINO refuses the model: {error}") from error
    return compiled.create_infer_request()


def _bad(card: ModelCard, file: str, problem: str) -> BadModel:
    return BadModel(
        str(card.folder / file), card.name, problem, "Install the extra `daemon` and a whole model"
    )


def _instruction_sets() -> list[str]:
    cpuinfo = Path("/proc/cpuinfo")
    words = set(cpuinfo.read_text().split()) if cpuinfo.exists() else set()
    return [name for name in ISAS if name in words]
