import sys
from ctypes import CDLL
from pathlib import Path
from typing import Any

import pytest

from engines.tensorrt.plans import Gpu
from engines.tensorrt.probe import asked, probed, told_by


class Driver:
    """A driver's library that answers as it is told, in the place of one that is not here."""

    def __init__(self, version: int = 13_000, init: int = 0, gpus: int = 1, name: int = 0) -> None:
        self._version, self._init, self._gpus, self._name = version, init, gpus, name

    def cuDriverGetVersion(self, to: Any) -> int:  # noqa: N802
        to._obj.value = self._version
        return 0

    def cuInit(self, _flags: int) -> int:  # noqa: N802
        return self._init

    def cuDeviceGetCount(self, to: Any) -> int:  # noqa: N802
        to._obj.value = self._gpus
        return 0

    def cuDeviceGet(self, _to: Any, _number: int) -> int:  # noqa: N802
        return 0

    def cuDeviceGetName(self, to: Any, _length: int, _device: Any) -> int:  # noqa: N802
        to.value = b"A card"
        return self._name

    def cuDeviceGetAttribute(self, to: Any, which: int, _device: Any) -> int:  # noqa: N802
        to._obj.value = {75: 8, 76: 9}[which]
        return 0


def child(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


@pytest.mark.parametrize(
    ("driver", "problem"),
    [
        (Driver(version=11_080), "knows CUDA 11.8, and 12.0 is needed"),
        (Driver(init=803), "does not start: CUDA error 803"),
        (Driver(gpus=0), "sees no GPU"),
        (Driver(name=999), "does not answer"),
    ],
)
def test_a_driver_that_cannot_serve_is_told(driver: Driver, problem: str) -> None:
    found = asked(lambda _name: driver)
    assert found.gpu is None
    assert problem in found.problem


def test_a_library_that_fails_to_load_is_told(tmp_path: Path) -> None:
    broken = tmp_path / "libcuda.so.1"
    broken.write_bytes(b"\x7fELF and no more")
    found = asked(lambda _name: CDLL(str(broken)))
    assert found.gpu is None
    assert "no NVIDIA driver" in found.problem


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("import os; os.kill(os.getpid(), 11)", "ended with code -11"),
        ("raise SystemExit('the driver is confused')", "the driver is confused"),
        ("print('no JSON')", "it said nothing"),
        ("print('[]')", "ended with code 0"),
        ('print(\'{"gpu": {"colour": 1}, "problem": ""}\')', "ended with code 0"),
        ("import time; time.sleep(60)", "did not answer within 1 s"),
    ],
)
def test_a_child_that_dies_talks_rubbish_or_hangs_is_an_answer(code: str, problem: str) -> None:
    found = told_by(child(code), wait_s=1 if "sleep" in code else 30)
    assert found.gpu is None
    assert problem in found.problem


def test_what_a_child_found_is_taken_over() -> None:
    said = '{"gpu": {"name": "A card", "capability": "8.9", "driver": "13.0"}, "problem": ""}'
    assert told_by(child(f"print('{said}')")).gpu == Gpu("A card", "8.9", "13.0")


def test_this_machine_is_asked_without_harm() -> None:
    found = probed()
    assert (found.gpu is None) == bool(found.problem)
