"""The golden field: what every engine is proved and timed on."""

from pathlib import Path

import cv2
import numpy as np

from engines.card import GOLDEN, ModelCard, sha256_of
from engines.crops import Rgb, crops, of_array
from engines.detect import Cut
from engines.detector import BadModel, Tile


def golden_field(card: ModelCard) -> Rgb:
    """The golden field at full size, uint8 (H, W, 3); at most two tiles wide and high.

    Raises:
        BadModel: It is absent or changed.
    """
    path = unchanged(card.folder / GOLDEN, card.hashes.golden)
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    if picture is None or any(
        side > 2 * most for side, most in zip(picture.shape[:2], card.tile_px, strict=True)
    ):
        raise BadModel(str(path), "unreadable or too large", "is no golden field", "Build it again")
    return picture.astype(np.uint8, copy=False)


def whole_field(card: ModelCard) -> Rgb:
    """The golden field beside itself until two tiles are full: as much work as a field can make.

    Raises:
        BadModel: It is absent or changed.
    """
    golden = golden_field(card)
    height, width = (2 * side for side in card.tile_px)
    times = -(-height // golden.shape[0]), -(-width // golden.shape[1]), 1
    return np.tile(golden, times)[:height, :width]


def halved(field: Rgb, card: ModelCard) -> tuple[Tile, Cut]:
    """A field at the crops' scale as an engine takes it: the tile, and how crops are cut.

    Args:
        field: uint8, shape (H, W, 3), RGB, at the card's `crop_pm_per_px`.
        card: The card.
    """
    height, width = (side // 2 for side in field.shape[:2])
    tile = cv2.resize(
        field[: 2 * height, : 2 * width], (width, height), interpolation=cv2.INTER_AREA
    )
    source = of_array(field, card.crop_pm_per_px)
    return tile.astype(np.uint8, copy=False), lambda centres_px: crops(
        source, 2 * centres_px, card.crop_px, card.crop_pm_per_px
    )


def unchanged(path: Path, expected: str) -> Path:
    """The same path, if the file has this SHA-256.

    Raises:
        BadModel: It is absent or changed.
    """
    found = sha256_of(path)
    if found != expected:
        raise BadModel(
            str(path), found[:12], f"the card's hash is {expected[:12]}", "Install the model again"
        )
    return path
