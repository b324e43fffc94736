"""On a machine with a GPU: `make test-gpu`."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from engines.card import SHIPPED, ModelCard, load
from engines.detect import detect
from engines.detector import Detections, EngineFault
from engines.golden import halved, whole_field
from engines.openvino_engine import OpenVinoEngine
from engines.parity import prove
from engines.tensorrt.cuda import first_gpu
from engines.tensorrt.engine import TensorRtEngine
from engines.tensorrt.lane import Lane
from engines.tensorrt.library import tensorrt
from engines.tensorrt.probe import Probed, probed

pytestmark = pytest.mark.gpu


@pytest.fixture(scope="module")
def found() -> Probed:
    found = probed()
    if found.gpu is None:
        pytest.skip(found.problem)
    return found


@pytest.fixture(scope="module")
def shipped() -> ModelCard:
    return load(SHIPPED)


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("plans")


@pytest.fixture
def engine(found: Probed, shipped: ModelCard, plans: Path) -> Iterator[TensorRtEngine]:
    assert found.gpu is not None
    made = TensorRtEngine(shipped, tensorrt(), first_gpu(), found.gpu, plans)
    yield made
    made.close()


def seen(engine: TensorRtEngine | OpenVinoEngine, card: ModelCard) -> Detections:
    return detect(engine, card, *halved(whole_field(card), card))


def test_i11_the_shipped_model_is_proved_on_the_gpu(
    engine: TensorRtEngine, shipped: ModelCard
) -> None:
    assert prove(engine, shipped).difference <= shipped.tolerance / 10_000


def test_i1_the_same_field_gives_the_same_numbers_in_every_run_and_after_a_restart(
    engine: TensorRtEngine, found: Probed, shipped: ModelCard, plans: Path
) -> None:
    first = [seen(engine, shipped) for _ in range(3)]
    assert found.gpu is not None
    again = TensorRtEngine(shipped, tensorrt(), first_gpu(), found.gpu, plans)
    assert again.notes == ()
    assert again.identity == engine.identity
    for other in (*first[1:], seen(again, shipped)):
        assert np.array_equal(first[0].class_scores, other.class_scores)
        assert np.array_equal(first[0].centres_px, other.centres_px)


def test_what_is_recorded_does_what_its_calls_do(found: Probed) -> None:
    cuda = first_gpu()
    there, back = cuda.pinned((64, 3), np.float32), cuda.pinned((64, 3), np.float32)
    address = cuda.allocated(there.nbytes)

    def around() -> None:
        cuda.send(address, there)
        cuda.fetch(back, address)

    launch = cuda.recorded(around)
    for run, way in enumerate((around, launch, launch), start=1):
        there[:] = np.arange(there.size).reshape(there.shape) * run
        way()
        cuda.wait()
        assert np.array_equal(back, there)
    cuda.close()


def test_a_plan_that_is_none_is_told_and_one_that_was_cut_short_is_built_again(
    found: Probed, shipped: ModelCard, plans: Path, engine: TensorRtEngine, tmp_path: Path
) -> None:
    assert found.gpu is not None
    for file in plans.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    cut = next(tmp_path.glob("*.plan"))
    cut.write_bytes(cut.read_bytes()[:-100])
    again = TensorRtEngine(shipped, tensorrt(), first_gpu(), found.gpu, tmp_path)
    assert len(again.notes) == 1
    prove(again, shipped)
    cuda = first_gpu()
    with pytest.raises(EngineFault, match="deserialize"):
        Lane(tensorrt(), cuda, b"no plan at all" * 100, "locator.onnx")


def test_it_is_faster_than_one_core(engine: TensorRtEngine, shipped: ModelCard) -> None:
    took_s = []
    for each in (engine, OpenVinoEngine(shipped)):
        seen(each, shipped)
        began_s = time.perf_counter()
        for _ in range(5):
            seen(each, shipped)
        took_s.append(time.perf_counter() - began_s)
    assert took_s[0] < took_s[1]
