"""Writing numbers into a card's text, and nothing else of it."""

import re
from collections.abc import Iterable, Mapping

from engines.detector import BadModel


def with_number(card: str, key: str, value: int) -> str:
    """The card with another number for a key of its first part.

    Raises:
        BadModel: The card has no such line.
    """
    text, many = re.subn(rf"^{key} = [0-9_]+$", f"{key} = {value:_}", card, flags=re.MULTILINE)
    if many != 1:
        raise BadModel(key, str(many), "is not on one line of the card", "Give it one line")
    return text


def with_metrics(card: str, metrics: Iterable[Mapping[str, str | int | float]]) -> str:
    """The card with these `[[metrics]]` in the place of all that it had, before its `[hashes]`."""
    parts = re.split(r"^(?=\[)|^metrics = \[\]\n", card, flags=re.MULTILINE)
    kept = [part for part in parts if not part.startswith("[[metrics]]")]
    written = ["[[metrics]]\n" + _lines(metric) + "\n" for metric in metrics]
    at = next((i for i, part in enumerate(kept) if part.startswith("[hashes]")), len(kept))
    return "".join([*kept[:at], *written, *kept[at:]])


def _lines(values: Mapping[str, str | int | float]) -> str:
    return "".join(f"{key} = {_value(value)}\n" for key, value in values.items())


def _value(value: str | float) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)
