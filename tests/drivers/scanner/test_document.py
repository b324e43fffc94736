"""The document is fresh, and what it says is what the code does."""

import json
import re
from itertools import chain
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import pytest

from drivers.scanner import document
from drivers.scanner.codec import (
    Bytes,
    FromWire,
    Undecodable,
    anchor_of,
    decode_from_client,
    decode_from_daemon,
    encode,
    identity,
)
from drivers.scanner.crc import crc32c_hex
from drivers.scanner.messages import OpenSlide, SendField
from drivers.scanner.words import Code, Optics, Window
from tests.wire.examples import FROM_CLIENT, FROM_DAEMON
from tests.wire.model_daemon import ModelDaemon
from tests.wire.router_daemon import running

PROTOCOL = (document.DOCS / "protocol.md").read_text("utf-8")
PIXELS = bytes(range(256))
SAME = ("type", "re", "slide", "field", "capture", "plane", "state", "again", "code")


def blocks(language: str) -> list[list[str]]:
    found = re.findall(rf"```{language}\n(.*?)\n```", PROTOCOL, re.DOTALL)
    return [block.splitlines() for block in found]


def heading_anchors(text: str) -> set[str]:
    """As GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def spoken() -> list[tuple[str, list[Bytes]]]:
    """The transcript: direction and frames."""
    said: list[tuple[str, list[Bytes]]] = []
    for line in chain.from_iterable(blocks("transcript")):
        mark, text = line.split(" ", 1)
        if mark == "+":
            said[-1][1].append(PIXELS if text.startswith("256 bytes") else text.encode())
        else:
            said.append((mark, [text.encode()]))
    return said


def test_nothing_generated_is_stale() -> None:
    assert document.main(["--check"]) == 0


def test_what_is_stale_is_named_and_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    docs = tmp_path / "docs"
    (docs / "schemas").mkdir(parents=True)
    (docs / "schemas" / "old.json").write_text("{}")
    (docs / "protocol.md").write_text("<!-- generated: limits -->\nold\n<!-- end -->\n")
    monkeypatch.setattr(document, "DOCS", docs)
    assert document.main(["--check"]) == 1
    said = capsys.readouterr().err
    for name in ("protocol.md", "schemas/field.json", "schemas/old.json"):
        assert f"docs/{name} is stale: run `make schemas`" in said
    assert document.main([]) == 0
    assert document.main(["--check"]) == 0
    assert "16384" in (docs / "protocol.md").read_text()


def test_a_part_that_is_not_known_is_not_passed_over() -> None:
    with pytest.raises(KeyError):
        document.with_generated_parts("<!-- generated: nonsense -->\n<!-- end -->")


@pytest.mark.parametrize("code", Code)
def test_every_anchor_is_a_heading(code: Code) -> None:
    name, anchor = anchor_of(code).split("#")
    assert name == "docs/protocol.md"
    assert anchor in heading_anchors(PROTOCOL)


def test_every_link_within_leads_somewhere() -> None:
    anchors = heading_anchors(PROTOCOL)
    assert {link for link in re.findall(r"\(#(.*?)\)", PROTOCOL) if link not in anchors} == set()


def test_every_key_is_explained() -> None:
    rows = [line for line in PROTOCOL.splitlines() if line.startswith("| `")]
    assert len(rows) > 150
    assert [row for row in rows if row.endswith("|  |")] == []


def test_every_message_is_described() -> None:
    for message, _ in chain(FROM_CLIENT, FROM_DAEMON):
        assert f"#### `{message.type}`" in PROTOCOL


def test_the_identity_is_as_the_document_works_it_out() -> None:
    ((canonical, digest),) = blocks("identity")
    essentials = json.loads(canonical)
    optics = Optics(pm_per_px=essentials.pop("pm_per_px"))
    head = {"type": "field", "id": "x", "session": "x", "slide": "x"}
    rest = {"exposure_us": 0, "captured_at_us": 0}
    decoded = decode_from_client([json.dumps(head | rest | essentials).encode(), PIXELS])
    assert isinstance(decoded, FromWire)
    assert isinstance(decoded.message, SendField)
    assert identity(decoded.message, optics) == digest
    assert crc32c_hex(PIXELS) == essentials["checksum"]


def test_the_checksums_of_the_document_are_right() -> None:
    for data, checksum in ((b"123456789", "e3069283"), (b"", "00000000"), (bytes(32), "8a9136aa")):
        assert crc32c_hex(data) == checksum
        assert f"`{checksum}`" in PROTOCOL


def test_the_transcript_is_understood_on_both_sides() -> None:
    for mark, frames in spoken():
        decode: Any = decode_from_client if mark == "->" else decode_from_daemon
        result = decode(frames)
        assert not isinstance(result, Undecodable), result.problem


def test_a_daemon_answers_the_transcript_as_it_is_written() -> None:
    """Sessions, boots and words may differ; type, what it is about, and lists may not."""
    disk: dict[str, Any] = {}
    window = Window(fields=8, bytes=167_772_160)
    daemon = ModelDaemon(disk, window)
    sessions: dict[str, str] = {}
    said = spoken()
    for number, (mark, frames) in enumerate(said):
        if mark == "<-":
            continue
        header = json.loads(bytes(frames[0]))
        if "session" in header:
            header["session"] = sessions.get(header["session"], header["session"])
        answers = list(daemon.handle(b"peer", [json.dumps(header).encode(), *frames[1:]]))
        if said[number + 1][0] == "->":
            assert answers == []
            daemon = ModelDaemon(disk, window)  # It is killed.
            continue
        if header["type"] == "field":
            answers += list(daemon.commit())
        ((_, answer),) = answers
        expected = said[number + 1][1]
        got, wanted = json.loads(bytes(answer[0])), json.loads(bytes(expected[0]))
        if got["type"] == "welcome":
            sessions[wanted["session"]] = got["session"]
        assert {key: got.get(key) for key in SAME} == {key: wanted.get(key) for key in SAME}
        assert [json.loads(bytes(part)) for part in answer[1:]] == [
            json.loads(bytes(part)) for part in expected[1:]
        ]


@pytest.mark.parametrize(
    ("message", "part"), [*FROM_CLIENT, *FROM_DAEMON], ids=lambda value: type(value).__name__
)
def test_the_schemas_take_what_the_codec_takes(message: Any, part: Any) -> None:
    header, *parts = encode(message, part)
    path = document.DOCS / "schemas" / f"{document.name_of(type(message))}.json"
    schema = json.loads(path.read_text("utf-8"))
    jsonschema.validate(json.loads(bytes(header)), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(json.loads(bytes(header)) | {"unknown": 1}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"id": "x", "re": "x"}, schema)
    if message.part and message.part.endswith("List"):
        name = f"list-{message.part.removesuffix('List').lower()}.json"
        listed = json.loads((document.DOCS / "schemas" / name).read_text("utf-8"))
        jsonschema.validate(json.loads(bytes(parts[0])), listed)


def test_a_shape_is_named_in_the_schema_of_a_plan() -> None:
    schema = json.loads((document.DOCS / "schemas" / "list-plan.json").read_text("utf-8"))
    assert "kind" in schema["$defs"]["CircleSpot"]["required"]
    assert OpenSlide.part == "PlanList"


def test_the_guides_slide_runs_as_it_is_printed(tmp_path: Path) -> None:
    guide = (document.DOCS / "integrating.md").read_text("utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    endpoint = f"ipc://{tmp_path}/d"
    wide = Window(fields=4, bytes=100_000_000)
    camera = SimpleNamespace(expose_at=lambda x_nm, y_nm: bytes(2448 * 2048))
    printed: list[object] = []
    with running(endpoint, {}, wide):
        code = code.replace("ipc:///run/cytoedge/drivers/socket", endpoint)
        exec(code, {"camera": camera, "print": printed.append})  # noqa: S102
    assert printed == [{"outcome": "review"}]
