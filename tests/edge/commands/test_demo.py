"""`cytoedge demo`: a fresh slide each time, which its seed shows again."""

import json
import subprocess
import sys

from edge.commands.demonstrating import FRESH_SEEDS
from edge.commands.watching import words


def demo(*arguments: str) -> str:
    command = [sys.executable, "-m", "edge.cli", "demo", "--specimen", "lsil", "--fields", "1"]
    done = subprocess.run(
        [*command, *arguments], capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_slide_is_a_fresh_one_and_its_seed_shows_it_again() -> None:
    fresh = json.loads(demo("--json"))
    assert fresh["seed"] in FRESH_SEEDS
    assert (fresh["specimen"], fresh["fields"]) == ("lsil", 1)
    told, _, line = demo("--seed", str(fresh["seed"])).strip().rpartition("\n")
    again = f"cytoedge demo --specimen lsil --seed {fresh['seed']} --fields 1"
    assert line == f"The same slide again: {again}"
    assert _said(told) >= _said(words(fresh))


def _said(text: str) -> set[str]:
    """A report's lines but for its date."""
    return {line for line in text.splitlines() if "issued" not in line.lower()}
