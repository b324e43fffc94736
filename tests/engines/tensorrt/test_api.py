"""Every call that is made exists in TensorRT 10 and 11: their bindings, over empty libraries."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import engines.tensorrt
from engines.detector import EngineFault
from engines.tensorrt.library import tensorrt

MAJORS = ("10", "11")
LIBRARIES = ("nvinfer", "nvinfer_plugin", "nvonnxparser")
SYMBOLS = (
    "createInferBuilder_INTERNAL",
    "createInferRefitter_INTERNAL",
    "createInferRuntime_INTERNAL",
    "createNvOnnxParserRefitter_INTERNAL",
    "createNvOnnxParser_INTERNAL",
    "getBuilderPluginRegistry",
    "getNvOnnxParserVersion",
    "getPluginRegistry",
    "initLibNvInferPlugins",
)
"""What the bindings take from TensorRT's libraries."""
USED = {
    "Builder": ["build_serialized_network", "create_builder_config", "create_network"],
    "IBuilderConfig": [
        "create_timing_cache", "get_timing_cache", "set_memory_pool_limit", "set_timing_cache",
    ],
    "ICudaEngine": [
        "create_execution_context", "get_tensor_dtype", "get_tensor_mode", "get_tensor_name",
        "get_tensor_shape", "num_io_tensors",
    ],
    "IExecutionContext": ["execute_async_v3", "set_tensor_address"],
    "ILogger": ["Severity.ERROR", "Severity.INTERNAL_ERROR", "log"],
    "ITimingCache": ["serialize"],
    "MemoryPoolType": ["WORKSPACE"],
    "NetworkDefinitionCreationFlag": [],
    "OnnxParser": ["get_error", "parse"],
    "ParserError": ["desc", "node_name"],
    "Runtime": ["deserialize_cuda_engine"],
    "TensorIOMode": ["INPUT"],
    "nptype": [],
}  # fmt: skip
NAMES = [".".join([name, *member]) for name, members in USED.items()
         for member in ([], *([one] for one in members))]  # fmt: skip
ASK = """
import json, operator, sys
import tensorrt_bindings
missing = []
for name in json.load(sys.stdin):
    try:
        operator.attrgetter(name)(tensorrt_bindings)
    except AttributeError:
        missing.append(name)
print(json.dumps({"version": tensorrt_bindings.__version__, "missing": missing}))
"""


def asked(major: str, libraries: Path, names: list[str]) -> dict[str, Any]:
    """What the bindings of a release lack of these names."""
    bindings = Path(sys.prefix) / f"tensorrt-{major}"
    if not (bindings / "tensorrt_bindings").exists():
        pytest.skip("this machine is not x86_64: there are no such bindings")
    source = libraries / "empty.c"
    source.write_text("".join(f"void* {name}(void) {{ return 0; }}\n" for name in SYMBOLS))
    for library in LIBRARIES:
        soname = f"lib{library}.so.{major}"
        subprocess.run(
            ["cc", "-shared", "-fPIC", f"-Wl,-soname,{soname}", "-o", libraries / soname, source],
            check=True,
        )
    done = subprocess.run(
        [sys.executable, "-c", ASK], input=json.dumps(names), text=True, check=True,
        capture_output=True, cwd=libraries,
        env=os.environ | {"PYTHONPATH": str(bindings), "LD_LIBRARY_PATH": str(libraries)},
    )  # fmt: skip
    said: dict[str, Any] = json.loads(done.stdout)
    return said


@pytest.mark.parametrize("major", MAJORS)
def test_tensorrt_has_every_call_that_is_made(major: str, tmp_path: Path) -> None:
    said = asked(major, tmp_path, NAMES)
    assert said["version"].startswith(f"{major}.")
    assert said["missing"] == []


@pytest.mark.parametrize("major", MAJORS)
def test_a_call_that_does_not_exist_is_found(major: str, tmp_path: Path) -> None:
    assert asked(major, tmp_path, ["Builder.no_such"])["missing"] == ["Builder.no_such"]


def test_tensorrt_rtx_has_every_call_that_is_made() -> None:
    try:
        rtx: Any = tensorrt()
    except EngineFault as fault:
        pytest.skip(str(fault))
    for name in NAMES:
        part = rtx
        for step in name.split("."):
            part = getattr(part, step)


def test_the_list_holds_every_name_that_the_code_takes_from_tensorrt() -> None:
    folder = Path(engines.tensorrt.__file__).parent
    code = "\n".join(path.read_text() for path in folder.glob("*.py"))
    taken = set(re.findall(r"\btrt\.([A-Za-z_]+)", code)) - {"__name__", "__version__"}
    assert taken <= set(USED)
    assert {"Builder", "OnnxParser", "Runtime"} <= taken
