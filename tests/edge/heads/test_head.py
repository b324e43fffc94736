"""A head's file: read whole, or refused in words."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from drivers.problem import Refusal
from edge.heads.head import WEIGHT_ONE, WIDTH, Kind, head
from tests.edge.heads.made import CLASSES, GATES, arrays, file_of, seeded_head, sha256

Arrays = dict[str, npt.NDArray[Any]]


@pytest.mark.parametrize("kind", Kind)
def test_a_head_is_read_from_its_file_and_its_weights_are_rounded_once(kind: Kind) -> None:
    made = seeded_head(kind)
    assert (made.kind, made.model, made.classes) == (kind, "test", CLASSES)
    assert made.sha256 == sha256(file_of(arrays(kind)))
    weights = made.logits.weights
    assert weights.dtype == np.int64
    assert np.abs(weights / WEIGHT_ONE - arrays(kind)["weights"]).max() <= 0.5 / WEIGHT_ONE
    assert (made.gate is not None) == (kind is Kind.GATED_ATTENTION)


def test_i10_another_file_than_was_named_is_refused() -> None:
    content = file_of(arrays(Kind.MEAN))
    with pytest.raises(Refusal, match=f"its SHA-256 is not {'0' * 64}"):
        head(content, "0" * 64)


def test_i10_a_file_that_could_run_code_is_refused() -> None:
    body = arrays(Kind.MEAN) | {"classes": np.array(CLASSES, object)}
    with pytest.raises(Refusal, match="no archive of plain arrays"):
        head(file_of(body), sha256(file_of(body)))


@pytest.mark.parametrize(
    "content", [b"", b"rubbish", b"PK\x03\x04", file_of({})[:20], np.zeros(3).tobytes()]
)
def test_i7_what_is_no_archive_is_refused(content: bytes) -> None:
    with pytest.raises(Refusal, match="head="):
        head(content, sha256(content))


def without(name: str) -> Arrays:
    body = arrays(Kind.GATED_ATTENTION)
    del body[name]
    return body


def with_(**changed: npt.NDArray[Any]) -> Arrays:
    return arrays(Kind.GATED_ATTENTION) | changed


NAN = np.full((GATES, WIDTH), np.nan, np.float32)
WRONG: list[tuple[Arrays, str]] = [
    (with_(kind=np.array("median")), "kind='median': it is none of mean, max, gated_attention"),
    (with_(classes=np.array(["NILM", "NILM", "HSIL"])), "classes=.*different texts"),
    (with_(classes=np.array([1, 2, 3])), "classes=int64 .*texts"),
    (with_(weights=np.zeros((3, 63), np.float32)), r"weights=float32 \(3, 63\): .*\(3, 64\)"),
    (with_(weights=np.zeros((3, 64))), "weights=float64"),
    (with_(bias=np.zeros((4,), np.float32)), r"bias=float32 \(4,\): it takes float32 \(3,\)"),
    (with_(gate_tanh=NAN), "gate_tanh=: numbers beyond 1000"),
    (with_(bias=np.array([0, 0, 1_001], np.float32)), "bias=: numbers beyond 1000"),
    (with_(attention=np.zeros((0,), np.float32)), "attention=0: it takes 1 to 1024"),
    (with_(wieghts=np.zeros(1)), "head=wieghts: arrays that no head has"),
    (arrays(Kind.GATED_ATTENTION) | {"kind": np.array("mean")}, "head=attention, gate_sigmoid"),
    *((without(name), f"{name}=") for name in arrays(Kind.GATED_ATTENTION)),
]


@pytest.mark.parametrize(("body", "said"), WRONG)
def test_i7_arrays_that_are_no_head_are_refused_by_name(body: Arrays, said: str) -> None:
    with pytest.raises(Refusal, match=said):
        head(file_of(body), sha256(file_of(body)))
