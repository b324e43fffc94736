"""What a model means: ONNX Runtime with every optimisation off. Slow; for building and testing."""

from importlib.metadata import version
from typing import Any

from engines.card import MODEL, ModelCard
from engines.decode import ClassMap, PeakMap
from engines.detector import BadModel, EngineFault, Tile
from engines.maps import MapEngine


class ReferenceEngine(MapEngine):
    """The graph as it is written, operator by operator."""

    def __init__(self, card: ModelCard) -> None:
        """Load.

        Raises:
            BadModel: ONNX Runtime is not installed (extra `build`), or does not take the model.
        """
        super().__init__(card)
        self._session = _session(card)

    @property
    def identity(self) -> str:
        """Model, runtime and version, tile shape."""
        return (
            f"model {self.card.hashes.model[:12]}, onnxruntime {version('onnxruntime')} "
            f"unoptimised, tile 1x{self.card.tile_px[0]}x{self.card.tile_px[1]}"
        )

    def _run(self, tile: Tile) -> tuple[PeakMap, ClassMap]:
        try:
            peaks, classes = self._session.run(["peaks", "classes"], {"tile": tile[None]})
        except RuntimeError as error:
            raise EngineFault(
                "onnxruntime", self.card.name, f"inference failed: {error}", "Build the model again"
            ) from error
        return peaks, classes


def _session(card: ModelCard) -> Any:  # noqa: ANN401
    try:
        import onnxruntime
    except ImportError as error:
        raise BadModel("onnxruntime", "absent", str(error), "Install the extra `build`") from None
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    path = str(card.folder / MODEL)
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except (RuntimeError, ValueError) as error:
        raise BadModel(path, card.name, str(error), "Use the model's own file") from error
