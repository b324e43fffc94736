"""I7: whatever comes through the real socket, the daemon goes on, and takes nothing that is wrong.

`make test-slow PART=fuzz` sends a million messages and 10,000 connections of each kind.
"""

import os
import random
import tempfile
from pathlib import Path

import pytest

from drivers.scanner.curve import Curve
from tests.edge.daemon.rig import Rig
from tests.fault import page
from tests.wire.curved import make
from tests.wire.fuzz import Fuzzer, malformed, resident_kb

MESSAGES = int(os.environ.get("MESSAGES", "1000000"))
CONNECTIONS = int(os.environ.get("CONNECTIONS", "10000"))
STEPS = 10


def step(folder: Path, seed: int, messages: int, connections: int) -> dict[str, int]:
    """One daemon: the odd ones on tcp with keys, the even ones on ipc."""
    chance = random.Random(seed)  # noqa: S311
    curve: Curve | None = None
    rig = Rig(folder, {"engine": "idle"})
    if seed % 2:
        rig = curved = make(folder)
        curve = curved.allowed("fuzzer")
    rig.start().wait_ready()
    assert rig.process is not None
    fuzzer = Fuzzer(rig, chance, curve)
    warm = messages // 5 // 200 * 200
    fuzzer.run(warm)
    malformed(rig, connections // 5, chance)
    before = resident_kb(rig.process.pid)
    fuzzer.run(messages - warm)
    malformed(rig, connections - connections // 5, chance)
    fuzzer.begin()
    after = resident_kb(rig.process.pid)
    fuzzer.close()
    status = rig.ask("status")
    assert rig.is_alive, rig.log
    ended = {"before_kb": before, "after_kb": after, "connections": connections}
    ended["rubbish"] = sum(
        status["counts"].get(f"drivers_{why}", 0)
        for why in ("handshake_failed", "no_greeting", "disconnected")
    )
    assert rig.end() == 0, rig.log
    return dict(fuzzer.counts) | ended


@pytest.mark.parametrize("seed", [0, 1])
def test_i7_mutated_messages_and_connections_end_nothing_and_nothing_wrong_is_taken(
    seed: int, tmp_path: Path
) -> None:
    with tempfile.TemporaryDirectory(prefix="ce") as folder:
        counts = step(Path(folder), seed, 4_000, 200)
    assert counts["accepted and right"] > 20, counts
    assert counts["error"] > 1_000, counts
    assert counts["rubbish"] > 100, counts


@pytest.mark.slow
@pytest.mark.timeout(45 * 60)
def test_fuzz_whole() -> None:
    done = page.Done("fuzz")
    for seed in range(len(done.steps), STEPS):
        with tempfile.TemporaryDirectory(prefix="ce") as folder:
            done.add(step(Path(folder), seed, MESSAGES // STEPS, 2 * CONNECTIONS // STEPS))
    total = {key: sum(each.get(key, 0) for each in done.steps) for key in done.steps[0]}
    growth = max(each["after_kb"] / each["before_kb"] - 1 for each in done.steps)
    page.write(
        "Rubbish ends nothing",
        f"""
`MESSAGES={total["messages"]} CONNECTIONS={total["connections"] // 2} make test-slow PART=fuzz`:
{total["messages"]:,} messages, mutated from `tests/wire/corpus.jsonl`, by a driver with a
live session, and {total["connections"]:,} malformed connections, half of each to an `ipc://` socket
and half to `tcp://` with keys; {STEPS} daemons with the idle engine. What was taken was held
against `docs/schemas`, read by another library, and a CRC-32C of another make.

| looked for | found |
| --- | --- |
| daemons that ended | 0 of {STEPS} |
| wrong messages that were taken | 0 of {total["accepted and right"]:,} that were taken |
| refused in words | {total["error"] + total.get("refused", 0):,} |
| resident memory, from a fifth of the run to its end | at most {growth:+.1%} |
""",
    )
    assert growth <= 0.01
