"""Runs a model on the first GPU with TensorRT."""

import hashlib
from pathlib import Path
from typing import Any

from engines.card import GRADER, LOCATOR, ModelCard, bytes_of
from engines.decode import CellMap, PeakMap
from engines.detector import BadModel, Crops, Located, Tile
from engines.network_engine import NetworkEngine, Numbers
from engines.tensorrt.cuda import Cuda, Host
from engines.tensorrt.lane import Lane
from engines.tensorrt.plans import Gpu, plan


class TensorRtEngine(NetworkEngine):
    """Two networks on one stream. The thread that makes it uses it."""

    def __init__(self, card: ModelCard, trt: Any, cuda: Cuda, gpu: Gpu, plans: Path) -> None:  # noqa: ANN401
        """Build the plans or find them, and load both.

        Raises:
            BadModel: A file was changed, or its inputs are not what the card says.
            EngineFault: TensorRT or CUDA refuses.
        """
        made = [
            plan(trt, _content(card, file, expected), gpu, plans)
            for file, expected in ((LOCATOR, card.hashes.locator), (GRADER, card.hashes.grader))
        ]
        self._cuda = cuda
        self._locator, self._grader = (
            Lane(trt, cuda, each.content, file)
            for each, file in zip(made, (LOCATOR, GRADER), strict=True)
        )
        side = card.crop_px
        self._whole = _input(self._locator, "tile", (1, *card.tile_px, 3), card)[0]
        crops = _input(self._grader, "crops", (card.batch, side, side, 3), card)
        located = _input(self._grader, "located", (card.batch, 4), card)
        super().__init__(card, self._whole, crops, located)
        self.notes = tuple(each.note for each in made if each.note)
        """Why plans were built, as far as they were."""
        self._identity = (
            f"locator {card.hashes.locator[:12]} plan {made[0].sha256[:12]}, "
            f"grader {card.hashes.grader[:12]} plan {made[1].sha256[:12]}, "
            f"{trt.__name__} {trt.__version__}, {cuda.name}, "
            f"{gpu.name} {gpu.capability} driver {gpu.driver}, "
            f"tile 1x{card.tile_px[0]}x{card.tile_px[1]}, crops {card.batch}x{card.crop_px}"
        )

    @property
    def identity(self) -> str:
        """Networks, plans, libraries, GPU, shapes."""
        return self._identity

    def close(self) -> None:
        """Give the GPU's memory back."""
        self._cuda.close()

    def _run_locator(self, tile: Tile) -> tuple[PeakMap, CellMap]:
        if tile is not self._whole:
            self._whole[:] = tile
        self._locator.run()
        return self._locator.outputs["peaks"], self._locator.outputs["cells"]

    def _run_grader(self, crops: Crops, located: Located) -> tuple[Numbers, Numbers]:
        del crops, located  # they are the lane's own inputs
        self._grader.run()
        return self._grader.outputs["classes"], self._grader.outputs["embedding"]


def _input(lane: Lane, name: str, shape: tuple[int, ...], card: ModelCard) -> Host:
    host = lane.inputs.get(name)
    if host is None or host.shape != shape:
        found = "absent" if host is None else str(host.shape)
        problem, remedy = f"the card says {shape}", "Use the model that the card was made for"
        raise BadModel(f"{card.folder}: input {name}", found, problem, remedy)
    return host


def _content(card: ModelCard, file: str, expected: str) -> bytes:
    """The very bytes that were hashed."""
    content = bytes_of(card.folder / file)
    if hashlib.sha256(content).hexdigest() != expected:
        raise BadModel(
            str(card.folder / file),
            card.name,
            "the file was changed since its card was read",
            "Install the model again",
        )
    return content
