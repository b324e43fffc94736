"""The disk's floor: no new slide, the running one is finished, and people are told."""

import shutil
import subprocess
import tempfile
import threading
from pathlib import Path

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
        waiting = threading.Thread(target=rig.scan, args=(slide(2, slide="other"), None, "other"))
        waiting.start()
        rig.wait_until(lambda s: "disk_low" in {alert["id"] for alert in s["alerts"]})
        ended = rig.scan(slide(fields=2))
        still = [each["slide"] for each in rig.ask("slides")["slides"]]
        filler.unlink()
        waiting.join()
        assert rig.ask("verdict", "other")["verdict"] is not None
        assert rig.end() == 0
    assert ended.verdict is not None
    assert still == ["sim-3"]
