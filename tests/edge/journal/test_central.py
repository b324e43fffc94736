"""I8: the chain names the first entry that was changed, cut, forged or put in."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from edge.journal import chain, signing
from edge.journal.central import Central
from edge.journal.chain import Broken, Entry, Head
from edge.journal.durable import DamagedFile, StoreFault, open_durable


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Five verdicts after the signer's own entry, of two processes."""
    for _ in range(2):
        central = Central(tmp_path)
        for n in range(5):
            central.enter(f"S-{n}", 1, b"verdict %d" % n, 7, "seal")
        central.close()
    return tmp_path


def change(state: Path, statement: str, *values: str | int | bytes) -> None:
    with closing(sqlite3.connect(state / "cytoedge.sqlite")) as sql, sql:
        sql.execute(statement, values)


def entries(state: Path) -> list[Entry]:
    central = Central(state, read_only=True)
    found = list(central.entries())
    central.close()
    return found


def broken(state: Path, *heads: Head) -> Broken | None:
    central = Central(state, read_only=True)
    noted, device = central.head(), signing.known(state)
    found = list(central.entries())
    central.close()
    assert noted is not None
    assert device is not None
    return chain.first_broken(found, [noted, *heads], device.public)


def test_each_verdict_is_in_the_chain_once_and_the_key_first(state: Path) -> None:
    assert [entry.kind for entry in entries(state)] == ["signer"] + ["verdict"] * 5
    assert broken(state) is None


@pytest.mark.parametrize("column", ["at_us", "kind", "who", "what", "hash", "signature", "seq"])
def test_an_entry_that_was_changed_is_the_first_broken(state: Path, column: str) -> None:
    change(state, f"UPDATE chain SET {column} = 77 WHERE seq = 4")  # noqa: S608
    found = broken(state)
    assert found is not None
    assert found.seq == 4


@pytest.mark.parametrize("value", [b"bytes", "not json", 7])
def test_no_content_breaks_the_search(state: Path, value: bytes | str | int) -> None:
    change(state, "UPDATE chain SET what = ? WHERE seq = 2", value)
    found = broken(state)
    assert found is not None
    assert found.seq == 2


@pytest.mark.parametrize("taken", range(1, 7))
def test_an_entry_that_was_taken_out_is_missed_also_the_last(state: Path, taken: int) -> None:
    change(state, "DELETE FROM chain WHERE seq = ?", taken)
    found = broken(state)
    assert found is not None
    assert found.seq == taken
    assert "missing" in found.what


def test_a_chain_whose_hashes_were_made_again_lacks_the_devices_signature(state: Path) -> None:
    _forge(state, entries(state)[2:], "another", None)
    found = broken(state)
    assert found is not None
    assert (found.seq, "not signed by the device" in found.what) == (3, True)


def test_a_chain_that_was_forged_with_another_key_is_not_this_devices(
    state: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    forger = signing.device(tmp_path_factory.mktemp("forger"))
    key = {"key": forger.public}
    change(state, "DELETE FROM chain WHERE seq >= 3")
    change(state, "INSERT INTO chain VALUES (3, 7, 'signer', 'x', ?, '', '')", json.dumps(key))
    _forge(state, entries(state)[2:], "forged", forger)
    (state / "head").unlink()
    found = chain.first_broken(entries(state), [], signing.device(state).public)
    assert found == Broken(3, "entry 3 (signer) names another key than this device's")


def test_a_chain_and_head_that_were_both_cut_are_found_by_a_head_noted_elsewhere(
    state: Path,
) -> None:
    found = entries(state)
    noted = Head(found[5].seq, found[5].hash)
    assert broken(state, noted) is None
    change(state, "DELETE FROM chain WHERE seq > 4")
    (state / "head").write_text(f"{Head(found[3].seq, found[3].hash)}\n")
    assert broken(state) is None
    cut = broken(state, noted)
    assert cut is not None
    assert cut.seq == 5


def test_a_new_device_goes_on_under_its_own_key(state: Path) -> None:
    (state / signing.FILE).unlink()
    Central(state).close()
    assert [entry.kind for entry in entries(state)].count("signer") == 2
    assert broken(state) is None


def test_two_processes_append_to_one_chain(state: Path) -> None:
    one, other = Central(state), Central(state)
    for n in range(5):
        one.audit("stranger_refused", "driver", {"n": n})
        other.audit("key_revoked", "somebody", {"n": n})
    one.close()
    other.close()
    assert len(entries(state)) == 16
    assert broken(state) is None


def test_identifiers_stand_in_one_table_and_the_chain_knows_only_their_hash(state: Path) -> None:
    central = Central(state)
    for _ in range(2):
        central.identify("S-1", "BARCODE-4711", "somebody")
    assert central.identifiers("S-1")[:2] == ("BARCODE-4711", "somebody")
    assert central.identified() == ["S-1"]
    assert [e.kind for e in central.entries()].count("identified") == 1
    assert not any("4711" in entry.what for entry in central.entries())
    central.forget("S-1", "somebody", "asked for")
    assert central.identifiers("S-1") == ("", "", "")
    assert central.has(chain.DELETED, "S-1")
    central.close()
    assert broken(state) is None


def test_only_the_services_account_reads_the_key(state: Path) -> None:
    assert (state / signing.FILE).stat().st_mode & 0o077 == 0
    (state / signing.FILE).write_bytes(b"short")
    with pytest.raises(StoreFault, match=r"signing\.key"):
        signing.known(state)


def test_a_file_is_brought_from_form_to_form_once_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "file.sqlite"
    first = "CREATE TABLE a (x); INSERT INTO a VALUES (1);"
    second = "ALTER TABLE a ADD COLUMN y; UPDATE a SET y = x + 1;"
    open_durable(path, [first], read_only=False).close()
    with pytest.raises(StoreFault, match="of form 1, older than 2"):
        open_durable(path, [first, second], read_only=True)
    for _ in range(2):
        with closing(open_durable(path, [first, second], read_only=False)) as sql:
            assert sql.execute("SELECT * FROM a").fetchall() == [(1, 2)]
    with pytest.raises(StoreFault, match="of form 2; this software knows 1"):
        open_durable(path, [first], read_only=False)


def test_a_step_that_fails_leaves_the_file_in_its_older_form(tmp_path: Path) -> None:
    path = tmp_path / "file.sqlite"
    open_durable(path, ["CREATE TABLE a (x);"], read_only=False).close()
    with pytest.raises(StoreFault):
        open_durable(
            path,
            ["CREATE TABLE a (x);", "CREATE TABLE b (x); INSERT INTO c VALUES (1);"],
            read_only=False,
        )
    with closing(open_durable(path, ["CREATE TABLE a (x);"], read_only=False)) as sql:
        assert sql.execute("SELECT name FROM sqlite_master").fetchall() == [("a",)]


def test_a_central_file_of_rubbish_says_so(tmp_path: Path) -> None:
    (tmp_path / "cytoedge.sqlite").write_bytes(b"rubbish" * 1_000)
    with pytest.raises(DamagedFile):
        Central(tmp_path)


def _forge(state: Path, from_: list[Entry], who: str, forger: signing.Signer | None) -> None:
    """Make entries' hashes again, by another hand."""
    previous = entries(state)[from_[0].seq - 2].hash
    for entry in from_:
        changed = chain.entry_hash(previous, entry.seq, entry.at_us, entry.kind, who, entry.what)
        signature = entry.signature if forger is None else forger.sign(changed)
        change(
            state,
            "UPDATE chain SET who = ?, hash = ?, signature = ? WHERE seq = ?",
            who, changed, signature, entry.seq,
        )  # fmt: skip
        previous = changed
