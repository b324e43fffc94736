"""Backup, restore, export and deletion by their commands, each looked through by `verify`."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from edge.cli import app
from edge.commands.own_daemon import place
from edge.journal import chain, retention, shelf, signing
from edge.journal.central import Central
from edge.journal.retention import Keeper
from edge.settings import Retention
from tests.edge.commands.test_verifying import SLIDES, keep, rows_of, verify, wrong


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sound")
    central = Central(folder / "state")
    for slide in SLIDES:
        central.identify(slide, f"BARCODE-{slide}", "somebody")
        keep(folder / "state", slide, rows_of(slide))
    keep(folder / "state", "open", rows_of("d", None))
    central.close()
    return folder


@pytest.fixture
def folder(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "copy"))


def run(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app(), [*arguments, "--settings", str(place(folder).file)])


def kinds(folder: Path) -> list[str]:
    central = Central(folder / "state", read_only=True)
    found = [entry.kind for entry in central.entries()]
    central.close()
    return found


def test_a_backup_can_be_looked_through_and_restored_onto_a_new_device(
    folder: Path, tmp_path: Path
) -> None:
    backup, new = tmp_path / "backup", tmp_path / "new"
    running = Central(folder / "state")  # a daemon that holds it open
    done = run(folder, "backup", str(backup))
    running.close()
    assert done.exit_code == 0, done.output
    assert "4 slides" in done.stdout
    assert verify(folder, "--state", str(backup)).exit_code == 0
    assert not (backup / signing.FILE).exists()
    new.mkdir()
    assert run(new, "restore", str(backup)).exit_code == 0
    done = verify(new)
    assert done.exit_code == 0, done.output
    assert kinds(new)[-2:] == ["signer", "restored"]
    assert ", then " in done.stdout
    central = Central(new / "state")
    assert central.identifiers("a")[:2] == ("BARCODE-a", "somebody")
    central.close()
    assert list(shelf.slides(new / "state")) == ["a", "b", "c", "open"]


def test_nothing_is_written_over_and_no_changed_backup_is_taken(
    folder: Path, tmp_path: Path
) -> None:
    backup, new = tmp_path / "backup", tmp_path / "new"
    assert run(folder, "backup", str(backup)).exit_code == 0
    assert "it is there already" in run(folder, "backup", str(backup)).stderr
    assert "it holds slides already" in run(folder, "restore", str(backup)).stderr
    path = shelf.path(backup, "b")
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    new.mkdir()
    done = run(new, "restore", str(backup))
    assert done.exit_code == 2
    assert "slides/b/slide.sqlite is not as it was written" in done.stderr
    assert list(shelf.slides(new / "state")) == []
    assert run(new, "restore", str(tmp_path / "nothing")).exit_code == 2
    assert run(new, "backup", str(tmp_path / "another")).exit_code == 2


def test_a_deleted_slide_is_gone_and_the_chain_holds(folder: Path) -> None:
    done = run(folder, "slides", "delete", "b", "--why", "asked for", "--json")
    assert done.exit_code == 0, done.output
    assert not shelf.path(folder / "state", "b").parent.exists()
    assert verify(folder).exit_code == 0
    assert kinds(folder)[-1] == "deleted"
    assert not any(b"BARCODE-b" in file.read_bytes() for file in (folder / "state").glob("cyto*"))
    for slide in ("b", "open", "nobody"):
        done = run(folder, "slides", "delete", slide, "--why", "again")
        assert done.exit_code == 2
        assert "no ended slide of that id is here" in done.stderr


def test_a_deletion_that_the_power_cut_short_is_finished(folder: Path) -> None:
    central = Central(folder / "state")
    central.forget("b", "somebody", "asked for")
    assert "was deleted, and its file is still there" in wrong(folder)["chain"]["text"]
    Keeper(folder / "state", central, Retention()).finish()
    central.close()
    assert verify(folder).exit_code == 0


def test_an_exported_slide_says_the_same_and_not_whose_it_is(folder: Path, tmp_path: Path) -> None:
    to = tmp_path / "export"
    done = run(folder, "slides", "export", "b", str(to), "--as", "case-1", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["as"] == "case-1"
    assert verify(folder, "--state", str(to)).exit_code == 0
    assert verify(folder).exit_code == 0
    assert kinds(folder)[-1] == "exported"
    ours, theirs = shelf.read(folder / "state", "b"), shelf.read(to, "case-1")
    assert ours is not None
    assert theirs is not None
    issued, copied = ours.last_verdict(), theirs.last_verdict()
    assert issued is not None
    assert copied is not None
    assert (copied.body, copied.issued_at_us) == (issued.body, 0)
    ours.close()
    theirs.close()
    for word in (b"BARCODE", b"somebody"):
        assert not any(word in file.read_bytes() for file in to.rglob("*") if file.is_file())
    assert not (to / signing.FILE).exists()
    for arguments in (
        ("b", str(to)),
        ("nobody", str(tmp_path / "x")),
        ("open", str(tmp_path / "x")),
    ):
        assert run(folder, "slides", "export", *arguments).exit_code == 2
    away = ("b", str(tmp_path / "x"), "--as", "../away")
    assert "--as=../away: no slide's id" in run(folder, "slides", "export", *away).stderr


@pytest.mark.parametrize(
    ("limits", "left"),
    [
        (Retention(), ["a", "b", "c", "open"]),
        (Retention(days=1), ["open"]),
        (Retention(gigabytes=1), ["a", "b", "c", "open"]),
    ],
)
def test_only_ended_slides_that_are_too_old_are_deleted(
    folder: Path, limits: Retention, left: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    central = Central(folder / "state")
    monkeypatch.setattr(retention, "DAY_US", -(1 << 60))  # everything is older than this
    Keeper(folder / "state", central, limits).tidy()
    central.close()
    assert list(shelf.slides(folder / "state")) == left
    assert verify(folder).exit_code == 0


def test_the_oldest_are_deleted_until_the_rest_fits(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    central = Central(folder / "state")
    monkeypatch.setattr(retention, "_bytes", lambda *_: 400_000_000)
    Keeper(folder / "state", central, Retention(gigabytes=1)).tidy()
    deleted = central.slides(chain.DELETED)
    assert list(deleted) == ["a", "b"]
    assert deleted["a"].body["why"] == "over 1 GB"
    central.close()
    assert list(shelf.slides(folder / "state")) == ["c", "open"]


def test_a_slide_that_cannot_be_read_stops_a_backup_in_words(folder: Path, tmp_path: Path) -> None:
    shelf.path(folder / "state", "b").write_bytes(b"rubbish" * 1_000)
    done = run(folder, "backup", str(tmp_path / "backup"))
    assert done.exit_code == 3
    assert "slides/b/slide.sqlite" in done.stderr.replace("\n", "")
    assert not (tmp_path / "backup").exists()
