"""I8: whatever another hand changes is found by `verify`, which names it.

`make test-slow PART=edits` makes 10,000 edits.
"""

import random
import shutil
from collections import Counter
from pathlib import Path

import pytest

from tests.fault import edits, page

EDITS = 10_000


def find_all(folder: Path, count: int, seed: int) -> Counter[str]:
    """Edit a sound state folder so often, each time anew; gives how often what was done."""
    sound, copy, done = folder / "sound", folder / "copy", Counter[str]()
    edits.make(sound)
    for slide in edits.SLIDES:
        assert edits.found(sound, slide) == ""
    for number in range(count):
        shutil.copytree(sound, copy)
        slide, how, names = edits.edit(copy, random.Random(f"{seed} {number}"))  # noqa: S311
        said = edits.found(copy, slide) + "\n"
        named = [name for name in names if name in said.replace("\n", " \n").replace(".i", " ")]
        assert named, f"{number}: {how} of {names} in {slide or 'the central file'}: {said!r}"
        done[how.partition(":")[0]] += 1
        shutil.rmtree(copy)
    return done


def test_i8_every_edit_is_found_and_named(tmp_path: Path) -> None:
    assert find_all(tmp_path, 120, seed=1).total() == 120


@pytest.mark.slow
@pytest.mark.timeout(45 * 60)
def test_edits_whole(tmp_path: Path) -> None:
    done = find_all(tmp_path, EDITS, seed=2)
    rows = "\n".join(f"| `{table}` | {count:,} |" for table, count in sorted(done.items()))
    page.write(
        "An edit by another hand is found",
        f"""
`make test-slow PART=edits`: {done.total():,} random edits of three ended slides and of the central
file, each of a sound copy: a value changed, a row taken out, put in or exchanged, the last rows cut
off; one in five of a slide's with its sums made again. `cytoedge verify` found every one, and named
the entry; where the sums were made again, the slide and the entry of the chain that they belie.

| edited | times, all found |
| --- | --- |
{rows}
""",
    )
