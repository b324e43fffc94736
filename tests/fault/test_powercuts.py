"""I2: a power cut anywhere loses nothing that was told, and leaves no file that cannot be read.

`make test-slow PART=powercuts` cuts 10,000 times.
"""

import os
from pathlib import Path

import pytest

from tests.fault import page, powercuts, shim

CUTS, FIELDS = int(os.environ.get("CUTS", "10000")), 24
LOST_FSYNCS = (
    "slides/*/slide.sqlite-wal|6",
    "slides/*/slide.sqlite-wal|15",
    "cytoedge.sqlite-wal|3",
)
"""Fsyncs that fail: of a slide's rows early and late, and of the central file."""


def test_i2_a_power_cut_loses_nothing_that_was_told_nor_what_an_fsync_lost(tmp_path: Path) -> None:
    fault = f"sync|{LOST_FSYNCS[0]}|5"
    recording = powercuts.record(shim.build(tmp_path), 6, fault, kills=[5])
    assert any(op.op == "lost" for op in recording.ops)
    cuts, looked = powercuts.cut_and_check(recording, 600, seed=1)
    assert cuts == 600
    assert looked > cuts


@pytest.mark.slow
@pytest.mark.timeout(45 * 60)
def test_powercuts_whole(tmp_path: Path) -> None:
    library, done = shim.build(tmp_path), page.Done("powercuts")
    runs = [("", kills) for kills in ((), (7,), (5, 15))]
    runs += [(f"sync|{where}|5", ()) for where in LOST_FSYNCS]
    each = CUTS // len(runs) + 1
    for number in range(len(done.steps), len(runs)):
        fault, kills = runs[number]
        recording = powercuts.record(library, FIELDS, fault, kills)
        cuts, looked = powercuts.cut_and_check(recording, each, seed=number)
        crops = sum(op.data.count(b"\xff\xd8\xff") for op in recording.ops if op.op == "write")
        done.add([cuts, looked, len(recording.ops), crops])
    cuts, looked, ops, pictures = (sum(column) for column in zip(*done.steps, strict=True))
    page.write(
        "A power cut loses nothing that was told",
        f"""
`make test-slow PART=powercuts`: {len(runs)} slides of {FIELDS} fields with the shipped engine, in
which the daemon was also killed or met an fsync that failed; its {ops:,} operations on files were
recorded, and {cuts:,} power cuts simulated anywhere in them. Of what was not synchronised any
sector, any name and any truncation may be on the disk or not; what a failed fsync was for is not,
until it is written again. The files were then opened as at a start.

| looked for | found |
| --- | --- |
| {looked:,} committed images, with their crops and thumbnails (about {pictures:,} JPEGs written), \
byte for byte | all |
| files that can be read whole, sums that fit, a chain that holds | all |
| verdicts of slides whose end was told | all |
""",
    )
