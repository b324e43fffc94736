"""The disk's floor: no new slide, the running one is finished, and people are told."""

import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from drivers.scanner.question import LinkRefused
from drivers.scanner.words import Code
from tests.edge.daemon.rig import Rig, slide
from tests.edge.daemon.test_no_silent_negative_end_to_end import _tmpfs, send_some


def test_under_the_floor_no_slide_is_opened_and_the_open_one_is_finished() -> None:
    with tempfile.TemporaryDirectory(prefix="ce") as name, _tmpfs(Path(name)) as state:
        subprocess.run(["mount", "-o", "remount,size=4m", str(state)], check=True)
        changed = {"state_dir": str(state), "free_disk_percent": 50, "engine": "idle"}
        rig = Rig(Path(name), changed).start()
        send_some(rig, slide(fields=2), 1)
        filler = state / "filler"
        filler.write_bytes(bytes(shutil.disk_usage(state).free * 2 // 3))
        with pytest.raises(LinkRefused) as refused:
            rig.scan(slide(fields=2, slide="other"))
        status = rig.ask("status")
        ended = rig.scan(slide(fields=2))
        filler.unlink()
        assert rig.end() == 0
    assert refused.value.code is Code.DISK
    assert [alert["id"] for alert in status["alerts"]] == ["disk_low"]
    assert ended.verdict is not None
