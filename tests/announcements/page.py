"""The page that the whole proof writes: `docs/announcements.md`."""

from collections.abc import Iterable, Mapping, Sequence

from tests.announcements.proving import ALPHAS, PLANTED, UNEVEN, USUAL, Power, Size, Way, at_most
from tests.announcements.slides import FIELDS, Model


def written(
    seed: int,
    size: Size,
    modelled: Sequence[tuple[Model, dict[int, float]]],
    ways: Sequence[Way],
    powers: Mapping[str, Mapping[int, Power]],
) -> str:
    """The page."""
    held = [
        f"| {model.r:g} | {model.mean:g} | "
        + " | ".join(f"{_percent(shares[odds])}" for odds in ALPHAS)
        for model, shares in modelled
    ]
    broken = [
        f"| {way.name} | {way.slides} | {_percent(way.unguarded)} | {way.guard} | "
        f"{way.refused:.0%} | {_percent(way.false)} | "
        f"{'' if way.let_pass is None else _percent(way.let_pass)} | {_percent(way.alpha)}"
        for way in ways
    ]
    found = [
        f"| {name} | " + " | ".join(_power(by_cells[cells]) for cells in PLANTED)
        for name, by_cells in powers.items()
    ]
    bounds = " and ".join(_percent(at_most(1 / odds, size.slides)) for odds in ALPHAS)
    return f"""# Announcements in mid-scan

While a slide is scanned, a category is announced once so much was found that a negative slide is
unlikely ever to show it. E compares two accounts of all that was settled so far, A findings (three
a field at most) on N usable lattice points: that false findings come at a negative slide's rate,
and that they come 4, 16 or 64 times as often. It is announced when E reaches 1 / alpha. However
often one looks, that happens on a share alpha of negative slides at most, **if they are as
modelled**: false findings at one rate within a slide, and at Gamma(r, b) rates between slides.

An announcement is written to the slide's file, then told (event `announcement`; `cytoedge watch`);
it is made once and never taken back. No outcome depends on it. The final verdict says of each
whether it bears it out, and of each category that is never announced why (`cytoedge slides show`).

The numbers are fitted by `cytoedge validate --fit` to the card's whole negative slides, for each
category alone, at the edge of the 95 % likelihood region. A category is refused where there are
fewer than 20 negative slides, where they average over one false finding, where no slide has one
(then they do not show how rates differ), or where E, replayed in scan order, reached 1 / alpha on
more of them than its share. alpha is 0.01, or 1 / (slides + 1) where that is more.

Written by `make test-slow PART=announcements SEED={seed}`, from simulated counts on slides of
{FIELDS} fields, looked at after each; no picture and no model is in it.

## Negative slides as modelled

The share of {size.slides:,} that is ever announced, with the true r and b. Within the 95 % bound of
chance it may be {bounds}.

| r | false findings a slide | alpha 0.05 | alpha 0.01 |
| --- | --- | --- | --- |
{_lines(f"{row} |" for row in held)}

## Ways to break it

For each, {size.cards} cards fitted on slides of that kind, and {size.slides:,} fresh negative
slides, with {UNEVEN.mean:g} false findings each and r = {UNEVEN.r:g} (the first three), or
{USUAL.mean:g} and {USUAL.r:g}. *Without guards*: announced at alpha 0.01 with the likeliest r and
b, unchecked, and without the guard that is named. *Refused*: cards that may announce nothing, for
whatever cause. *As shipped*: negative slides announced, by all cards (refused ones announce none)
and by those that were not refused: what the check lets pass, it lets pass by chance.

| | slides a card | without guards | guard | refused | as shipped | not refused | alpha |
| --- | --- | --- | --- | --- | --- | --- | --- |
{_lines(f"{row} |" for row in broken)}

## Power

The share of {size.positives:,} slides announced at alpha 0.01, and in brackets the median share of
the slide that was scanned by then, with so many planted cells, each of which is found.

| | {" | ".join(map(str, PLANTED))} |
| --- | {" | ".join("---" for _ in PLANTED)} |
{_lines(f"{row} |" for row in found)}

Few cells are not announced: they are for the final verdict, whose counts need none of this. A card
pays for what it does not know: from 200 slides it announces less than with the true numbers.
"""


def _power(found: Power) -> str:
    covered = "" if found.coverage is None else f" ({found.coverage:.0%})"
    return f"{found.announced:.0%}{covered}"


def _percent(part: float) -> str:
    return f"{100 * part:.2f} %"


def _lines(rows: Iterable[str]) -> str:
    return "\n".join(rows)
