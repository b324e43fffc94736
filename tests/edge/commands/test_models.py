"""A new model on site: installed, compared with the present one, let serve, taken back."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drivers.sources.simulated.specimen import preset
from edge.validation.comparing import compare, kept_crops
from engines.card import CARD, SHIPPED, ModelCard, load
from engines.openvino_engine import OpenVinoEngine
from tests.edge.daemon.rig import Rig, slide

FIELDS = 12


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    """A site where one slide was scanned."""
    with tempfile.TemporaryDirectory(prefix="ce") as name:
        rig = Rig(Path(name)).start()
        rig.scan(slide(fields=FIELDS, contents=preset("hsil", FIELDS).contents))
        assert rig.end() == 0
        yield rig


@pytest.fixture(scope="module")
def renamed(tmp_path_factory: pytest.TempPathFactory) -> ModelCard:
    """The shipped networks under another card."""
    folder = Path(shutil.copytree(SHIPPED, tmp_path_factory.mktemp("new") / "model"))
    text = (folder / CARD).read_text()
    (folder / CARD).write_text(text.replace(f'name = "{SHIPPED.name}"', 'name = "renamed"', 1))
    return load(folder)


def told(rig: Rig, *arguments: str, status: int = 0) -> dict[str, Any]:
    command = [sys.executable, "-m", "edge.cli", "engines", *arguments]
    command += ["--settings", str(rig.place.file), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stderr
    said: dict[str, Any] = json.loads(done.stdout) if done.stdout else {"refused": done.stderr}
    return said


def test_a_new_model_serves_once_it_is_activated_and_can_be_taken_back(
    rig: Rig, renamed: ModelCard
) -> None:
    digits = renamed.sha256[:12]
    said = told(rig, "install", str(renamed.folder), "--hash", digits)
    assert said["installed"] == renamed.identity
    asked = told(rig, "activate", digits, status=1)
    assert "serves" not in asked
    said = told(rig, "activate", digits, "--yes")
    assert said["kept_cells"] == said["same_category"] > 50
    assert said["to"] == renamed.identity
    listed = told(rig, "list")
    assert listed[digits].startswith(f"serves: {renamed.identity}")
    assert not listed[SHIPPED.name].startswith("serves")
    assert rig.start().wait_ready()["model"] == renamed.identity
    assert rig.end() == 0
    assert told(rig, "rollback")["to"] == load(SHIPPED).identity
    assert told(rig, "list")[SHIPPED.name].startswith("serves")


def test_another_hash_is_refused(rig: Rig, renamed: ModelCard) -> None:
    said = told(rig, "install", str(renamed.folder), "--hash", "0" * 12, status=2)
    assert "Get the model again from its maker" in said["refused"]


def test_where_the_settings_name_the_model_no_other_can_be_activated(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(rig.changed, "model", str(SHIPPED))
    assert "Take `model` out of them" in told(rig, "rollback", status=2)["refused"]


def test_two_models_are_compared_on_kept_cells(rig: Rig, renamed: ModelCard) -> None:
    """One calls every high-grade cell negative: it differs in just these."""
    blind = renamed.model_copy(
        update={"categories_of_classes": tuple(
            "NILM" if name == "HSIL" else name for name in renamed.categories_of_classes
        )}
    )  # fmt: skip
    engine = OpenVinoEngine(renamed)
    crops = kept_crops(rig.place.settings.state_dir)
    compared = compare(crops, (engine, renamed), (engine, blind))
    assert compared.cells == len(crops)
    assert set(compared.moved) == {("HSIL", "NILM")}
    assert compared.moved["HSIL", "NILM"] >= 3
    assert compared.same == compared.cells - compared.moved["HSIL", "NILM"]
