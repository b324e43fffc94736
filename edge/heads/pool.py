"""What a head says of a bag of cells, kept while cells come and go.

A cell's share depends on that cell alone and is a row of whole numbers; the slide's logits are one
function of the set of shares. So it does not matter in which order cells came, or what was evicted:
the streamed form is the batch form.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext
from typing import Final

import numpy as np

from edge.heads.head import LOGIT_ONE, WEIGHT_ONE, WIDTH, Gate, Head, Integers, Kind, Layer
from edge.slide.record import Image

Key = tuple[Image, int]
"""A cell's image, and its index in the image's findings."""
Logits = tuple[int, ...]
"""One for each of the head's classes, in 1/`LOGIT_ONE`; none where there is no cell."""

NO_CELLS: Final = "no cells"
"""What is said of an empty bag. It is never a class."""
SCORE_ONE: Final = WEIGHT_ONE * WEIGHT_ONE
"""Attention scores, and the weights that they give, are in this fraction."""
_FAR: Final = Decimal(60)
"""Beyond it a sigmoid is 0 or 1 to 26 digits."""
_DIGITS: Final = Context(prec=28)
"""Of tanh, sigmoid and exp. `decimal` rounds them alike on every machine; libm does not."""


@dataclass(frozen=True, slots=True)
class Share:
    """What one cell brings."""

    score: int
    """Of its attention, in 1/`SCORE_ONE`; all cells have the same one where there is no gate."""
    logits: Logits


class Pool:
    """A head over the cells of one slide. Memory: a row of whole numbers a cell of the bag."""

    def __init__(self, head: Head) -> None:
        self._head = head
        self._shares: dict[Key, Share] = {}

    def take(self, bag: Mapping[Key, bytes]) -> None:
        """Take the bag as it is now: new cells come in, those that are not in it go.

        Args:
            bag: The cells' embeddings as a record's crops keep them.

        Raises:
            ValueError: An embedding has not `WIDTH` numbers.
        """
        self._shares = {
            key: self._shares.get(key) or share(self._head, embedding)
            for key, embedding in bag.items()
        }

    def logits(self) -> Logits:
        """The slide's logits; none where the bag is empty."""
        return pooled(self._head.kind, self._shares.values())

    def says(self) -> str:
        """The class with the highest logit, the first of equal ones; `NO_CELLS` of an empty bag."""
        logits = self.logits()
        return self._head.classes[logits.index(max(logits))] if logits else NO_CELLS


def share(head: Head, embedding: bytes) -> Share:
    """What one cell brings, whatever else is in the bag.

    Raises:
        ValueError: The embedding has not `WIDTH` numbers.
    """
    cell = np.frombuffer(embedding, "<i2").astype(np.int64)
    if len(cell) != WIDTH:
        raise ValueError(f"an embedding of {len(cell)} numbers instead of {WIDTH}")
    with localcontext(_DIGITS):
        score = 0 if head.gate is None else _attention(head.gate, cell)
    return Share(score, tuple(_through(head.logits, cell)))


def pooled(kind: Kind, shares: Iterable[Share]) -> Logits:
    """The slide's logits: the cells' largest, or their mean weighted by the softmax of scores."""
    shares = list(shares)
    columns = list(zip(*(each.logits for each in shares), strict=True))
    if kind is Kind.MAX:
        return tuple(map(max, columns))
    top = max((each.score for each in shares), default=0)
    with localcontext(_DIGITS):
        weights = [_weight(each.score - top) for each in shares]
    total = sum(weights)
    return tuple(
        sum(weight * logit for weight, logit in zip(weights, column, strict=True)) // total
        for column in columns
    )


def _through(layer: Layer, cell: Integers) -> list[int]:
    numbers: list[int] = (layer.weights @ cell + layer.bias).tolist()
    return numbers


def _attention(gate: Gate, cell: Integers) -> int:
    """The score of one cell, in 1/`SCORE_ONE`."""
    total = 0
    for weight, x, y in zip(
        gate.attention, _through(gate.tanh, cell), _through(gate.sigmoid, cell), strict=True
    ):
        tanh = 2 * _sigmoid(2 * _real(x)) - 1
        total += weight * round(WEIGHT_ONE * tanh * _sigmoid(_real(y)))
    return total


def _weight(below: int) -> int:
    """Exp of how far a score lies below the highest, in 1/`SCORE_ONE`; the highest weighs one."""
    return round(SCORE_ONE * (Decimal(below) / SCORE_ONE).exp())


def _real(logit: int) -> Decimal:
    return Decimal(logit) / LOGIT_ONE


def _sigmoid(x: Decimal) -> Decimal:
    return 1 / (1 + max(-_FAR, min(-x, _FAR)).exp())
