import os
from collections.abc import Callable

import pytest
import zmq
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.scanner import crc

BOTH = pytest.mark.parametrize("checksum", [crc._google, crc._python])


@BOTH
@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"123456789", 0xE3069283),
        (b"", 0),
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(reversed(range(32))), 0x113FDB5C),
    ],
)
def test_it_gives_the_vectors_of_rfc_3720(
    checksum: Callable[[bytes], int], data: bytes, expected: int
) -> None:
    assert checksum(data) == expected


@settings(deadline=None)
@given(st.binary(max_size=600))
def test_both_ways_agree_on_anything(data: bytes) -> None:
    assert crc._python(data) == crc._google(data)


@pytest.mark.parametrize("extra", [-33, -1, 0, 1, 31, 32, 33, 70_001])
def test_both_ways_agree_around_the_end_of_a_chunk(extra: int) -> None:
    data = os.urandom(crc._CHUNK_BYTES + extra)
    assert crc._python(data) == crc._google(data)


@BOTH
def test_every_kind_of_buffer_gives_the_same(checksum: Callable[[object], int]) -> None:
    data = os.urandom(3 * crc._CHUNK_BYTES + 5)
    expected = checksum(data)
    frame = zmq.Frame(data)
    for buffer in (bytearray(data), memoryview(data), memoryview(bytearray(data)), frame.buffer):
        assert checksum(buffer) == expected


@BOTH
def test_a_view_of_a_part_is_not_taken_for_the_whole(checksum: Callable[[object], int]) -> None:
    data = os.urandom(1000)
    assert checksum(memoryview(data)[10:900]) == checksum(data[10:900])


def test_it_is_written_as_eight_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    assert crc.crc32c_hex(b"") == "00000000"
    assert crc.crc32c_hex(b"123456789") == "e3069283"
    monkeypatch.setattr(crc, "google_crc32c", None)
    assert crc.crc32c_hex(b"123456789") == "e3069283"
