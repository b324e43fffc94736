"""Writes what is generated of the protocol's document, from the models and the tables.

`python -m drivers.scanner.document` writes `docs/schemas/*.json` and the parts of
`docs/protocol.md` between `<!-- generated: NAME -->` and `<!-- end -->`. With `--check` it writes
nothing, names what is stale, and fails.
"""

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from drivers.scanner import lists, states, words
from drivers.scanner import messages as m
from drivers.scanner.messages import Event, FromClient, FromDaemon, Message
from drivers.scanner.states import (
    CaptureState,
    Held,
    News,
    Reply,
    RequestState,
    SessionState,
    SlideState,
)
from drivers.scanner.words import RETRY, Code, Words

DOCS = Path(__file__).parents[2] / "docs"
_CLIENT: tuple[type[Message], ...] = get_args(FromClient)
_DAEMON: tuple[type[Message], ...] = get_args(FromDaemon)
_LISTS = (lists.PlanList, lists.ResumeList, lists.ManifestList, lists.DifferenceList)
_PARTS_OF = (
    lists.RectangleSpot,
    lists.CircleSpot,
    lists.PlannedField,
    lists.ImageKey,
    lists.CaptureKey,
    words.Optics,
    words.Window,
    m.OpenSlideBrief,
)
_UNITS = {
    "pm_per_px": "pm",
    "_nm": "nm",
    "_us": "us",
    "_ms": "ms",
    "_mm2": "mm2",
    "_px": "px",
    "_bytes": "bytes",
}
_EVERYWHERE = {
    "type": "Which message this is.",
    "kind": "Which shape.",
    "id": "Chosen by the sender, new for each message; comes back as `re`.",
    "re": "The `id` of the message that this answers.",
    "slide": "The slide.",
    "field": "The field's number in the plan.",
    "capture": "Which capture of the field.",
    "plane": "Which plane of the capture, from 0.",
    "window": "How much may be unanswered from now on.",
}


# Schemas ------------------------------------------------------------------------------------------


def schemas() -> dict[str, str]:
    """JSON Schemas by file name: one a message, one a list, one for events."""
    named: dict[str, type[Words]] = {name_of(model): model for model in (*_CLIENT, *_DAEMON)}
    named |= {f"list-{_kebab(model.__name__)}": model for model in _LISTS}
    named["event"] = Event
    return {
        f"schemas/{name}.json": json.dumps(_schema(model), indent=2) + "\n"
        for name, model in named.items()
    }


def _schema(model: type[Words]) -> dict[str, Any]:
    schema = model.model_json_schema()
    for each in (schema, *schema.get("$defs", {}).values()):
        fixed = [key for key, value in each.get("properties", {}).items() if "const" in value]
        if fixed:  # What tells types apart has a default in Python, and is needed on the wire.
            each["required"] = sorted({*each.get("required", []), *fixed})
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema


def name_of(message: type[Message]) -> str:
    """A message's `type`."""
    return str(message.model_fields["type"].default)


def _kebab(name: str) -> str:
    return re.sub(r"(?<=[a-z])([A-Z])", r"-\1", name.removesuffix("List")).lower()


# Tables of messages -------------------------------------------------------------------------------


def _messages(models: Sequence[type[Message]]) -> Iterator[str]:
    for model in models:
        yield from _section(model, f"`{name_of(model)}`")
        if model.part is not None:
            what = f"list `{model.part}`" if model.part.endswith("List") else model.part
            yield from (f"Second part: {what}.", "")


def _section(model: type[Words], title: str) -> Iterator[str]:
    yield from (f"#### {title}", "", _one_line(model.__doc__ or ""), "")
    yield from _table(("Key", "Value", "Needed", "Meaning"), _rows(model))


def _rows(model: type[Words]) -> Iterator[tuple[str, ...]]:
    schema = model.model_json_schema()
    needed = schema.get("required", [])
    order = {"type": 0, "id": 1, "re": 1, "session": 2}
    for key in sorted(schema["properties"], key=lambda key: order.get(key, 3)):
        value = schema["properties"][key]
        if key == "ext":
            continue
        types = schema.get("$defs", {})
        type_ = types.get(value.get("$ref", "").rsplit("/", 1)[-1], {})
        meaning = value.get("description") or _EVERYWHERE.get(key) or type_.get("description", "")
        default = "yes" if key in needed or "const" in value else f"no: {_default(value)}"
        yield f"`{key}`", _value(key, value, types), default, _one_line(meaning)


def _default(value: Mapping[str, Any]) -> str:
    default = value.get("default")
    return {None: "none", "": "empty"}.get(default, f"`{json.dumps(default)}`")


def _value(key: str, value: Mapping[str, Any], types: Mapping[str, Any]) -> str:
    """A value's type, unit and limits, in words."""
    if "anyOf" in value or "oneOf" in value:
        kinds = [_value(key, kind, types) for kind in value.get("anyOf") or value["oneOf"]]
        return " or ".join(kind for kind in kinds if kind != "null" or "default" not in value)
    if "$ref" in value:
        name = value["$ref"].rsplit("/", 1)[-1]
        kind = types[name]
        if "enum" not in kind:
            return f"`{name}`"
        return _choices(kind["enum"])
    if "const" in value or "enum" in value:
        return _choices(value.get("enum") or [value["const"]])
    if value.get("type") == "array":
        few, many = value.get("minItems"), value.get("maxItems")
        limits = f", {few or 0} to {many}" if many else ""
        return f"list of {_value('', value['items'], types)}{limits}"
    if value.get("type") == "object":
        inner = value.get("additionalProperties")
        return f"object of {inner['type']}s" if isinstance(inner, dict) else "object"
    return _scalar(key, value)


def _scalar(key: str, value: Mapping[str, Any]) -> str:
    if value.get("type") == "string":
        if value.get("pattern") == _pattern(words.Crc):
            return "8 hex digits"
        if value.get("pattern") == _pattern(words.Id):
            return "id"
        return f"text, at most {value['maxLength']}" if "maxLength" in value else "text"
    if value.get("type") != "integer":
        return str(value.get("type", "any"))
    unit = next((f" {unit}" for suffix, unit in _UNITS.items() if key.endswith(suffix)), "")
    low, high = value.get("minimum"), value.get("maximum")
    if low is None:
        return f"integer{unit}"
    limits = f"{low} to {high}" if high is not None else f"{low} or more"
    return f"integer{unit}, {limits}"


def _pattern(annotated: object) -> str | None:
    return next((str(item.pattern) for item in get_args(annotated)[1:]), None)


def _choices(values: Sequence[object]) -> str:
    return ", ".join(f"`{value}`" for value in values)


# Tables of states ---------------------------------------------------------------------------------

_BOTH = (True, False)


def _states() -> Iterator[str]:
    slides = list(SlideState)
    yield from _replies(
        "On `open_slide`",
        "Driver, opening",
        {
            f"{_same(owner, 'driver')}, {_same(same, 'opening')}": [
                states.on_open(slide, owner, same) for slide in slides
            ]
            for owner in _BOTH
            for same in _BOTH
        },
    )
    yield from _replies(
        "On `field`",
        "Image, identity",
        {
            f"{image.value}, {_same(same, 'identity')}": [
                states.on_field(slide, image, same) for slide in slides
            ]
            for image in CaptureState
            for same in _BOTH
        },
    )
    yield from _replies(
        "On `skip_field` and `withdraw`",
        "Already so",
        {_yes(already): [states.on_skip(slide, already) for slide in slides] for already in _BOTH},
    )
    yield from ("#### Whether a `request` is sent", "")
    yield from _table(
        tuple(f"slide {slide.value}" for slide in slides),
        [tuple(_yes(states.may_ask(slide)) for slide in slides)],
    )
    yield from _replies(
        "On `answer`",
        "Request",
        {
            request.value: [states.on_answer(slide, request) for slide in slides]
            for request in RequestState
        },
    )
    yield from _replies(
        "On `close_slide`",
        "Manifest",
        {
            _same(same, "manifest"): [states.on_close(slide, same) for slide in slides]
            for same in _BOTH
        },
    )
    yield from _replies("On `abort_slide`", "", {"": [states.on_abort(slide) for slide in slides]})
    yield from ("#### After a message that was done", "")
    yield from _table(
        ("Slide", "Message", "Slide after"),
        (
            (slide.value, f"`{message.model_fields['type'].default}`", after.value)
            for (slide, message), after in states.AFTER.items()
        ),
    )


def _replies(title: str, head: str, rows: Mapping[str, Sequence[Reply]]) -> Iterator[str]:
    yield from (f"#### {title}", "")
    columns = (head, *(f"slide {slide.value}" for slide in SlideState))
    yield from _table(columns, ((name, *map(_cell, replies)) for name, replies in rows.items()))


def _sessions() -> Iterator[str]:
    yield from _table(
        ("The message's session", "Answer"),
        (
            (session.value, "it is heard" if code is None else f"`error`, code `{code}`")
            for session in SessionState
            for code in [states.on_message(session)]
        ),
    )


def _driver() -> Iterator[str]:
    open_ = (Held.UNSENT, Held.UNANSWERED, Held.COMMITTED, Held.REFUSED)
    yield from _table(
        ("News of the image", *(f"was {held.value}" for held in open_)),
        ((news.value, *(states.after(held, news).value for held in open_)) for news in News),
    )


def _yes(already: bool) -> str:
    return "yes" if already else "no"


def _same(same: bool, what: str) -> str:
    return f"same {what}" if same else f"other {what}"


def _cell(reply: Reply) -> str:
    if isinstance(reply, Code):
        return f"[`{reply}`](#code-{reply})"
    return f"**{reply.value}**"


# The document -------------------------------------------------------------------------------------


def _limits() -> Iterator[str]:
    yield from _table(
        ("Limit", "Value"),
        (
            ("Header", f"{words.MAX_HEADER_BYTES} bytes"),
            ("Second part that is a list or JSON", f"{words.MAX_LIST_BYTES} bytes"),
            ("Pixels, as sent and as decoded", f"{words.MAX_PIXEL_BYTES} bytes"),
            ("Nesting of objects and lists", f"{words.MAX_DEPTH} levels"),
            ("Keys of an object", f"{words.MAX_KEYS}"),
            ("Planned fields", f"{words.MAX_PLANNED_FIELDS}"),
            ("Side of an image", f"16 to {words.MAX_SIDE_PX} px"),
            ("Protocol version", f"{words.PROTOCOL_VERSION}"),
        ),
    )


def _codes() -> Iterator[str]:
    yield from _table(
        ("Code", "Send the same message again?"),
        ((f"[`{code}`](#code-{code})", "yes, later" if code in RETRY else "no") for code in Code),
    )


def _lists() -> Iterator[str]:
    for model in (*_LISTS, *_PARTS_OF):
        yield from _section(model, f"`{model.__name__}`")


_GENERATED: Mapping[str, Callable[[], Iterator[str]]] = {
    "limits": _limits,
    "codes": _codes,
    "messages from the driver": lambda: _messages(_CLIENT),
    "messages from the daemon": lambda: _messages(_DAEMON),
    "lists": _lists,
    "event": lambda: _section(Event, "The second frame"),
    "sessions": _sessions,
    "states": _states,
    "driver": _driver,
}


def with_generated_parts(document: str) -> str:
    """A document with its generated parts made anew.

    Raises:
        KeyError: It asks for a part that is not known.
    """

    def made(found: re.Match[str]) -> str:
        body = "\n".join(_GENERATED[found[2]]()).strip()
        return f"{found[1]}\n{body}\n<!-- end -->"

    return re.sub(r"(<!-- generated: (.*?) -->).*?<!-- end -->", made, document, flags=re.DOTALL)


def _table(head: Sequence[str], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', '/') for cell in row)} |"
    yield ""


def _one_line(text: str) -> str:
    return " ".join(text.split())


def main(arguments: Sequence[str]) -> int:
    """Writes, or with `--check` compares, every generated file. The exit status."""
    protocol = DOCS / "protocol.md"
    wanted = {DOCS / name: content for name, content in schemas().items()}
    wanted[protocol] = with_generated_parts(protocol.read_text("utf-8"))
    left = {path for path in (DOCS / "schemas").glob("*.json") if path not in wanted}
    stale = [
        path
        for path, content in wanted.items()
        if not path.exists() or path.read_text("utf-8") != content
    ]
    if "--check" in arguments:
        for path in (*stale, *sorted(left)):
            sys.stderr.write(f"{path.relative_to(DOCS.parent)} is stale: run `make schemas`\n")
        return 1 if stale or left else 0
    (DOCS / "schemas").mkdir(exist_ok=True)
    for path in left:
        path.unlink()
    for path in stale:
        path.write_text(wanted[path], "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
