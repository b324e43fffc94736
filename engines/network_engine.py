"""What all engines share: pictures and crops are padded, what the networks give is checked."""

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from engines.card import ModelCard
from engines.decode import CellMap, PeakMap, decode
from engines.detector import EMBEDDING, Candidates, Crops, EngineFault, Grades, Located, Tile

Numbers = npt.NDArray[np.float32]
TIERS = 3
CELL_NUMBERS = 2 + TIERS
"""Of every cell of the map: two offsets, then the tiers."""


class NetworkEngine(ABC):
    """An engine for a locator, which sees a tile, and a grader, which sees a batch of crops."""

    def __init__(
        self,
        card: ModelCard,
        tile: Tile | None = None,
        crops: Crops | None = None,
        located: Located | None = None,
    ) -> None:
        """Keep the card, and the memory that pictures are put into.

        Args:
            card: The card.
            tile: uint8, (H, W, 3), if the engine reads from memory of its own.
            crops: uint8, (batch, crop_px, crop_px, 3), likewise.
            located: float32, (batch, 4), likewise.
        """
        side = card.crop_px
        self.card = card
        self._tile = np.empty((*card.tile_px, 3), np.uint8) if tile is None else tile
        self._tile[:] = 255
        self._filled = (0, 0)
        self._crops = np.empty((card.batch, side, side, 3), np.uint8) if crops is None else crops
        self._located = (
            np.empty((card.batch, 1 + TIERS), np.float32) if located is None else located
        )

    @property
    @abstractmethod
    def identity(self) -> str:
        """Whatever could change a number."""

    @abstractmethod
    def _run_locator(self, tile: Tile) -> tuple[PeakMap, CellMap]:
        """The locator's outputs; valid until the next call. Raises EngineFault."""

    @abstractmethod
    def _run_grader(self, crops: Crops, located: Located) -> tuple[Numbers, Numbers]:
        """A whole batch's classes and embeddings; valid until the next call. Raises EngineFault."""

    def locate(self, tile: Tile) -> Candidates:
        """Where cells may be in a picture of at most a tile's size; nowhere beside it.

        Raises:
            EngineFault: The picture does not fit, or the engine failed.
        """
        peaks, cells = self.maps(tile)
        stride = self.card.tile_px[0] // peaks.shape[2]
        height, width = (-(-side // stride) for side in tile.shape[:2])
        shown = np.zeros_like(peaks)
        shown[:, :, :height, :width] = peaks[:, :, :height, :width]
        seen = decode(shown, cells, stride, self.card.min_candidate / 10_000)
        # A cell at the edge may have its middle beyond it; it is no less a cell of this picture.
        last = np.array(tile.shape[1::-1], np.float32) - 0.5
        return replace(seen, centres_px=np.clip(seen.centres_px, np.float32(0.5), last))

    def maps(self, tile: Tile) -> tuple[PeakMap, CellMap]:
        """What `locate` decodes; valid until the next call.

        Raises:
            EngineFault: The picture does not fit, or the engine failed.
        """
        most = (*self.card.tile_px, 3)
        is_picture = tile.ndim == 3 and tile.shape[2] == 3 and tile.dtype == np.uint8
        if not is_picture or any(
            side > limit for side, limit in zip(tile.shape, most, strict=True)
        ):
            raise _does_not_fit("tile", tile, f"uint8 of at most {most}")
        peaks, cells = self._run_locator(self._padded(tile))
        height, width = peaks.shape[2:] if peaks.ndim == 4 else (0, 0)
        stride = self.card.tile_px[0] // max(height, 1)
        is_map = (height * stride, width * stride) == self.card.tile_px
        shapes = (1, 1, height, width), (1, CELL_NUMBERS, height, width)
        if not is_map or (peaks.shape, cells.shape) != shapes:
            raise _unlike_card(f"{peaks.shape} and {cells.shape}")
        return peaks, cells

    def grade(self, crops: Crops, located: Located) -> Grades:
        """What n crops show, a batch at a time.

        Raises:
            EngineFault: The crops do not fit, or the engine failed.
        """
        side = self.card.crop_px
        if crops.shape[1:] != (side, side, 3) or crops.dtype != np.uint8:
            raise _does_not_fit("crops", crops, f"uint8 (n, {side}, {side}, 3)")
        if located.shape != (len(crops), 1 + TIERS) or located.dtype != np.float32:
            raise _does_not_fit("located", located, f"float32 ({len(crops)}, {1 + TIERS})")
        classes = np.empty((len(crops), len(self.card.classes)), np.float32)
        embeddings = np.empty((len(crops), EMBEDDING), np.float32)
        for first in range(0, len(crops), self.card.batch):
            batch = slice(first, first + self.card.batch)
            classes[batch], embeddings[batch] = self._batch(crops[batch], located[batch])
        return Grades(classes, embeddings)

    def _batch(self, crops: Crops, located: Located) -> tuple[Numbers, Numbers]:
        """Of at most a batch; what is left of it is white."""
        count, batch = len(crops), self.card.batch
        self._crops[:count], self._crops[count:] = crops, 255
        self._located[:count], self._located[count:] = located, 0
        classes, embeddings = self._run_grader(self._crops, self._located)
        shapes = (batch, len(self.card.classes)), (batch, EMBEDDING)
        if (classes.shape, embeddings.shape) != shapes:
            raise _unlike_card(f"{classes.shape} and {embeddings.shape}")
        classes, embeddings = classes[:count], embeddings[:count]
        # A sum with something that is no number is none either.
        is_probability = (classes >= 0).all() and (np.abs(classes.sum(1) - 1) < 1e-3).all()
        if not (is_probability and np.isfinite(embeddings).all()):
            raise EngineFault(
                "output classes, embedding",
                f"{classes.min()} to {classes.max()}, {embeddings.min()} to {embeddings.max()}",
                "the engine gave numbers that are no probabilities, or none at all",
                "Restart the service; if it happens again, run `cytoedge engines check`",
            )
        return classes, embeddings

    def _padded(self, picture: Tile) -> Tile:
        """The picture at the upper left of a white tile; the tile is used again."""
        size = picture.shape[:2]
        if size == self.card.tile_px:
            return np.ascontiguousarray(picture)
        if size != self._filled:
            self._tile[:] = 255
            self._filled = (size[0], size[1])
        self._tile[: size[0], : size[1]] = picture
        return self._tile


def _does_not_fit(key: str, given: npt.NDArray[Any], wanted: str) -> EngineFault:
    return EngineFault(
        key,
        f"{given.dtype} {given.shape}",
        f"the engine takes {wanted}",
        "Cut and scale it as the model's card says",
    )


def _unlike_card(shapes: str) -> EngineFault:
    return EngineFault(
        "output",
        shapes,
        "the network's outputs do not fit the card's tile_px, batch and classes",
        "Use the model that the card was made for",
    )
