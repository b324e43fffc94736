"""What all engines share: the tile is checked, the maps are checked and decoded."""

from abc import ABC, abstractmethod

import numpy as np

from engines.card import ModelCard
from engines.decode import ClassMap, PeakMap, decode
from engines.detector import Detections, EngineFault, Tile


class MapEngine(ABC):
    """An engine for networks that give a map of peaks and a map of class scores."""

    def __init__(self, card: ModelCard) -> None:
        self.card = card
        self._tile = np.full((*card.tile_px, 3), 255, np.uint8)
        self._filled = (0, 0)

    @property
    @abstractmethod
    def identity(self) -> str:
        """Whatever could change a number."""

    @abstractmethod
    def _run(self, tile: Tile) -> tuple[PeakMap, ClassMap]:
        """The network's outputs; valid until the next call. Raises EngineFault."""

    def detect(self, picture: Tile) -> Detections:
        """The cells of one picture of at most a tile's size.

        Raises:
            EngineFault: The picture does not fit, or the engine failed.
        """
        peaks, classes = self.maps(self._padded(picture))
        stride = self.card.tile_px[0] // peaks.shape[2]
        return decode(peaks, classes, stride, self.card.min_score / 10_000)

    def maps(self, tile: Tile) -> tuple[PeakMap, ClassMap]:
        """What `detect` decodes; valid until the next call.

        Raises:
            EngineFault: The tile does not fit, or the engine failed.
        """
        expected = (*self.card.tile_px, 3)
        if tile.shape != expected or tile.dtype != np.uint8:
            raise EngineFault(
                "tile",
                f"{tile.dtype} {tile.shape}",
                f"the engine takes uint8 {expected}",
                "Cut and pad the picture to the card's tile_px",
            )
        peaks, classes = self._run(np.ascontiguousarray(tile))
        self._check(peaks, classes)
        return peaks, classes

    def _padded(self, picture: Tile) -> Tile:
        """The picture at the upper left of a white tile; the tile is used again."""
        size = picture.shape[:2]
        fits = all(side <= most for side, most in zip(size, self.card.tile_px, strict=True))
        if size == self.card.tile_px or not fits or picture.dtype != np.uint8:
            return picture  # as it is; what does not fit is refused
        if size != self._filled:
            self._tile[:] = 255
            self._filled = size
        self._tile[: size[0], : size[1]] = picture
        return self._tile

    def _check(self, peaks: PeakMap, classes: ClassMap) -> None:
        height, width = peaks.shape[2:]
        stride = self.card.tile_px[0] // height
        fits = (height * stride, width * stride) == self.card.tile_px
        if not fits or classes.shape != (1, len(self.card.classes), height, width):
            raise EngineFault(
                "output",
                f"{peaks.shape} and {classes.shape}",
                "the network's maps do not fit the card's tile_px and classes",
                "Use the model that the card was made for",
            )


def one_tile(picture: Tile, tile_px: tuple[int, int]) -> Tile:
    """A picture of at most a tile's size, at the upper left of a white tile.

    Args:
        picture: uint8, shape (h, w, 3), RGB.
        tile_px: The card's height and width.
    """
    height, width = picture.shape[:2]
    tile = np.full((*tile_px, 3), 255, np.uint8)
    tile[:height, :width] = picture
    return tile
