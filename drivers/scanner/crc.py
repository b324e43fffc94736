"""CRC-32C (Castagnoli), the checksum of every pixel part.

Source: RFC 3720 appendix B.4: polynomial 0x1EDC6F41, reflected, register and result inverted.
"""

from functools import lru_cache

try:
    import google_crc32c
except ImportError:
    google_crc32c = None  # type: ignore[assignment]

_REFLECTED = 0x82F63B78
_CHUNK_BYTES = 256 * 1024
"""Stays in a second-level cache."""


def crc32c_hex(data: bytes | bytearray | memoryview) -> str:
    """The CRC-32C of a contiguous buffer, as 8 lower-case hex digits.

    With google-crc32c at the speed of memory; without it right, and some hundred times slower.
    """
    crc = _python(data) if google_crc32c is None else _google(data)
    return f"{crc:08x}"


def _google(data: bytes | bytearray | memoryview) -> int:
    """By google-crc32c, which takes `bytes`, a `zmq.Frame` or an array, but no memoryview.

    A view of the whole of such an object is read through the object, without a copy. Any other is
    copied in pieces that stay in the cache.
    """
    whole = data.obj if isinstance(data, memoryview) else data
    view = memoryview(data).cast("B")
    if memoryview(whole).nbytes == view.nbytes:
        try:
            return int(google_crc32c.value(whole))
        except TypeError:
            pass
    crc = 0
    for start in range(0, view.nbytes, _CHUNK_BYTES):
        crc = google_crc32c.extend(crc, bytes(view[start : start + _CHUNK_BYTES]))
    return crc


def _python(data: bytes | bytearray | memoryview) -> int:
    """By the standard library alone.

    A chunk is a polynomial with a bit a term, the first bit being the highest term. Its first half
    times x^k modulo the polynomial is added to its second half, until little is left; on big
    integers that is some sixteen shifts a halving.
    """
    view = memoryview(data).cast("B")
    register = 0xFFFFFFFF
    for start in range(0, view.nbytes, _CHUNK_BYTES):
        chunk = view[start : start + _CHUNK_BYTES]
        terms, bits = int.from_bytes(chunk, "little"), 8 * chunk.nbytes
        terms ^= register
        while bits > 256:
            half = (bits - 31) // 2
            first, second = terms & ((1 << half) - 1), terms >> half
            bits -= half
            product = 0
            for shift in _set_bits_of_power(bits):
                product ^= first << shift
            terms = second ^ (product << (bits - half - 31))
        for _ in range(bits):
            terms = (terms >> 1) ^ (_REFLECTED if terms & 1 else 0)
        register = terms
    return register ^ 0xFFFFFFFF


@lru_cache(maxsize=256)
def _set_bits_of_power(exponent: int) -> tuple[int, ...]:
    """The set bits of x^exponent modulo the polynomial, reflected: bit 31 is x^0."""
    power = 1 << 31
    for digit in f"{exponent:b}":
        square = 0
        for bit in range(32):  # power * power, by Horner's rule from x^31 down
            square = (square >> 1) ^ (_REFLECTED if square & 1 else 0)
            if power >> bit & 1:
                square ^= power
        power = square
        if digit == "1":
            power = (power >> 1) ^ (_REFLECTED if power & 1 else 0)
    return tuple(bit for bit in range(32) if power >> bit & 1)
