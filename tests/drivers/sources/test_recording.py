"""A recording: what was written is read, and a cut is said."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.problem import Refusal
from drivers.sources.recording import RecordingReader, RecordingWriter

MESSAGES = [[b'{"type":"open_slide"}', b"plan"], [b"header", os.urandom(1_000)], [b"last"]]


def write(path: Path, messages: Sequence[Sequence[bytes]]) -> Path:
    path.unlink(missing_ok=True)
    with RecordingWriter(path, "2026-01-01T00:00:00Z", "test") as writer:
        for parts in messages:
            writer.write(parts)
        assert writer.messages == len(messages)
    return path


@settings(deadline=None, max_examples=50)
@given(messages=st.lists(st.lists(st.binary(max_size=300), min_size=1, max_size=2), max_size=6))
def test_what_was_written_is_read(
    messages: list[list[bytes]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    reader = RecordingReader(write(tmp_path_factory.getbasetemp() / "round", messages))
    assert list(reader.messages()) == messages
    assert not reader.is_cut_short


@settings(deadline=None, max_examples=60)
@given(cut=st.integers(1, 1_000))
def test_a_file_cut_anywhere_is_read_up_to_its_last_whole_message(
    cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = write(tmp_path_factory.getbasetemp() / "cut", MESSAGES)
    whole = path.read_bytes()
    first_line = whole.index(b"\n") + 1
    path.write_bytes(whole[: max(first_line, len(whole) - cut)])
    reader = RecordingReader(path)
    read = list(reader.messages())
    assert read == MESSAGES[: len(read)]
    rest = sum(1 + sum(8 + len(part) for part in parts) for parts in read)
    assert reader.is_cut_short == (first_line + rest < path.stat().st_size)


def test_a_file_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    path = write(tmp_path / "one", MESSAGES)
    with pytest.raises(Refusal, match="File exists"):
        RecordingWriter(path, "now", "test")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is no recording"),
        (b"PNG\n", "is no recording"),
        (b'{"kind":"something"}\n', "is no recording"),
        (b'{"kind":"cytoedge recording","version":1}', "is no recording"),
        (b'{"kind":"cytoedge recording","version":2}\n', "is of version 2"),
        (b'{"kind":"cytoedge recording","version":1}\n\x07', "is damaged"),
        (b'{"kind":"cytoedge recording","version":1}\n\x01' + b"\xff" * 8, "is damaged"),
    ],
)
def test_what_is_no_recording_is_refused(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(Refusal, match=why):
        list(RecordingReader(path).messages())


def test_a_recording_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="No such file"):
        RecordingReader(tmp_path / "gone").check()
