"""`make test-slow PART=metrology`: each step on seeded targets with known truth, and faults.

Writes `docs/calibration-proof.md`. `SEED=N` takes other targets; `TARGETS=N` and `FAULTS=N` fewer.
"""

import os
from pathlib import Path

import pytest

from tests.calibration import page
from tests.calibration.proving import missed, step
from tests.calibration.trials import FAULTS, STEPS

SEED = int(os.environ.get("SEED", "1"))
TARGETS = int(os.environ.get("TARGETS", "1000"))
PLANTED = int(os.environ.get("FAULTS", "1000"))
WORKERS = os.cpu_count() or 1

pytestmark = [pytest.mark.slow, pytest.mark.timeout(90 * 60)]


def test_metrology_intervals_hold_the_truth_and_faults_are_seen() -> None:
    first = SEED * 1_000_000
    steps = {name: step(name, range(first, first + TARGETS), WORKERS) for name in STEPS}
    unseen = {fault: missed(fault, range(first, first + PLANTED), WORKERS) for fault in FAULTS}
    path = Path(__file__).parents[2] / "docs" / "calibration-proof.md"
    path.write_text(page.written(SEED, TARGETS, PLANTED, steps, unseen))
    wrong = [f for s in steps.values() for f in s.figures if not f.is_right]
    assert wrong == []
    assert steps["flat_field"].extremes["residual"][1] <= 1
    assert steps["colour"].extremes["deltaE mean"][0] <= 2
    assert {n: s.alarms for n, s in steps.items() if len(s.alarms) > max(1, TARGETS // 1000)} == {}
    assert {fault: n for fault, n in unseen.items() if n > max(1, PLANTED // 1000)} == {}
