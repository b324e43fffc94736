"""`cytoedge settings`: every setting in force, with its reason; the defaults are comments."""

import json
import textwrap
from collections.abc import Iterator
from pathlib import Path

import typer
from pydantic import BaseModel

from edge.commands.common import AsJson, SettingsFile, refusals, say, settings_of
from edge.settings import Settings

WIDTH = 98
_HEAD = """\
Settings of Cytoedge. A line that begins with # and a name is a default: take the # away to change
it. `cytoedge settings --settings FILE` says what holds; restart the service after a change."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(settings)


def settings(settings: SettingsFile = None, as_json: AsJson = False) -> None:
    """All settings in force as TOML, each with its reason. A site's file can begin as a copy."""
    with refusals():
        chosen = settings_of(settings)
    if as_json:
        say(chosen.model_dump(mode="json"))
    else:
        typer.echo(toml(chosen), nl=False)


def toml(settings: Settings) -> str:
    """Settings as the text of a TOML file that gives them again."""
    return "\n".join([*_comment(_HEAD), *_lines(settings, Settings(), "")]) + "\n"


def _lines(section: BaseModel, default: BaseModel, path: str) -> Iterator[str]:
    """A section's values first, since in TOML what follows a heading belongs to it."""
    fields = type(section).model_fields
    values = {name: getattr(section, name) for name in fields}
    for name, value in values.items():
        if not isinstance(value, BaseModel):
            yield ""
            yield from _comment(fields[name].description or "")
            mark = "#" if value == getattr(default, name) else ""
            yield f"# {name} is not set." if value is None else f"{mark}{name} = {_value(value)}"
    for name, value in values.items():
        if isinstance(value, BaseModel):
            yield ""
            yield from _comment(type(value).__doc__ or "")
            yield f"[{path}{name}]"
            yield from _lines(value, getattr(default, name), f"{path}{name}.")


def _comment(text: str) -> Iterator[str]:
    """Text as comments."""
    for line in textwrap.wrap(" ".join(text.split()), WIDTH - 2):
        yield f"# {line}"


def _value(value: object) -> str:
    """As TOML, which writes texts, numbers, truths and lists of them as JSON does."""
    if isinstance(value, frozenset):
        value = sorted(value)
    return json.dumps(str(value) if isinstance(value, Path) else value, ensure_ascii=False)
