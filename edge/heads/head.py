"""The weights of a head: a model that reads a slide's bag of cells as one.

A head's file is a NumPy archive (`.npz`, nothing pickled) of these arrays; w is the embedding's
width, 64, c the number of classes and d that of gates:

| Array | dtype, shape | |
|---|---|---|
| `kind` | text, () | `mean`, `max` or `gated_attention` |
| `model` | text, () | SHA-256 of the networks whose embeddings it was fitted to |
| `classes` | text, (c,) | what it tells apart |
| `weights`, `bias` | float32, (c, w), (c,) | a cell's logits: `weights @ cell + bias` |
| `gate_tanh`, `gate_tanh_bias` | float32, (d, w), (d,) | only of `gated_attention` |
| `gate_sigmoid`, `gate_sigmoid_bias` | float32, (d, w), (d,) | likewise |
| `attention` | float32, (d,) | a cell's score: `attention @ (tanh(...) * sigmoid(...))` |

Source of gated attention: Ilse, Tomczak, Welling, Attention-based Deep Multiple Instance Learning,
ICML 2018, equation 9.
"""

import hashlib
import io
import zipfile
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from drivers.problem import Problem, Refusal, shown

WIDTH: Final = 64
"""Numbers of an embedding."""
CELL_ONE: Final = 1_000
"""An embedding's numbers are in 1/1,000."""
WEIGHT_ONE: Final = 1 << 16
"""Weights are rounded to 1/65,536."""
LOGIT_ONE: Final = CELL_ONE * WEIGHT_ONE
"""Logits are in this fraction."""
LARGEST: Final = 1_000
"""A weight's size, at most: 64 of them times an embedding's largest number fit 64 bits."""
MOST_CLASSES: Final = 64
MOST_GATES: Final = 1_024

Integers = npt.NDArray[np.int64]


class Kind(StrEnum):
    """How the cells' logits become the slide's."""

    MEAN = "mean"
    MAX = "max"
    GATED_ATTENTION = "gated_attention"


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """`weights @ cell + bias`, in 1/`LOGIT_ONE`."""

    weights: Integers
    """int64, shape (n, `WIDTH`), in 1/`WEIGHT_ONE`."""
    bias: Integers
    """int64, shape (n,), in 1/`LOGIT_ONE`."""


@dataclass(frozen=True, slots=True, eq=False)
class Gate:
    """What gives a cell its attention score."""

    tanh: Layer
    sigmoid: Layer
    attention: tuple[int, ...]
    """In 1/`WEIGHT_ONE`, one for each row of the layers."""


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """A head, its weights rounded once."""

    kind: Kind
    model: str
    """SHA-256 of the networks whose embeddings it reads, as a basis names them."""
    classes: tuple[str, ...]
    logits: Layer
    gate: Gate | None
    """Of `gated_attention` alone."""
    sha256: str
    """Of its file."""


def head(content: bytes, sha256: str) -> Head:
    """A head from its file's bytes.

    Args:
        content: The bytes.
        sha256: What they must hash to, 64 hex digits.

    Raises:
        Refusal: They are others, no archive, or arrays that are no head.
    """
    found = hashlib.sha256(content).hexdigest()
    if found != sha256.lower():
        raise _refused(
            "head", found, f"its SHA-256 is not {sha256}", "Name the file that was meant"
        )
    arrays = _Arrays(content)
    kind = arrays.kind()
    model, classes = arrays.text("model"), arrays.texts("classes")
    gate = None
    if kind is Kind.GATED_ATTENTION:
        gates = arrays.length("attention", MOST_GATES)
        gate = Gate(
            arrays.layer("gate_tanh", "gate_tanh_bias", gates),
            arrays.layer("gate_sigmoid", "gate_sigmoid_bias", gates),
            tuple(_rounded(arrays.floats("attention", (gates,)), WEIGHT_ONE).tolist()),
        )
    logits = arrays.layer("weights", "bias", len(classes))
    arrays.nothing_more()
    return Head(kind, model, classes, logits, gate, found)


class _Arrays:
    """A file's arrays, each checked when it is taken."""

    def __init__(self, content: bytes) -> None:
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as archive:
                self._left: dict[str, npt.NDArray[Any]] = dict(archive)
        except (OSError, ValueError, EOFError, AttributeError, TypeError, zipfile.BadZipFile) as e:
            raise _refused("head", shown(str(e)), "it is no archive of plain arrays") from None

    def kind(self) -> Kind:
        given = self.text("kind")
        try:
            return Kind(given)
        except ValueError:
            problem = f"it is none of {', '.join(Kind)}"
            raise _refused("kind", shown(given), problem) from None

    def text(self, name: str) -> str:
        return str(self._take(name))

    def texts(self, name: str) -> tuple[str, ...]:
        given = self._take(name)
        texts = tuple(map(str, given.reshape(-1)))
        is_list = given.ndim == 1 and given.dtype.kind == "U" and 2 <= len(texts) <= MOST_CLASSES
        if not is_list or len(set(texts)) < len(texts) or not all(texts):
            wanted = f"it takes 2 to {MOST_CLASSES} different texts"
            raise _refused(name, f"{given.dtype} {given.shape}", wanted)
        return texts

    def length(self, name: str, most: int) -> int:
        """Of an array that is left where it is."""
        found = len(np.atleast_1d(self._left[name])) if name in self._left else 0
        if not 1 <= found <= most:
            raise _refused(name, str(found), f"it takes 1 to {most} numbers")
        return found

    def layer(self, weights: str, bias: str, rows: int) -> Layer:
        return Layer(
            _rounded(self.floats(weights, (rows, WIDTH)), WEIGHT_ONE),
            _rounded(self.floats(bias, (rows,)), LOGIT_ONE),
        )

    def floats(self, name: str, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
        given = self._take(name)
        if given.dtype != np.float32 or given.shape != shape:
            raise _refused(name, f"{given.dtype} {given.shape}", f"it takes float32 {shape}")
        if not (np.abs(given) <= LARGEST).all():  # a NaN is not, either
            raise _refused(name, "", f"numbers beyond {LARGEST}, or none at all")
        return given

    def nothing_more(self) -> None:
        """Refuse what a head has no use for: a name may be misspelt."""
        if self._left:
            raise _refused("head", ", ".join(sorted(self._left)), "arrays that no head has")

    def _take(self, name: str) -> npt.NDArray[Any]:
        if name not in self._left:
            raise _refused(name, "", "the file has no such array")
        return self._left.pop(name)


def _rounded(numbers: npt.NDArray[np.float32], one: int) -> Integers:
    return np.rint(numbers.astype(np.float64) * one).astype(np.int64)


def _refused(key: str, value: str, problem: str, remedy: str = "") -> Refusal:
    return Refusal(Problem(key, value, problem, remedy or "Write the head again"))
