import json
import random
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any, cast

import pytest
import zmq
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.problem import Problem, Refusal
from drivers.scanner import messages as m
from drivers.scanner.codec import (
    Bytes,
    FromWire,
    Part,
    Undecodable,
    anchor_of,
    check_pixels,
    decode_event,
    decode_from_client,
    decode_from_daemon,
    decoded_size,
    encode,
    encode_event,
    error_of,
    identity,
    refusal_of,
    window_size,
)
from drivers.scanner.words import (
    MAX_HEADER_BYTES,
    MAX_LIST_BYTES,
    MAX_PIXEL_BYTES,
    RETRY,
    Code,
    EventKind,
    Optics,
    PixelFormat,
)
from tests.wire.examples import FIELD, FROM_CLIENT, FROM_DAEMON, PLAN, WINDOW

Frames = list[Bytes]
ALL_FRAMES = [encode(*example) for example in chain(FROM_CLIENT, FROM_DAEMON)]


def decode_anything(frames: Sequence[Bytes]) -> Any:
    """Both decoders; each must give a value, whatever it is given."""
    for decode in (decode_from_client, decode_from_daemon):
        result: Any = decode(frames)
        if isinstance(result, FromWire):
            assert decode(encode(result.message, result.part)) == result
            return result
        assert isinstance(result, Undecodable)
        error = error_of(result)
        assert all((error.key, error.problem, error.remedy, error.anchor))
        assert len(encode(error)[0]) < MAX_HEADER_BYTES
    return result


def refused(frames: Sequence[Bytes]) -> Undecodable:
    result = decode_from_client(frames)
    assert isinstance(result, Undecodable), result
    return result


def header(message: m.Message = FIELD, **changes: object) -> bytes:
    return json.dumps(json.loads(message.model_dump_json()) | changes).encode()


# Round trips --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("message", "part"), FROM_CLIENT, ids=lambda value: type(value).__name__)
def test_what_a_client_says_comes_out_as_it_went_in(
    message: m.FromClient, part: Part | None
) -> None:
    assert decode_from_client(encode(message, part)) == FromWire(message, part)


@pytest.mark.parametrize(("message", "part"), FROM_DAEMON, ids=lambda value: type(value).__name__)
def test_what_the_daemon_says_comes_out_as_it_went_in(
    message: m.FromDaemon, part: Part | None
) -> None:
    assert decode_from_daemon(encode(message, part)) == FromWire(message, part)


def test_there_is_an_example_of_every_message() -> None:
    types = {type(message) for message, _ in chain(FROM_CLIENT, FROM_DAEMON)}
    assert types == {*m.FromClient.__args__, *m.FromDaemon.__args__}


def test_pixels_are_not_copied() -> None:
    frame = zmq.Frame(bytes(100))
    frames = encode(FIELD, frame.buffer)
    assert isinstance(frames[1], memoryview)
    assert cast(object, frames[1].obj) is frame
    decoded = decode_from_client([frames[0], frame.buffer])
    assert isinstance(decoded, FromWire)
    assert isinstance(decoded.part, memoryview)
    assert cast(object, decoded.part.obj) is frame


def test_an_event_comes_out_as_it_went_in() -> None:
    event = m.Event(kind=EventKind.HEALTH, slide=None, boot="b2", seq=7, body={"alerts": []})
    frames = encode_event(event)
    assert frames[0] == b"health/"
    assert decode_event(frames) == event


@pytest.mark.parametrize(
    "frames", [[b"health/"], [b"x", b"{"], [b"x", b"{}"], [b"x", b'{"a":NaN}']]
)
def test_an_event_that_is_none_is_refused(frames: list[bytes]) -> None:
    assert isinstance(decode_event(frames), Undecodable)


# What is refused ----------------------------------------------------------------------------------

WRONG: dict[str, tuple[Frames, str, str]] = {
    "nothing": ([], "message", "no header"),
    "not UTF-8": ([b"\xff\xfe"], "message", "UTF-8"),
    "not JSON": ([b"hello"], "message", "JSON"),
    "half a message": ([header()[:-5], b"x"], "message", "JSON"),
    "a list": ([b"[]"], "message", "object"),
    "no type": ([b"{}"], "type", "discriminator"),
    "unknown type": ([header(type="feild"), b"x"], "type", "tag"),
    "unknown key": ([header(z_um=3), b"x"], "z_um", "not permitted"),
    "key twice": ([header()[:-1] + b',"field":13}', b"x"], "field", "twice"),
    "key twice within": ([b'{"ext":{"a":1,"a":2}}'], "a", "twice"),
    "missing key": ([b'{"type":"ping","id":"x"}'], "session", "required"),
    "NaN": ([header().replace(b'"z_nm": -3200', b'"z_nm": NaN'), b"x"], "number", "JSON"),
    "infinity": ([header()[:-1] + b',"ext":{"b":1e999}}', b"x"], "number", "JSON"),
    "minus infinity": ([header()[:-1] + b',"ext":{"b":-Infinity}}', b"x"], "number", "JSON"),
    "deep": ([b'{"ext":' + b"[" * 8 + b"]" * 8 + b"}"], "message", "deeper"),
    "very deep": ([b"[" * 16_000], "message", "deeper"),
    "float": ([header(field=3.0), b"x"], "field", "integer"),
    "truth": ([header(field=True), b"x"], "field", "integer"),
    "text for a number": ([header(field="3"), b"x"], "field", "integer"),
    "negative": ([header(width_px=-1), b"x"], "width_px", "greater"),
    "too large": ([header(width_px=2**31), b"x"], "width_px", "less"),
    "huge number": ([header()[:-1] + b',"ext":{"a":' + b"9" * 9_000 + b"}}", b"x"], "message", ""),
    "unknown format": ([header(format="BayerXX8"), b"x"], "format", "RGB8"),
    "checksum": ([header(checksum="E3069283"), b"x"], "checksum", "pattern"),
    "path as id": ([header(slide="../../etc"), b"x"], "slide", "pattern"),
    "id with a line end": ([header(slide="S-1\n"), b"x"], "slide", "pattern"),
    "long header": ([header(ext={"a": "x" * MAX_HEADER_BYTES}), b"x"], "header", "16384"),
    "no pixels": ([header()], "field", "second part"),
    "three parts": ([header(), b"x", b"y"], "field", "second part"),
    "a part too much": ([header(FROM_CLIENT[2][0]), b"x"], "ping", "nothing else"),
    "bad list": ([header(FROM_CLIENT[3][0]), b"[]"], "message", "object"),
    "list with an unknown key": ([header(FROM_CLIENT[7][0]), b'{"x":1}'], "committed", "required"),
    "long list": ([header(FROM_CLIENT[7][0]), b" " * (MAX_LIST_BYTES + 1)], "part 2", "4194304"),
    "wide list": (
        [header(FROM_CLIENT[7][0]), json.dumps({f"{n}": n for n in range(20_000)}).encode()],
        "message",
        "10000",
    ),
    "wrong entries": (
        [header(FROM_CLIENT[7][0]), b'{"committed":[' + b"1," * 99_999 + b"1]}"],
        "committed[0]",
        "object",
    ),
}


@pytest.mark.parametrize(("frames", "key", "problem"), WRONG.values(), ids=WRONG.keys())
def test_i7_what_is_wrong_is_refused_and_named(frames: Frames, key: str, problem: str) -> None:
    wrong = refused(frames)
    assert wrong.code is Code.MESSAGE
    assert wrong.problem.key == key
    assert problem in wrong.problem.problem
    assert wrong.problem.remedy
    decode_anything(frames)


def test_the_id_is_echoed_where_it_could_be_read() -> None:
    assert refused([header(z_um=3), b"x"]).re == "d-7"
    assert refused([header(z_um=3), b"x"]).message == "field"
    assert refused([header(id="../x"), b"x"]).re is None
    assert refused([header(type=7), b"x"]).message == ""
    assert refused([b"nonsense"]).re is None


def test_a_told_part_is_an_object() -> None:
    told = encode(*FROM_DAEMON[-1])
    assert isinstance(decode_from_daemon([told[0], b"[]"]), Undecodable)


def test_a_long_unknown_key_is_shortened() -> None:
    error = error_of(refused([json.dumps({"type": "ping", "é" * 3_000: 1}).encode()]))
    assert len(error.key) <= 200


def test_encoding_refuses_what_decoding_would() -> None:
    for message, part in ((FIELD, None), (FROM_CLIENT[2][0], b"x")):
        with pytest.raises(Refusal, match="part"):
            encode(message, part)
    with pytest.raises(Refusal, match="header"):
        encode(FIELD.model_copy(update={"ext": {"a": "x" * MAX_HEADER_BYTES}}), b"x")
    with pytest.raises(Refusal, match="part 2"):
        encode(FROM_DAEMON[-1][0], {"a": "x" * MAX_LIST_BYTES})


# Rubbish ------------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4)
    ),
    max_leaves=20,
)


@settings(deadline=None)
@given(st.lists(st.binary(max_size=200), max_size=4))
def test_i7_random_bytes_are_refused(frames: list[bytes]) -> None:
    assert isinstance(decode_anything(frames), Undecodable)


@settings(deadline=None)
@given(JSON, JSON)
def test_random_json_is_refused(first: object, second: object) -> None:
    decode_anything([json.dumps(first).encode()])
    decode_anything([json.dumps(first).encode(), json.dumps(second).encode()])


def _flip(frames: Frames, chance: random.Random) -> Frames:
    which = chance.randrange(len(frames))
    changed = bytearray(frames[which])
    for _ in range(chance.randint(1, 4)):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return [bytes(changed) if n == which else frame for n, frame in enumerate(frames)]


def _cut(frames: Frames, chance: random.Random) -> Frames:
    return [frame[: chance.randrange(len(frame) + 1)] for frame in frames]


def _mix(frames: Frames, chance: random.Random) -> Frames:
    other = chance.choice(ALL_FRAMES)
    return [*frames[: chance.randint(0, 2)], *other[chance.randint(0, 1) :]]


def _deepen(frames: Frames, chance: random.Random) -> Frames:
    depth = chance.choice((5, 9, 2_000))
    text = bytes(frames[0])[:-1] + b',"ext":{"a":' + b'{"a":' * depth + b"1" + b"}" * depth + b"}}"
    return [text, *frames[1:]]


def _repeat_a_key(frames: Frames, chance: random.Random) -> Frames:
    read = json.loads(bytes(frames[0]))
    key = chance.choice(sorted(read))
    pair = json.dumps({key: read[key]})[1:-1].encode()
    return [bytes(frames[0])[:-1] + b"," + pair + b"}", *frames[1:]]


MUTATIONS: list[Callable[[Frames, random.Random], Frames]] = [
    _flip,
    _cut,
    _mix,
    _deepen,
    _repeat_a_key,
]


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(ALL_FRAMES), st.sampled_from(MUTATIONS), st.randoms(use_true_random=False))
def test_i7_mutated_messages_are_parsed_or_refused(
    frames: Frames,
    mutate: Callable[[Frames, random.Random], Frames],
    chance: random.Random,
) -> None:
    result = decode_anything(mutate(frames, chance))
    if mutate is _repeat_a_key:
        assert isinstance(result, Undecodable)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(ALL_FRAMES), st.data(), JSON)
def test_a_value_of_another_kind_is_parsed_or_refused(
    frames: Frames, data: st.DataObject, value: object
) -> None:
    read = json.loads(bytes(frames[0]))
    read[data.draw(st.sampled_from(sorted(read)) | st.text(max_size=5))] = value
    decode_anything([json.dumps(read).encode(), *frames[1:]])


# Refusals -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", Code)
def test_a_refusal_says_all_that_a_driver_needs(code: Code) -> None:
    what = Problem("field", "x" * 500, "is not right", "Do otherwise")
    answer = refusal_of(FIELD, code, what, WINDOW)
    assert (answer.re, answer.slide, answer.field, answer.capture, answer.plane) == (
        "d-7",
        "S-26-0123",
        12,
        1,
        0,
    )
    assert answer.retry is (code in RETRY)
    assert answer.anchor == anchor_of(code)
    assert len(answer.value) == 200
    assert decode_from_daemon(encode(answer)) == FromWire(answer, None)


def test_a_refusal_of_a_message_without_a_slide_names_none() -> None:
    answer = refusal_of(FROM_CLIENT[0][0], Code.BUSY, Problem("a", "b", "c", "d"))
    assert answer.slide is None
    assert answer.window is None


# Images -------------------------------------------------------------------------------------------


def picture(format_: PixelFormat, width: int, height: int, stride: int) -> m.SendField:
    return FIELD.model_copy(
        update={"format": format_, "width_px": width, "height_px": height, "stride": stride}
    )


@pytest.mark.parametrize(
    ("field", "nbytes", "key"),
    [
        (picture(PixelFormat.RGB8, 16, 16, 48), 768, None),
        (picture(PixelFormat.BGR8, 16, 16, 50), 800, None),
        (picture(PixelFormat.MONO8, 17, 17, 17), 289, None),
        (picture(PixelFormat.BAYER_GB8, 16, 18, 16), 288, None),
        (picture(PixelFormat.JPEG, 16, 16, 0), 1, None),
        (picture(PixelFormat.RGB8, 16, 16, 47), 752, "stride"),
        (picture(PixelFormat.RGB8, 16, 16, 48), 767, "pixels"),
        (picture(PixelFormat.RGB8, 16, 16, 50), 798, "pixels"),
        (picture(PixelFormat.BAYER_RG8, 17, 16, 17), 272, "width_px"),
        (picture(PixelFormat.BAYER_RG8, 16, 17, 16), 272, "height_px"),
        (picture(PixelFormat.PNG, 16, 16, 48), 99, "stride"),
        (picture(PixelFormat.PNG, 16, 16, 0), 0, "pixels"),
        (picture(PixelFormat.PNG, 16_384, 16_384, 0), 99, "width_px"),
        (picture(PixelFormat.MONO8, 16, 16, 2**30), 2**34, "width_px"),
    ],
)
def test_a_pixel_parts_size_fits_its_header(
    field: m.SendField, nbytes: int, key: str | None
) -> None:
    problem = check_pixels(field, nbytes)
    assert (problem and problem.key) == key


def test_an_image_takes_the_larger_of_both_sizes_of_the_window() -> None:
    assert decoded_size(picture(PixelFormat.JPEG, 100, 100, 0)) == 30_000
    assert decoded_size(picture(PixelFormat.MONO8, 100, 100, 128)) == 10_000
    assert window_size(picture(PixelFormat.JPEG, 100, 100, 0), 500) == 30_000
    assert window_size(picture(PixelFormat.MONO8, 100, 100, 128), 12_800) == 12_800
    assert decoded_size(picture(PixelFormat.RGB8, 9_000, 9_000, 0)) < MAX_PIXEL_BYTES


@pytest.mark.parametrize(
    "change",
    [
        {"field": 13},
        {"capture": 2},
        {"plane": 1},
        {"x_nm": 0},
        {"y_nm": 0},
        {"z_nm": 0},
        {"width_px": 2450},
        {"height_px": 2050},
        {"format": PixelFormat.BAYER_GR8},
        {"stride": 2450},
        {"checksum": "e3069284"},
    ],
)
def test_another_image_has_another_identity(change: dict[str, object]) -> None:
    optics = Optics(pm_per_px=250_000)
    assert identity(FIELD.model_copy(update=change), optics) != identity(FIELD, optics)


def test_what_is_about_a_resend_is_no_part_of_the_identity() -> None:
    optics = Optics(pm_per_px=250_000)
    again = FIELD.model_copy(update={"id": "d-99", "session": "s2", "ext": {"a": 1}})
    assert identity(again, optics) == identity(FIELD, optics)
    assert identity(FIELD, Optics(pm_per_px=250_001)) != identity(FIELD, optics)


def test_a_plan_of_the_largest_size_fits_its_part() -> None:
    planned = PLAN.fields[0].model_copy(update={"field": 2**31 - 1, "x_nm": -999_999_999})
    plan = PLAN.model_copy(update={"fields": [planned] * 20_000})
    assert encode(FROM_CLIENT[3][0], plan)
