"""I2, I3: whatever operation on a file fails, in whatever way, nothing untrue is told.

`make test-slow PART=fileops` lets each kind fail on each file: its first, its middle, its last.
"""

import random
from pathlib import Path

import pytest

from tests.fault import fileops, page, shim
from tests.fault.fileops import Site

WAL = "slides/*/slide.sqlite-wal"


def test_i2_a_failed_operation_ends_the_daemon_and_the_next_one_goes_on(tmp_path: Path) -> None:
    library = shim.build(tmp_path)
    whole = fileops.unbroken(library)
    for site, how, restarts in (
        (Site("sync", WAL, 6), "5", 1),
        (Site("write", WAL, 30), "short", 0),
    ):
        outcome = fileops.run(library, site.fault(how), whole)
        assert outcome.has_fired
        assert outcome.restarts == restarts


@pytest.mark.slow
@pytest.mark.timeout(45 * 60)
def test_fileops_whole(tmp_path: Path) -> None:
    library, done = shim.build(tmp_path), page.Done("fileops")
    whole = fileops.unbroken(library)
    faults = [site.fault(how) for site in fileops.sites(whole.ops) for how in fileops.ways(site)]
    random.Random(8).shuffle(faults)  # noqa: S311
    tried = {step[0] for step in done.steps}
    for fault in (fault for fault in faults if fault not in tried):
        try:
            outcome = fileops.run(library, fault, whole)
        except BaseException as error:
            error.add_note(fault)
            raise
        done.add([fault, outcome.has_fired, outcome.restarts, outcome.silent_s])
    page.write("A file operation that fails", section(done.steps, len(faults)))
    assert all(silent_s < fileops.HANG_S for *_, silent_s in done.steps)


def section(steps: list[tuple[str, bool, int, float]], planned: int) -> str:
    fired = [step for step in steps if step[1]]
    went_on = sum(step[2] == 0 for step in fired)
    slowest = sorted(step[3] for step in steps)
    return f"""
`make test-slow PART=fileops`: a slide of {fileops.FIELDS} fields with the idle engine. Each kind of
operation (create, open, write, sync, truncate, rename, unlink, mkdir) on each file of the state
folder fails at its first, its middle and its last time, with EIO, ENOSPC, EROFS, and, a write, by
falling short. {len(steps)} of {planned} faults were tried; {len(fired)} met their operation. A
service manager starts the daemon again when it ends; nobody does anything else.

| | |
| --- | --- |
| an image told committed that was not in the file | 0 |
| verdicts and records other than the unbroken run's, entries that `verify` finds bad | 0 |
| the daemon went on | {went_on} |
| it ended and was started again | {len(fired) - went_on} |
| seconds until the driver heard the next answer: median, slowest (limit {fileops.HANG_S:.0f}) | \
{slowest[len(slowest) // 2]:.1f}, {slowest[-1]:.1f} |
"""
