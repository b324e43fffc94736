"""What was measured and is not signed yet: one file a step, so that a broken-off guide goes on."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from calibration import plots
from calibration.measuring import NEEDED
from calibration.steps.outcome import K, Outcome
from drivers.problem import Problem, Refusal


def keep(folder: Path, outcome: Outcome, name: str) -> dict[str, Any]:
    """Write a step's figures, plot and corrections; what was written of it.

    Args:
        folder: The draft's.
        outcome: What was measured.
        name: The step's.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written: dict[str, Any] = {
        "step": name,
        "passes": outcome.passes,
        "problem": "" if outcome.problem is None else str(outcome.problem),
        "figures": [
            {
                "name": f.name,
                "value": f"{f.value:.9g}",
                "uncertainty_k2": f"{K * f.u:.3g}",
                "unit": f.unit,
                "low": f"{f.low:.9g}",
                "high": f"{f.high:.9g}",
                "passes": f.passes,
            }
            for f in outcome.figures
        ],
        "files": {},
    }
    if outcome.curves:
        path = folder / f"{name}.png"
        plots.draw(outcome, path)
        written["files"][path.name] = _sha256(path)
    for what, array in outcome.corrections.items():
        path = folder / f"{name}.{what}.npy"
        np.save(path, array, allow_pickle=False)
        written["files"][path.name] = _sha256(path)
    write_whole(folder / f"{name}.json", json.dumps(written, indent=1).encode())
    return written


def steps(folder: Path) -> dict[str, dict[str, Any]]:
    """All steps of a draft that were measured."""
    found = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    return {step["step"]: step for step in found}


def ready(folder: Path) -> dict[str, dict[str, Any]]:
    """All steps of a draft that may be signed.

    Raises:
        Refusal: A needed step is missing, or one does not pass.
    """
    measured = steps(folder)
    missing = [step for step in NEEDED if step not in measured]
    failed = [name for name, step in measured.items() if not step["passes"]]
    if missing or failed:
        what = (
            f"not measured: {', '.join(missing) or 'none'}; failed: {', '.join(failed) or 'none'}"
        )
        remedy = "Run `cytoedge calibrate guide`"
        raise Refusal(Problem("draft", str(folder), what, remedy))
    return measured


def figure(step: dict[str, Any], name: str) -> float:
    """A figure's value."""
    return next(float(f["value"]) for f in step["figures"] if f["name"] == name)


def write_whole(path: Path, content: bytes) -> None:
    """A file that is there whole or not at all, whatever is killed."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    at = os.open(path.parent, os.O_RDONLY)
    os.fsync(at)
    os.close(at)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
