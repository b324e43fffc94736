"""What a model means: ONNX Runtime with every optimisation off. Slow; for building and testing."""

from importlib.metadata import version
from typing import Any

from engines.card import GRADER, LOCATOR, ModelCard
from engines.decode import CellMap, PeakMap
from engines.detector import BadModel, Crops, EngineFault, Located, Tile
from engines.network_engine import NetworkEngine, Numbers


class ReferenceEngine(NetworkEngine):
    """Both graphs as they are written, operator by operator."""

    def __init__(self, card: ModelCard) -> None:
        """Load.

        Raises:
            BadModel: ONNX Runtime is not installed (extra `build`), or does not take the model.
        """
        super().__init__(card)
        self._locator, self._grader = (_session(card, file) for file in (LOCATOR, GRADER))

    @property
    def identity(self) -> str:
        """Networks, runtime and version, shapes."""
        card = self.card
        return (
            f"locator {card.hashes.locator[:12]}, grader {card.hashes.grader[:12]}, "
            f"onnxruntime {version('onnxruntime')} unoptimised, "
            f"tile 1x{card.tile_px[0]}x{card.tile_px[1]}, crops {card.batch}x{card.crop_px}"
        )

    def _run_locator(self, tile: Tile) -> tuple[PeakMap, CellMap]:
        peaks, cells = self._run(self._locator, ["peaks", "cells"], {"tile": tile[None]})
        return peaks, cells

    def _run_grader(self, crops: Crops, located: Located) -> tuple[Numbers, Numbers]:
        inputs = {"crops": crops, "located": located}
        classes, embeddings = self._run(self._grader, ["classes", "embedding"], inputs)
        return classes, embeddings

    def _run(self, session: Any, outputs: list[str], inputs: dict[str, Any]) -> Any:  # noqa: ANN401
        try:
            return session.run(outputs, inputs)
        except (RuntimeError, ValueError) as error:
            raise EngineFault(
                "onnxruntime", self.card.name, f"inference failed: {error}", "Build the model again"
            ) from error


def _session(card: ModelCard, file: str) -> Any:  # noqa: ANN401
    try:
        import onnxruntime
    except ImportError as error:
        raise BadModel("onnxruntime", "absent", str(error), "Install the extra `build`") from None
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    path = str(card.folder / file)
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except (RuntimeError, ValueError) as error:
        raise BadModel(path, card.name, str(error), "Use the model's own file") from error
