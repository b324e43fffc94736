from pathlib import Path

from edge.journal.strikes import Strikes
from edge.slide.record import Image

ONE, TWO = Image(1, 1, 0), Image(2, 1, 0)


def test_what_was_in_hand_at_a_death_is_suspect_until_it_is_answered(tmp_path: Path) -> None:
    path = tmp_path / "in-hand"
    dead = Strikes(path)
    assert not dead.take("s", ONE)
    assert not dead.take("s", TWO)
    dead.answer("s", ONE)
    next_start = Strikes(path)
    assert next_start.suspects == {("s", TWO)}
    assert not next_start.take("s", ONE)
    assert next_start.take("s", TWO)
    next_start.answer("s", TWO)
    next_start.answer("s", ONE)
    assert not next_start.take("s", TWO)


def test_a_suspect_that_kills_twice_is_still_suspect(tmp_path: Path) -> None:
    path = tmp_path / "in-hand"
    Strikes(path).take("s", ONE)
    Strikes(path).take("s", ONE)
    assert Strikes(path).suspects == {("s", ONE)}


def test_a_torn_last_line_is_no_suspect(tmp_path: Path) -> None:
    path = tmp_path / "in-hand"
    Strikes(path).take("s", ONE)
    with path.open("ab") as file:
        file.write(b'["+", "s", 2')
    assert Strikes(path).suspects == {("s", ONE)}


def test_the_note_stays_small_however_long_the_daemon_runs(tmp_path: Path) -> None:
    path = tmp_path / "in-hand"
    strikes = Strikes(path)
    for n in range(10_000):
        strikes.take("s", Image(n, 1, 0))
        strikes.answer("s", Image(n, 1, 0))
    assert path.stat().st_size < 300_000
    strikes.take("s", ONE)
    strikes.close()
    assert Strikes(path).suspects == {("s", ONE)}


def test_a_process_that_ends_for_another_reason_leaves_no_suspects(tmp_path: Path) -> None:
    strikes = Strikes(tmp_path / "in-hand")
    strikes.take("S-1", Image(1, 1, 0))
    strikes.forgive()
    strikes.close()
    assert Strikes(tmp_path / "in-hand").suspects == set()
