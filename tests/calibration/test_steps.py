"""A small part of `make test-slow PART=metrology`: each step measures, and sees what is planted."""

import numpy as np
import pytest

from tests.calibration.proving import BOUNDS, missed, step
from tests.calibration.trials import FAULTS, STEPS

SEEDS = range(2)


@pytest.mark.parametrize("name", STEPS)
def test_a_healthy_target_passes_and_its_truth_is_near(name: str) -> None:
    seen = step(name, SEEDS, workers=1)

    assert seen.alarms == []
    for figure in seen.figures:
        assert figure.ratio < 9, figure  # nine sigma squared: no chance, but a wrong formula
        assert figure.largest <= BOUNDS.get(figure.name, (np.inf, False))[0], figure


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_seen(fault: str) -> None:
    assert missed(fault, SEEDS[:1], workers=1) == 0
