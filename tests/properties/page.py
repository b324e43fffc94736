"""Pages that proofs write: each proof owns one section, in place of an older one."""

from collections.abc import Iterable, Sequence
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def write_section(page: Path, heading: str, body: str) -> None:
    """Put a section under `## heading`, at its old place or at the end."""
    mark = f"## {heading}\n"
    before, found, after = page.read_text().partition(mark)
    rest = after.partition("\n## ")[2] if found else ""
    page.write_text(
        before.rstrip() + f"\n\n{mark}\n{body.strip()}\n" + (f"\n## {rest}" if rest else "")
    )


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table of the page."""
    lines = [heads, ["---"] * len(heads), *([str(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
