"""I6: a driver that floods is named and shut out, and a subscriber that does not read costs nobody.

`make test-slow PART=flood` measures what another driver notices of both.
"""

import os
import tempfile
from pathlib import Path

import pytest

from tests.edge.daemon.rig import Rig
from tests.fault import page
from tests.wire.flood import Pace, flooding, paced
from tests.wire.fuzz import resident_kb

FIELDS = int(os.environ.get("FIELDS", "240"))
PACE = 2.0
CAP_MB = 1_500


def measured(folder: Path, fields: int, fields_per_s: float) -> tuple[Pace, Pace, float]:
    """A paced driver's lot alone and in the flood, and the daemon's memory in MB."""
    rig = Rig(folder, {"engine": "idle"}).start()
    rig.wait_ready()
    assert rig.process is not None
    alone = paced(rig, "alone", fields, fields_per_s)
    with flooding(rig):
        status = rig.wait_until(lambda status: status["counts"].get("drivers_flood", 0) > 0)
        flooded = paced(rig, "flooded", fields, fields_per_s)
        resident_mb = resident_kb(rig.process.pid) / 1024
    assert any("flood was refused" in alert["text"] for alert in status["alerts"])
    assert rig.end() == 0, rig.log
    return alone, flooded, resident_mb


def test_i6_a_driver_that_floods_is_named_and_shut_out_and_another_goes_on() -> None:
    with tempfile.TemporaryDirectory(prefix="ce") as folder:
        _, flooded, resident_mb = measured(Path(folder), 8, 20.0)
    assert flooded.committed == 8
    assert resident_mb < CAP_MB


@pytest.mark.slow
@pytest.mark.timeout(45 * 60)
def test_flood_whole() -> None:
    with tempfile.TemporaryDirectory(prefix="ce") as folder:
        alone, flooded, resident_mb = measured(Path(folder), FIELDS, PACE)
    page.write(
        "A flood harms no other driver",
        f"""
`FIELDS={FIELDS} make test-slow PART=flood`: a driver sends {FIELDS} fields of 512 x 512 px at
{PACE:g} a second, first alone, then while another ignores the window and comes back whenever it is
shut out, and a subscriber to all events reads none. Idle engine.

| | alone | in the flood |
| --- | --- | --- |
| fields a second | {alone.fields_per_s:.2f} | {flooded.fields_per_s:.2f} |
| answered within, p99 | {alone.p99_ms:.0f} ms | {flooded.p99_ms:.0f} ms |
| daemon's resident memory (cap {CAP_MB} MB) | | {resident_mb:.0f} MB |
""",
    )
    assert flooded.fields_per_s >= 0.95 * alone.fields_per_s
    assert flooded.p99_ms < 2 * alone.p99_ms
    assert resident_mb < CAP_MB
