"""What the console says, in each language: one TOML file a language, all with the same keys."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final

LANGUAGES: Final = {"en": "English", "de": "Deutsch", "zh": "中文"}


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """Its words by key."""
    content = files("edge.console").joinpath("words", f"{language}.toml").read_text("utf-8")
    words: dict[str, str] = tomllib.loads(content)
    return words


def say(language: str, key: str, **values: object) -> str:
    """A key's words with their values.

    Raises:
        KeyError: There is no such key.
    """
    return catalogue(language)[key].format(**values)


def has(key: str) -> bool:
    """Whether there are words for it."""
    return key in catalogue("en")


def preferred(cookie: str | None, accepted: str) -> str:
    """The language of a browser: what was chosen, else what it accepts, else English."""
    wanted = [cookie or "", *(part.split(";")[0].strip()[:2] for part in accepted.split(","))]
    return next((each for each in wanted if each in LANGUAGES), "en")
