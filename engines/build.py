"""Finishes a model folder: makes the reference output and writes the hashes into the card."""

import re
from pathlib import Path

from engines.card import CARD, GOLDEN, MODEL, REFERENCE, ModelCard, load, read, sha256_of
from engines.parity import golden_tile, reference_text
from engines.reference_engine import ReferenceEngine


def build(folder: Path) -> ModelCard:
    """Make the golden tile's reference output by the unoptimised graph; hash all files.

    Only the three hashes of the card's text change.

    Raises:
        BadModel: A file is absent, or the card does not say what it must.
    """
    unmade = GOLDEN  # a card is read only with three whole hashes
    hash_into_card(folder, {"model": MODEL, "golden": GOLDEN, "reference": unmade})
    card = read(folder)
    seen = ReferenceEngine(card).detect(golden_tile(card))
    (folder / REFERENCE).write_text(reference_text(seen) + "\n")
    hash_into_card(folder, {"reference": REFERENCE})
    return load(folder)


def hash_into_card(folder: Path, files: dict[str, str]) -> None:
    """Put each file's SHA-256 into the card's `[hashes]`, by key."""
    path = folder / CARD
    text = path.read_text()
    for key, file in files.items():
        line = rf'^{key} = "[0-9a-f]*"$'
        text = re.sub(line, f'{key} = "{sha256_of(folder / file)}"', text, flags=re.MULTILINE)
    path.write_text(text)
