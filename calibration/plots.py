"""A step's plot, and the certificate."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from textwrap import fill
from typing import Any

from calibration.steps.outcome import Outcome
from edge.slide.bundle import Bundle

_LINES = 46
"""Figures on one page of A4."""


def draw(outcome: Outcome, path: Path) -> None:
    """All curves and maps of a step in one PNG."""
    from matplotlib.figure import Figure as Canvas  # Half a second: only who plots waits for it.

    canvas = Canvas(figsize=(4.5 * len(outcome.curves), 3.6), layout="constrained")
    for i, (name, values) in enumerate(outcome.curves.items(), start=1):
        axes = canvas.add_subplot(1, len(outcome.curves), i, title=name)
        if values.ndim == 2 and values.shape[1] == 2:
            axes.plot(values[:, 0], values[:, 1], "o-")
        else:
            canvas.colorbar(axes.imshow(values, aspect="auto"), ax=axes)
    canvas.suptitle(outcome.step)
    canvas.savefig(path, dpi=110)


def certificate(bundle: Bundle, activated_by: str, path: Path) -> None:
    """The certificate, PDF, A4: what was measured, with what, by whom, for which scanner."""
    from matplotlib.backends.backend_pdf import PdfPages
    from matplotlib.figure import Figure as Canvas

    content = bundle.content
    head = [
        f"Version {content.version}    SHA-256 {bundle.sha256}",
        f"Camera {content.camera_serial}    Objective {content.objective}",
        f"Measured {_day(content.made_at_us)} by {content.operator}    "
        f"Signed by {bundle.signer}    Activated by {activated_by or 'nobody yet'}",
        f"Valid until {_day(content.valid_until_us)}    Software {content.software}",
        f"Scale {content.pm_per_px / 1e6:.6f} um/px    "
        f"Registration error of the stage (t) {content.registration_nm / 1000:.3f} um",
        *(
            fill("Target: " + ", ".join(f"{k} {v}" for k, v in t.items()), 100)
            for t in content.targets
        ),
        "Uncertainties are expanded, k = 2 (about 95 %).",
    ]
    rows = list(_rows(content.steps))
    with PdfPages(path) as pdf:
        for page, start in enumerate(range(0, max(len(rows), 1), _LINES), start=1):
            canvas = Canvas(figsize=(8.27, 11.69))
            canvas.text(0.07, 0.95, "Calibration certificate", size=18, weight="bold")
            canvas.text(0.07, 0.935, "\n".join(head), size=7.5, va="top", linespacing=1.6)
            axes = canvas.add_axes((0.07, 0.05, 0.86, 0.74))
            axes.axis("off")
            table = axes.table(
                rows[start : start + _LINES],
                colLabels=["Step", "Figure", "Value", "+- (k = 2)", "Unit", "Limits", "Result"],
                colWidths=[0.15, 0.2, 0.14, 0.12, 0.13, 0.18, 0.08],
                loc="upper center",
                cellLoc="left",
                edges="horizontal",
            )
            table.auto_set_font_size(False)
            table.set_fontsize(7)
            canvas.text(0.07, 0.03, f"Page {page} of {-(-len(rows) // _LINES)}", size=7)
            pdf.savefig(canvas)


def _rows(steps: Mapping[str, Sequence[Mapping[str, Any]]]) -> Sequence[list[str]]:
    return [
        [
            step,
            figure["name"],
            f"{float(figure['value']):.5g}",
            figure["uncertainty_k2"],
            figure["unit"],
            f"{figure['low']} to {figure['high']}".replace("-inf", "any").replace("inf", "any"),
            "pass" if figure["passes"] else "FAIL",
        ]
        for step, figures in steps.items()
        for figure in figures
    ]


def _day(at_us: int) -> str:
    return datetime.fromtimestamp(at_us / 1e6, UTC).strftime("%Y-%m-%d")
