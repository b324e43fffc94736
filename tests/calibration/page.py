"""The page that the whole proof writes: `docs/calibration-proof.md`."""

from collections.abc import Mapping

from tests.calibration.proving import BOUNDS, Step


def written(
    seed: int, targets: int, planted: int, steps: Mapping[str, Step], missed: Mapping[str, int]
) -> str:
    """The page."""
    figures = [
        f"| {f.name} | {f.count:,} | {f.held:.1%} | {f.ratio:.2f} | {_error(f.name, f.largest)} |"
        for step in steps.values()
        for f in step.figures
    ]
    others = [
        f"| {name} {figure} | {mean:.3g} | {worst:.3g} |"
        for name, step in steps.items()
        for figure, (mean, worst) in step.extremes.items()
    ]
    alarms = [f"| {name} | {len(step.alarms)} |" for name, step in steps.items()]
    faults = [f"| {fault} | {count} |" for fault, count in missed.items()]
    return f"""# Do the calibration's steps measure what is true?

Each step saw {targets:,} simulated targets of 640 x 512 px at 0.25 um/px, with noise, optics and a
truth of their own (`drivers/sources/targets`). In process: no protocol, no stage. Written by
`make test-slow PART=metrology SEED={seed} TARGETS={targets} FAULTS={planted}`; without the last
two, 1,000 targets a step and a fault.

## Intervals

The share of k = 2 intervals that hold the truth (at least 95 %), the mean squared error over the
stated uncertainty (0.5 to 1.5), and the largest error, with its bound where there is one.
`sharpness` has nine zones a target.

| figure | intervals | hold the truth | ratio | largest error |
| --- | --- | --- | --- | --- |
{chr(10).join(figures)}

Figures that have no single truth, over the same targets:

| figure | mean | largest |
| --- | --- | --- |
{chr(10).join(others)}

## Healthy targets that were refused

Of {targets:,} each, at most 1 in 1,000.

| step | false alarms |
| --- | --- |
{chr(10).join(alarms)}

## Planted faults that were not seen

Of {planted:,} each, at most 1 in 1,000. A wrong target, a wrong objective, a blur, a drive that
stands still and exchanged colours count as seen only if they are told as such; `wrong target` shows
a blank to six steps and a grid to the flat field, and is missed if one of the seven is content.

| fault | missed |
| --- | --- |
{chr(10).join(faults)}
"""


def _error(name: str, largest: float) -> str:
    if name not in BOUNDS:
        return f"{largest:.3g}"
    bound, is_share = BOUNDS[name]
    if is_share:
        return f"{largest:.3%} (at most {bound:.1%})"
    return f"{largest:.3g} (at most {bound:g})"
