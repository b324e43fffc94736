"""`cytoedge engines check, build`, as a person runs them."""

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from engines.build import hash_into_card
from engines.card import load
from engines.commands import register

app = typer.Typer()
register(app)


def told(*arguments: str, status: int = 0) -> dict[str, Any]:
    result = CliRunner().invoke(app, ["engines", *arguments, "--json"])
    assert result.exit_code == status, result.stderr
    said: dict[str, Any] = json.loads(result.stdout)
    return said


def test_a_proved_model_is_timed_on_a_whole_field(folder: Path) -> None:
    said = told("check", str(folder))
    assert said["is_proved"]
    assert said["matched"] == 80
    assert said["cells"] == 4 * 68
    assert said["fields_per_s"] > 0


def test_engines_are_timed_beside_each_other_and_beside_what_the_machine_can_do(
    folder: Path,
) -> None:
    said = told("bench", str(folder), "--rounds", "1")
    assert said["sgemm_gflop_s"] > 0
    for part in ("locate", "grade 64 crops", "field"):
        assert said["ms"][f"cpu: {part}"] > 0
    assert not any("in float" in name for name in said["ms"])  # the tiny model is not rounded


def test_of_a_model_in_8_bits_the_exact_one_is_timed_too() -> None:
    said = told("bench", "--rounds", "1")
    assert said["ms"]["cpu: field"] < said["ms"]["cpu in float: field"]
    assert said["ms"]["decode 2000 candidates"] < said["ms"]["cpu: field"]


def test_an_engine_that_contradicts_its_card_is_not_proved(folder: Path) -> None:
    reference = json.loads((folder / "golden.json").read_text())
    reference["peaks"][0] -= 0.1
    (folder / "golden.json").write_text(json.dumps(reference))
    hash_into_card(folder, {"reference": "golden.json"})
    said = told("check", str(folder), status=1)
    assert not said["is_proved"]
    assert "golden field" in said["fault"]


def test_building_writes_every_hash_and_then_the_model_is_whole(folder: Path) -> None:
    text = (folder / "card.toml").read_text()
    hashes = load(folder).hashes.model_dump()
    for key, value in hashes.items():
        text = text.replace(f'{key} = "{value}"', f'{key} = "{"0" * 64}"')
    (folder / "card.toml").write_text(text)
    (folder / "golden.json").unlink()
    said = told("build", str(folder))
    assert {key: said[key] for key in hashes} == hashes
    assert said["card"] == load(folder).identity


@pytest.mark.parametrize("command", ["check", "build"])
def test_a_model_that_is_not_there_is_wrong_use(command: str) -> None:
    result = CliRunner().invoke(app, ["engines", command, "/nowhere"])
    assert result.exit_code == 2
    assert "/nowhere/card.toml" in result.stderr
