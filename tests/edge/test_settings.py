from pathlib import Path

import pytest

from drivers.problem import Refusal
from drivers.scanner.words import Purpose
from edge.settings import Endpoints, Settings, checked, load


def written(folder: Path, text: str) -> Path:
    path = folder / "cytoedge.toml"
    path.write_text(text)
    return path


def test_what_is_not_set_has_its_default(tmp_path: Path) -> None:
    settings = load(written(tmp_path, "engine_threads = 2\n[window]\nfields = 4\n"))
    assert settings == Settings(engine_threads=2, window={"fields": 4})
    assert Purpose.CALIBRATION not in settings.purposes


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("engine = 'fast'", "engine"),
        ("engin = 'idle'", "engin"),
        ("[window]\nfields = 0", "window.fields"),
        ("purposes = ['fun']", "purposes"),
        ("engine = ", "settings"),
        ("free_disk_percent = 90", "free_disk_percent"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, text: str, key: str) -> None:
    with pytest.raises(Refusal) as refused:
        load(written(tmp_path, text))
    assert refused.value.problem.key.startswith(key)
    assert refused.value.problem.remedy


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="no such file"):
        load(tmp_path / "nothing.toml")


@pytest.mark.parametrize(
    "endpoint", ["tcp://127.0.0.1:5555", "tcp://[::1]:5555", "tcp://127.0.0.1:*", "ipc:///tmp/x"]
)
def test_i10_an_endpoint_on_this_machine_is_taken(endpoint: str) -> None:
    assert checked(Settings(endpoints=Endpoints(drivers=endpoint))).endpoints.drivers == endpoint


@pytest.mark.parametrize(
    "endpoint",
    [
        "tcp://0.0.0.0:5555", "tcp://*:5555", "tcp://192.168.1.2:5555", "tcp://localhost:5555",
        "tcp://127.0.0.1", "udp://127.0.0.1:5555", "ipc://relative", "nonsense",
    ],
)  # fmt: skip
def test_i10_an_endpoint_that_others_can_reach_is_refused(endpoint: str) -> None:
    with pytest.raises(Refusal) as refused:
        checked(Settings(endpoints=Endpoints(tools=endpoint)))
    assert refused.value.problem.key == "endpoints.tools"
