"""Plans: what TensorRT makes of a network for one GPU. Built once, kept beside what it is for."""

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engines.tensorrt.library import Said, uncollected

WORKSPACE_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU as far as a plan depends on it."""

    name: str
    capability: str
    """As `9.0`."""
    driver: str
    """CUDA version that the driver knows, as `13.0`."""


@dataclass(frozen=True, slots=True)
class For:
    """What a plan was built for: if anything differs, it is built again."""

    network: str
    """SHA-256 of the ONNX file."""
    tensorrt: str
    gpu: Gpu
    plan: str = ""
    """SHA-256 of the plan itself: plans hold native code, and are loaded only if unchanged."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan, and whether it had to be built."""

    content: bytes
    note: str
    """Why it was built; empty if it was found."""

    @property
    def sha256(self) -> str:
        """Its hash: another build may choose other kernels, and give other numbers."""
        return hashlib.sha256(self.content).hexdigest()


def plan(trt: Any, network: bytes, gpu: Gpu, folder: Path) -> Plan:  # noqa: ANN401
    """The plan of a network, from its folder or built and put there.

    Args:
        trt: The library.
        network: The ONNX file's bytes.
        gpu: What it is for.
        folder: Where plans lie; made if need be. One that cannot be written is done without.

    Raises:
        EngineFault: TensorRT does not take the network.
    """
    wanted = For(hashlib.sha256(network).hexdigest(), str(trt.__version__), gpu)
    path = folder / f"{wanted.network[:16]}.plan"
    content, note = _found(path, wanted)
    if content is not None:
        return Plan(content, "")
    timings = folder / f"timings-{wanted.tensorrt}-{gpu.capability}.cache"
    content, learnt = build(trt, network, _bytes(timings) or b"")
    kept = asdict(For(wanted.network, wanted.tensorrt, gpu, hashlib.sha256(content).hexdigest()))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write(path, content)
        _write(_note_of(path), json.dumps(kept, indent=1).encode())
        _write(timings, learnt)
    except OSError as error:
        note = f"{note}; not kept, since {error}"
    return Plan(content, note)


@uncollected()
def build(trt: Any, network: bytes, timings: bytes) -> tuple[bytes, bytes]:  # noqa: ANN401
    """A plan, and what was learnt of kernels' timings. Needs no GPU with TensorRT-RTX.

    Raises:
        EngineFault: TensorRT does not take the network.
    """
    said = Said(trt)
    builder = trt.Builder(said.logger)
    flag = getattr(trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED", None)
    definition = builder.create_network(0 if flag is None else 1 << int(flag))
    parser = trt.OnnxParser(definition, said.logger)
    if not parser.parse(network):
        first = parser.get_error(0)
        said.errors.append(f"{first.node_name()}: {first.desc()}")
        raise said.fault("parse", first.node_name() or "network")
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, WORKSPACE_BYTES)
    cache = config.create_timing_cache(timings)
    if not config.set_timing_cache(cache, False):
        config.set_timing_cache(config.create_timing_cache(b""), False)
    made = builder.build_serialized_network(definition, config)
    if made is None:
        raise said.fault("build", "network")
    return bytes(made), bytes(config.get_timing_cache().serialize())


def _found(path: Path, wanted: For) -> tuple[bytes | None, str]:
    """A kept plan that is for just this; else why there is none."""
    content, note = _bytes(path), _bytes(_note_of(path))
    if content is None or note is None:
        return None, "no plan was there"
    try:
        said = json.loads(note)
        kept = For(**(said | {"gpu": Gpu(**said["gpu"])}))
    except (ValueError, TypeError, KeyError):
        return None, "the plan's note was unreadable"
    for name, ours, theirs in (
        ("network", wanted.network, kept.network),
        ("TensorRT", wanted.tensorrt, kept.tensorrt),
        ("GPU", wanted.gpu.name, kept.gpu.name),
        ("GPU's capability", wanted.gpu.capability, kept.gpu.capability),
        ("driver", wanted.gpu.driver, kept.gpu.driver),
        ("content", hashlib.sha256(content).hexdigest(), kept.plan),
    ):
        if ours != theirs:
            return None, f"the plan was for another {name}: {theirs}, not {ours}"
    return content, ""


def _note_of(path: Path) -> Path:
    return path.with_suffix(".json")


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _write(path: Path, content: bytes) -> None:
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.write_bytes(content)
    part.replace(path)
