"""What a daemon finds at its start: ended slides, damaged files, another model."""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.scanner.question import LinkRefused
from drivers.scanner.words import Code
from edge.commands.checking import verify_chain, verify_slide
from edge.journal import shelf
from engines.card import CARD, LOCATOR, SHIPPED
from tests.edge.daemon.rig import Rig, slide
from tests.edge.daemon.test_no_silent_negative_end_to_end import codes, send_some


@pytest.fixture
def rig() -> Iterator[Rig]:
    with tempfile.TemporaryDirectory(prefix="ce") as name:
        rig = Rig(Path(name)).start()
        yield rig
        if rig.is_alive:
            assert rig.end() == 0


def test_a_daemon_killed_between_a_slides_end_and_its_verdict_issues_it_at_the_next_start(
    rig: Rig,
) -> None:
    scan = rig.scan(slide(fields=3))
    rig.kill()
    state = rig.place.settings.state_dir
    for path, statement in (
        (shelf.path(state, "sim-3"), "DELETE FROM verdicts"),
        (shelf.path(state, "sim-3"), "DELETE FROM sums WHERE what = 'verdict 1'"),
        (state / "cytoedge.sqlite", "DELETE FROM chain WHERE kind = 'verdict'"),
    ):
        with sqlite3.connect(path) as sql:
            sql.execute(statement)
        sql.close()
    (state / "head").unlink()
    rig.start()
    assert rig.ask("verdict", "sim-3")["verdict"] == scan.verdict
    assert rig.scan(slide(fields=3)).verdict == scan.verdict
    assert verify_slide(rig.place.settings, "sim-3").is_well
    assert verify_chain(rig.place.settings).is_well


def test_a_damaged_slide_is_set_aside_while_others_go_on(rig: Rig) -> None:
    send_some(rig, slide(fields=3), 2)
    rig.kill()
    path = shelf.path(rig.place.settings.state_dir, "sim-3")
    path.write_bytes(b"rubbish" * 2_000)
    for beside in ("-wal", "-shm"):
        path.with_name(path.name + beside).unlink(missing_ok=True)
    rig.start()
    status = rig.wait_until(lambda status: bool(status["alerts"]))
    assert [alert["id"] for alert in status["alerts"]] == ["damaged-sim-3"]
    with pytest.raises(LinkRefused) as refused:
        rig.scan(slide(fields=3))
    assert refused.value.code is Code.CONFLICT
    assert "damaged" in str(refused.value)
    assert rig.scan(slide(fields=3, slide="other")).verdict is not None


def test_i3_a_slide_is_not_read_by_another_model_than_it_was_opened_with(rig: Rig) -> None:
    send_some(rig, slide(fields=4), 2)
    rig.kill()
    other = rig.folder / "other-model"
    shutil.copytree(SHIPPED, other)
    _retrain(other)
    rig.changed["model"] = str(other)
    rig.start()
    scan = rig.scan(slide(fields=4))
    assert scan.verdict is not None
    assert scan.verdict["outcome"] == "incomplete"
    assert {"engine_changed", "unprocessed"} <= codes(scan.verdict)


def _retrain(model: Path) -> None:
    """Another network: the same weights under another hash."""
    import onnx

    from engines.build import build

    network = onnx.load(model / LOCATOR)
    network.producer_name = "somebody else"
    onnx.save(network, model / LOCATOR)
    build(model)
    assert (model / CARD).read_text() != (SHIPPED / CARD).read_text()
