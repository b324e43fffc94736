"""Writing one table into a card's text, and nothing else of it."""

import re

from engines.tables import Adequacy, Announcing, Category, Table

_PARTS = ("categories", "adequacy", "announcing")
_HEADER = re.compile(r"^\[", re.MULTILINE)
_TABLE = re.compile(r"^\[\[tables\]\]\n", re.MULTILINE)


def written(table: Table) -> str:
    """A table as the card holds it, ending in a newline."""
    own = table.model_dump(exclude=set(_PARTS), exclude_defaults=True)
    parts = [f"[[tables]]\n{_lines(own)}"]
    for name in _PARTS:
        parts += [_entry(name, entry) for entry in getattr(table, name)]
    return "\n".join(parts)


def replaced(card: str, table: Table) -> str:
    """A card's text with this table in the place of the one of its source, or after the last one.

    Args:
        card: The text of a card that can be read. Every other byte of it stays.
        table: What to write.
    """
    start = end = len(card)
    for opening in _TABLE.finditer(card):
        start, end = opening.start(), _end(card, opening.end())
        if f'\nsource = "{table.source}"\n' in card[start:end].split("\n[", 1)[0] + "\n":
            return card[:start] + written(table) + card[end:]
    return card[:end] + "\n" + written(table) + card[end:]


def _end(card: str, start: int) -> int:
    """Where the table that starts there ends: before the blanks and remarks of the next part."""
    end = len(card)
    for header in _HEADER.finditer(card, start):
        if not card.startswith("[[tables.", header.start()):
            end = header.start()
            break
    lines = card[start:end].splitlines(keepends=True)
    while lines and (not lines[-1].strip() or lines[-1].startswith("#")):
        lines.pop()
    return start + len("".join(lines))


def _entry(name: str, entry: Category | Adequacy | Announcing) -> str:
    return f"[[tables.{name}]]\n{_lines(entry.model_dump())}"


def _lines(values: dict[str, int | str]) -> str:
    return "".join(f"{key} = {_value(value)}\n" for key, value in values.items())


def _value(value: int | str) -> str:
    if isinstance(value, int):
        return f"{value:_}"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
