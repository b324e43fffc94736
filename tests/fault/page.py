"""A proof's section of `docs/reliability.md`."""

import json
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]
PAGE = REPOSITORY / "docs" / "reliability.md"


def write(heading: str, section: str) -> None:
    """Put a section in the place of an older one, or at the end."""
    before, found, after = PAGE.read_text().partition(f"## {heading}\n")
    rest = after.partition("\n## ")[2] if found else ""
    gap = "" if found else "\n"
    PAGE.write_text(
        f"{before}{gap}## {heading}\n\n{section.strip()}\n" + (f"\n## {rest}" if rest else "")
    )


class Done:
    """What a proof has done so far, so that a break costs one step."""

    def __init__(self, name: str) -> None:
        self._path = REPOSITORY / "build" / f"{name}.json"
        self._path.parent.mkdir(exist_ok=True)
        self.steps: list[Any] = json.loads(self._path.read_text()) if self._path.exists() else []

    def add(self, step: Any) -> None:
        self.steps.append(step)
        self._path.write_text(json.dumps(self.steps))
