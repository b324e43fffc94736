"""Finishes a model folder: makes the reference output and writes the hashes into the card."""

import re
from pathlib import Path

from engines.card import (
    CARD,
    GOLDEN,
    GRADER,
    LOCATOR,
    REFERENCE,
    ModelCard,
    bytes_of,
    load,
    read,
    sha256_of,
)
from engines.parity import reference_text, say
from engines.reference_engine import ReferenceEngine


def build(folder: Path) -> ModelCard:
    """Make the golden field's reference output by the unoptimised graphs; hash all files.

    Only the four hashes of the card's text change.

    Raises:
        BadModel: A file is absent, or the card does not say what it must.
    """
    unmade = GOLDEN  # a card is read only with whole hashes
    files = {"locator": LOCATOR, "grader": GRADER, "golden": GOLDEN, "reference": unmade}
    hash_into_card(folder, files)
    card = read(folder)
    said = say(ReferenceEngine(card), card)
    (folder / REFERENCE).write_text(reference_text(said) + "\n")
    hash_into_card(folder, {"reference": REFERENCE})
    return load(folder)


def hash_into_card(folder: Path, files: dict[str, str]) -> None:
    """Put each file's SHA-256 into the card's `[hashes]`, by key. Raises BadModel: absent files."""
    path = folder / CARD
    text = bytes_of(path).decode(errors="surrogateescape")  # what is no text is refused later
    for key, file in files.items():
        line = rf'^{key} = "[0-9a-f]*"$'
        text = re.sub(line, f'{key} = "{sha256_of(folder / file)}"', text, flags=re.MULTILINE)
    path.write_bytes(text.encode(errors="surrogateescape"))
