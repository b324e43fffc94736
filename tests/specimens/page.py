"""The page that the whole proof writes: `docs/specimens-proof.md`."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from tests.specimens.claims import SPECIMENS, Said, broken
from tests.specimens.tiers import Graded

_EXPECTED = {
    "negative": "NILM, at most a third for review",
    "lsil": "LSIL or worse",
    "hsil": "HSIL or worse",
    "scant": "unsatisfactory",
    "blurred": "incomplete, out of focus",
}


def written(
    seed: int,
    card: str,
    detectors: Mapping[str, Sequence[Said]],
    grades: Mapping[str, Graded],
    large: Sequence[Said],
    shown_by_make: Said,
) -> str:
    """The page, from what each detector said of the slides and how it graded planted cells."""
    names = list(detectors)
    verdicts = [
        f"| {specimen} | {_EXPECTED[specimen]} | "
        + " | ".join(_outcomes(specimen, detectors[name]) for name in names)
        for specimen in SPECIMENS
    ]
    claims = [
        "| claims broken | none | " + " | ".join(str(len(broken(detectors[n]))) for n in names)
    ]
    planted = [
        f"| {name} | {_of(each.low_right, each.low)} | {_of(each.high_right, each.high)} | "
        f"{each.planted_right:.0%} | {1_000 * each.false / each.negative:.1f} |"
        for name, each in grades.items()
    ]
    demos = [
        f"| `--specimen {each.specimen} --seed {each.seed} --fields 150` | {each.words} |"
        for each in large
    ]
    seeds = [
        f"- {specimen}: "
        + ", ".join(
            f"{each.seed} ({each.words})"
            for each in next(iter(detectors.values()))
            if each.specimen == specimen
        )
        for specimen in SPECIMENS
    ]
    return f"""# Verdicts on five specimens, and whether they are earned

Written by `make test-slow PART=specimens SEED={seed}`; without `SEED` it draws new slides by the
clock. Model: {card}. Every slide has 60 fields of 2448 x 2048 pixels, and goes through the
daemon's own stages. No slide here was trained or fitted on. **The slides are rendered**: this shows
that the whole holds together and that a verdict depends on what lies on the glass, not how well the
model does on patients; its figures on real cells stand in its card.

## Verdicts

The same pictures, stages and thresholds for the model and for detectors that know nothing of cells:
one that finds nothing, one that fires at random (as many cells as a slide has, random places and
classes), and a classical one that takes dark spots for nuclei and grades them by size and darkness.

| Specimen | Should be | {" | ".join(names)} |
| --- | --- | {" | ".join("---" for _ in names)} |
{_lines(f"{row} |" for row in (*verdicts, *claims))}

## Planted cells

Of the cells planted on these slides, on ground that was seen: called low (LSIL) or high (ASC-H,
HSIL, SCC) as planted, by the likeliest of negative, low and high, within 6 um. The share weighs low
and high alike, so that calling all cells the same gets a half. The classical detector's thresholds
were fitted on rendered cells with known grades, for the best balance of negative, low and high.
The last column: findings called low or high where nothing is planted, a 1,000 negative cells.

| | low | high | planted grades right | false |
| --- | --- | --- | --- | --- |
{_lines(planted)}

## One large slide of each, by the command

| `cytoedge demo` | Verdict |
| --- | --- |
{_lines(demos)}
| `make demo` (seed {shown_by_make.seed}) | {shown_by_make.words} |

## Seeds

Each slide can be shown again: `cytoedge demo --fields 60 --specimen NAME --seed N`. By the model:

{_lines(seeds)}
"""


def _outcomes(specimen: str, all_said: Sequence[Said]) -> str:
    words = Counter(said.words for said in all_said if said.specimen == specimen)
    return ", ".join(f"{many} {word}" for word, many in words.most_common())


def _of(right: int, of: int) -> str:
    return f"{right} of {of}"


def _lines(rows: Iterable[str]) -> str:
    return "\n".join(rows)
