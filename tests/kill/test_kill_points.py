"""I2: killed at any point of a field's life, a daemon loses nothing and doubles nothing.

`make test-slow PART=phases` kills 1,000 times, in each phase at least 100 times; `PART=everywhere`
once at each write, fsync, rename and send of a slide; `PART=fullfields` with the shipped engine.
"""

import random
from collections import Counter
from pathlib import Path

import pytest

from drivers.sources.camera import Camera
from tests.fault import fileops, page, shim
from tests.fault.fileops import Site
from tests.kill import phases

SLIDES, KILLS, FIELDS = 67, 15, 24
FULL_SLIDES, FULL_KILLS, FULL_FIELDS = 2, 10, 14
EVERYWHERE_FIELDS = 12


def test_i2_a_daemon_killed_in_each_phase_ends_with_the_same_verdict(tmp_path: Path) -> None:
    library = shim.build(tmp_path)
    _, verdict, records = phases.run(library, 0, kills=0, fields=8)
    kills, again, same = phases.run(library, 3, kills=5, fields=8)
    assert set(kills) == set(phases.PHASES)
    assert again == verdict
    assert same == records


@pytest.mark.slow
@pytest.mark.timeout(45 * 60)
def test_phases_whole(tmp_path: Path) -> None:
    library, done = shim.build(tmp_path), page.Done("phases")
    _, verdict, records = phases.run(library, 0, kills=0, fields=FIELDS)
    for seed in range(len(done.steps), SLIDES):
        kills, again, same = phases.run(library, seed, KILLS, FIELDS)
        assert (again, same) == (verdict, records), seed
        done.add(kills)
    page.write("A daemon killed in any phase", phases_section(done.steps))


def phases_section(steps: list[dict[str, int]]) -> str:
    kills: Counter[str] = sum(map(Counter, steps), Counter())
    rows = "\n".join(f"| {phase} | {kills[phase]} |" for phase in phases.PHASES)
    return f"""
`make test-slow PART=phases`: {len(steps)} slides of {FIELDS} fields with the idle engine, the
daemon killed with SIGKILL {kills.total():,} times, at an operation that tells the phase, and
started again. No committed capture was lost, none was doubled; every slide's records and verdict
were those of the unbroken run, byte for byte.

| phase | kills |
| --- | --- |
{rows}
"""


@pytest.mark.slow
@pytest.mark.timeout(45 * 60)
def test_everywhere_whole(tmp_path: Path) -> None:
    library, done = shim.build(tmp_path), page.Done("everywhere")
    whole = fileops.unbroken(library, EVERYWHERE_FIELDS)
    faults = fileops.every(whole.ops, ("write", "sync", "rename", "send"))
    random.Random(8).shuffle(faults)  # noqa: S311
    tried = {tuple(step[:3]) for step in done.steps}
    for site in (site for site in faults if (site.op, site.pattern, site.number) not in tried):
        outcome = fileops.run(library, site.fault("before"), whole, EVERYWHERE_FIELDS)
        done.add([site.op, site.pattern, site.number, outcome.has_fired])
    page.write("A daemon killed at every operation", everywhere_section(done.steps, len(faults)))


def everywhere_section(steps: list[tuple[str, str, int, bool]], planned: int) -> str:
    fired = Counter((op, pattern) for op, pattern, _, has_fired in steps if has_fired)
    rows = "\n".join(f"| {op} | `{where}` | {n} |" for (op, where), n in sorted(fired.items()))
    return f"""
`make test-slow PART=everywhere`: a slide of {EVERYWHERE_FIELDS} fields with the idle engine, once
for each write, fsync, rename and send, at which the daemon is killed; {len(steps)} of {planned}
were tried, {fired.total()} met their operation. Every slide ended with the records and the verdict
of the unbroken run.

| operation | on | kills |
| --- | --- | --- |
{rows}
"""


@pytest.mark.slow
@pytest.mark.timeout(45 * 60)
def test_fullfields_whole(tmp_path: Path) -> None:
    library, camera = shim.build(tmp_path), Camera()
    _, verdict, records = phases.run(library, 0, 0, FULL_FIELDS, "auto", camera)
    kills: Counter[str] = Counter()
    for seed in range(FULL_SLIDES):
        done, again, same = phases.run(library, seed, FULL_KILLS, FULL_FIELDS, "auto", camera)
        assert (again, same) == (verdict, records), seed
        kills += done
    page.write(
        "A daemon killed with the shipped engine on full fields",
        f"""
`make test-slow PART=fullfields`: {FULL_SLIDES} slides of {FULL_FIELDS} fields of
{camera.width_px} x {camera.height_px} pixels, {kills.total()} kills over all phases. Records with
their crops, and verdicts, were those of the unbroken run, byte for byte.
""",
    )


def test_a_kill_point_is_an_operation_of_the_unbroken_run() -> None:
    ops = [shim.Op("write", "a", 0, 1, b""), shim.Op("send", ".", 0, 1, b"")] * 2
    assert fileops.every(ops, ("write",)) == [Site("write", "a", 1), Site("write", "a", 2)]
