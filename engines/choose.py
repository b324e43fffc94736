"""Which engine serves: the GPU's where one can, else the CPU's; and what was passed over."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engines.card import ModelCard
from engines.detector import EngineFault
from engines.network_engine import NetworkEngine

Backend = Literal["auto", "tensorrt", "openvino"]


@dataclass(frozen=True, slots=True)
class Chosen:
    """An engine, proved."""

    engine: NetworkEngine
    cpu_because: str
    """Why a CPU serves; empty where a GPU does."""


def chosen(
    card: ModelCard,
    backend: Backend,
    threads: int,
    plans: Path,
    is_right: Callable[[NetworkEngine], object],
) -> Chosen:
    """The engine that serves here.

    Args:
        card: The model.
        backend: `auto` takes the GPU's where there is one that can serve and is right.
        threads: Of the CPU's engine.
        plans: Where TensorRT's plans are kept.
        is_right: Raises EngineFault for an engine that does not say what the model means.

    Raises:
        EngineFault: The engine that was asked for, or the CPU's, cannot serve or is not right.
    """
    cpu_because = "the settings say so"
    if backend != "openvino":
        try:
            return Chosen(_on_gpu(card, plans, is_right), "")
        except EngineFault as fault:
            if backend == "tensorrt":
                raise
            cpu_because = str(fault)
    from engines.openvino_engine import OpenVinoEngine

    engine = OpenVinoEngine(card, threads)
    is_right(engine)
    return Chosen(engine, cpu_because)


def _on_gpu(
    card: ModelCard, plans: Path, is_right: Callable[[NetworkEngine], object]
) -> NetworkEngine:
    from engines.tensorrt.probe import probed

    found = probed()
    if found.gpu is None:
        remedy = "Set engine = 'openvino' to do without, or mend that"
        raise EngineFault("engine", "tensorrt", found.problem, remedy)
    from engines.tensorrt.cuda import first_gpu
    from engines.tensorrt.engine import TensorRtEngine
    from engines.tensorrt.library import tensorrt

    cuda = first_gpu()
    try:
        engine = TensorRtEngine(card, tensorrt(), cuda, found.gpu, plans)
        is_right(engine)
    except EngineFault:
        cuda.close()
        raise
    return engine


def every(card: ModelCard, threads: int, work: Path) -> dict[str, NetworkEngine]:
    """All engines that this machine has for a model, by name, to be compared.

    Args:
        card: The model.
        threads: Of the CPU's engines.
        work: A folder for the exact model and for plans.

    Raises:
        EngineFault: The CPU's engine cannot serve.
    """
    from engines.int8.make import exact
    from engines.openvino_engine import OpenVinoEngine

    made: dict[str, NetworkEngine] = {"cpu": OpenVinoEngine(card, threads)}
    if (float32 := exact(card, work / "exact")) is not None:
        made["cpu in float"] = OpenVinoEngine(float32, threads)
    try:
        made["gpu"] = _on_gpu(card, work / "plans", lambda engine: None)
    except EngineFault:
        return made
    return made
