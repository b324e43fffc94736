"""Heads with seeded weights, and rows whose crops have seeded embeddings."""

import hashlib
import io
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from edge.heads.head import WIDTH, Head, Kind, head
from edge.heads.pool import Key
from edge.slide.record import Crop, Image, Record, Row

CLASSES = ("NILM", "LSIL", "HSIL")
GATES = 4


def arrays(kind: Kind, seed: int = 0, model: str = "test") -> dict[str, npt.NDArray[Any]]:
    """What a head's file holds."""
    chance = np.random.default_rng(seed)

    def drawn(*shape: int) -> npt.NDArray[np.float32]:
        return chance.normal(0, 0.3, shape).astype(np.float32)

    body: dict[str, npt.NDArray[Any]] = {
        "kind": np.array(kind.value),
        "model": np.array(model),
        "classes": np.array(CLASSES),
        "weights": drawn(len(CLASSES), WIDTH),
        "bias": drawn(len(CLASSES)),
    }
    if kind is Kind.GATED_ATTENTION:
        body |= {
            "gate_tanh": drawn(GATES, WIDTH),
            "gate_tanh_bias": drawn(GATES),
            "gate_sigmoid": drawn(GATES, WIDTH),
            "gate_sigmoid_bias": drawn(GATES),
            "attention": 5 * drawn(GATES),
        }
    return body


def file_of(body: dict[str, npt.NDArray[Any]]) -> bytes:
    file = io.BytesIO()
    np.savez(file, allow_pickle=True, **body)
    return file.getvalue()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def seeded_head(kind: Kind, seed: int = 0) -> Head:
    content = file_of(arrays(kind, seed))
    return head(content, sha256(content))


@cache
def embedding(image: Image, finding: int, salt: int = 0) -> bytes:
    """Of one finding: the same whenever it is asked for. Some are what a grader never gives."""
    chance = np.random.default_rng([*image, finding, salt])
    numbers: npt.NDArray[np.float64] = np.maximum(
        chance.normal(200, 1_200, WIDTH), chance.choice([0, -32_768])
    )
    return bytes(np.clip(numbers, -32_768, 32_767).astype("<i2"))


def embedded(row: Row, salt: int = 0) -> Row:
    """A record whose crops have embeddings; any other row as it is."""
    if not isinstance(row, Record):
        return row
    crops = tuple(
        Crop(crop.finding, crop.jpeg, embedding(row.image, crop.finding, salt))
        for crop in row.crops
    )
    return replace(row, crops=crops)


def bag_of(keys: list[Key]) -> dict[Key, bytes]:
    return {key: embedding(*key) for key in keys}
