"""Runs a model on the CPU with OpenVINO: the default where there is no GPU."""

import hashlib
from importlib.metadata import version
from pathlib import Path
from typing import Any

from engines.card import MODEL, ModelCard
from engines.decode import ClassMap, PeakMap
from engines.detector import BadModel, EngineFault, Tile
from engines.maps import MapEngine

ISAS = ("avx2", "avx_vnni", "avx512f", "avx512_vnni", "amx_int8", "asimd", "sve")
"""Instruction sets by which OpenVINO chooses its kernels, as /proc/cpuinfo names them."""


class OpenVinoEngine(MapEngine):
    """One compiled network with one stream, so that a tile gives the same numbers every time."""

    def __init__(self, card: ModelCard, threads: int = 1) -> None:
        """Load and compile.

        Raises:
            BadModel: OpenVINO is not installed, or does not take the model.
        """
        super().__init__(card)
        content = (card.folder / MODEL).read_bytes()
        if hashlib.sha256(content).hexdigest() != card.hashes.model:
            raise _bad(card, "the file was changed since its card was read")
        self._request = _compiled(content, card, threads).create_infer_request()
        self._identity = (
            f"model {card.hashes.model[:12]}, openvino {version('openvino')} cpu f32, "
            f"{'+'.join(_instruction_sets()) or 'generic'}, {threads} threads, "
            f"tile 1x{card.tile_px[0]}x{card.tile_px[1]}"
        )

    @property
    def identity(self) -> str:
        """Model, runtime and version, precision, instruction sets, threads, tile shape."""
        return self._identity

    def _run(self, tile: Tile) -> tuple[PeakMap, ClassMap]:
        try:
            outputs = self._request.infer([tile[None]], share_inputs=True, share_outputs=True)
            return outputs["peaks"], outputs["classes"]
        except (RuntimeError, KeyError) as error:
            raise EngineFault(
                "openvino",
                self.card.name,
                f"inference failed: {error}",
                "Restart the service; if it happens again, run `cytoedge engines check`",
            ) from error


def _compiled(content: bytes, card: ModelCard, threads: int) -> Any:  # noqa: ANN401
    try:
        import openvino
    except ImportError as error:
        raise _bad(card, f"OpenVINO is not there: {error}") from None
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": 1,
        "INFERENCE_NUM_THREADS": threads,
        "INFERENCE_PRECISION_HINT": "f32",
        "ENABLE_CPU_PINNING": False,
    }
    try:
        core = openvino.Core()
        return core.compile_model(core.read_model(content, b""), "CPU", settings)
    except RuntimeError as error:
        raise _bad(card, f"OpenVINO refuses the model: {error}") from error


def _bad(card: ModelCard, problem: str) -> BadModel:
    return BadModel(
        str(card.folder / MODEL), card.name, problem, "Install the extra `daemon` and a whole model"
    )


def _instruction_sets() -> list[str]:
    cpuinfo = Path("/proc/cpuinfo")
    words = set(cpuinfo.read_text().split()) if cpuinfo.exists() else set()
    return [name for name in ISAS if name in words]
