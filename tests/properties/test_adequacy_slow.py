"""`make test-slow PART=adequacy`: how often the interval for squamous cells covers the truth.

Writes its figures into `docs/adequacy-proof.md`. Seeded: every run takes the same slides.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache

import numpy as np
import numpy.typing as npt
import pytest

from edge.slide.basis import AdequacyNumbers
from edge.validation import cellularity
from edge.verdict.adequacy import AdequacyState, estimate
from edge.verdict.decide import decide
from edge.verdict.gaps import coverage_is_complete
from edge.verdict.verdict import Outcome
from tests.properties.page import DOCS, table, write_section
from tests.properties.sparse_and_dense import LOSSES, MINIMUM, SPREADS, Slide, simulated

SLIDES, SLIDES_A_CARD, FITTED_ON, LOOKS = 5_040, 60, 28, 17
CARDS = 1_000
K, K_SPREAD = 0.99, 0.017
PAGE = DOCS / "adequacy-proof.md"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(45 * 60)]


def _true_per_counted(chance: np.random.Generator) -> float:
    return float(chance.normal(K, K_SPREAD))


def _card(chance: np.random.Generator, fitted_on: int) -> AdequacyNumbers:
    """Fitted as the product fits it, on slides that were seen whole."""
    slides = [
        simulated(chance, "evenly", "nothing", _true_per_counted(chance)) for _ in range(fitted_on)
    ]
    known = [(slide.truth, int(slide.counted.sum())) for slide in slides]
    fitted = cellularity.adequacy("thinprep", known)
    assert fitted is not None
    return AdequacyNumbers(
        fitted.preparation,
        fitted.minimum,
        fitted.true_per_counted_milli,
        fitted.true_per_counted_error_milli,
        fitted.certain_per_counted_milli,
    )


def _slides() -> Iterator[tuple[Slide, AdequacyNumbers]]:
    chance = np.random.default_rng(14)
    for i in range(SLIDES):
        if i % SLIDES_A_CARD == 0:
            card = _card(chance, FITTED_ON)
        loss, spread = LOSSES[i % len(LOSSES)], SPREADS[i // len(LOSSES) % len(SPREADS)]
        yield simulated(chance, spread, loss, _true_per_counted(chance)), card


def test_adequacy_the_final_interval_covers_the_truth() -> None:
    covers: dict[tuple[str, str], list[bool]] = defaultdict(list)
    plain: dict[str, list[bool]] = defaultdict(list)
    said: dict[str, Counter[str]] = defaultdict(Counter)
    for slide, card in _slides():
        summary = slide.summary(card)
        verdict, truth = decide(summary), slide.truth
        cells = verdict.adequacy
        assert cells.low is not None
        assert cells.high is not None
        for spread in ("all", slide.spread):
            covers[slide.loss, spread].append(cells.low <= truth <= cells.high)
        seen_empty = summary.area.usable + summary.area.empty - summary.sums.points
        low, high = estimate(summary.sums, summary.area.planned - seen_empty, card).limits
        plain[slide.loss].append(low <= truth <= high)
        is_wrong = _is_wrong(cells.state, truth)
        assert verdict.outcome is not Outcome.UNSATISFACTORY or coverage_is_complete(summary.area)
        said[slide.loss].update([cells.state, *(["wrong " + cells.state] if is_wrong else [])])
    rows = [
        (
            loss,
            *(f"{np.mean(covers[loss, spread]):.1%}" for spread in ("all", *SPREADS)),
            f"{np.mean(plain[loss]):.1%}",
        )
        for loss in LOSSES
    ]
    states = [
        (
            loss,
            *(
                f"{said[loss][state]} ({said[loss]['wrong ' + state]})"
                for state in (AdequacyState.ADEQUATE, AdequacyState.UNSATISFACTORY)
            ),
            said[loss][AdequacyState.UNDECIDED],
        )
        for loss in LOSSES
    ]
    write_section(
        PAGE,
        "At the end",
        f"""
{SLIDES:,} slides of 144 to 1,089 fields with 0.3 to 3 times the minimum of {MINIMUM:,} cells, for
every {SLIDES_A_CARD} of them a new card, fitted by the product's own rule on {FITTED_ON} other
slides. Of the true cells 90 % are counted, and false ones beside, so that k scatters by
{K_SPREAD / K:.1%} between slides. 0 to 30 % of the fields are lost. How often the final 95 %
interval holds the true cells of the whole slide, lost ground included:

{table(("Fields are lost", "all", *SPREADS, "all, by the ratio estimate alone"), rows)}

What was said of these slides, and in brackets how often it was wrong. With more than 5 % of the
ground lost, or a patch larger than a field, only cells that were seen count, and nothing is called
unsatisfactory.

{table(("Fields are lost", "adequate", "unsatisfactory", "undecided"), states)}
""",
    )
    for loss in LOSSES[:3]:
        assert np.mean(covers[loss, "all"]) >= 0.94, loss
    for spread in SPREADS:
        kinds = [each for loss in LOSSES[:3] for each in covers[loss, spread]]
        assert np.mean(kinds) >= 0.94, spread
    for loss, of in said.items():
        for state in (AdequacyState.ADEQUATE, AdequacyState.UNSATISFACTORY):
            assert of["wrong " + state] <= 0.01 * of.total(), loss


def test_adequacy_a_slide_with_just_enough_cells_is_hardly_ever_called_unsatisfactory() -> None:
    """At most as much is lost as coverage allows: only then may it be said at all."""
    rows = []
    for loss in LOSSES:
        chance = np.random.default_rng(16)
        said = Counter[str]()
        for i in range(SLIDES // len(LOSSES)):
            if i % SLIDES_A_CARD == 0:
                card = _card(chance, FITTED_ON)
            k, spread = _true_per_counted(chance), SPREADS[i % len(SPREADS)]
            slide = simulated(chance, spread, loss, k, 0.05, (1, 1.3))
            if slide.truth >= MINIMUM:
                summary = slide.summary(card)
                said.update(["complete"] * coverage_is_complete(summary.area))
                said.update([decide(summary).adequacy.state, "all"])
        wrong = said[AdequacyState.UNSATISFACTORY]
        rows.append((loss, said["all"], said["complete"], f"{wrong} ({wrong / said['all']:.2%})"))
        assert wrong <= 0.01 * said["all"], loss
    write_section(
        PAGE,
        "With just enough cells",
        f"""
Slides with 1 to 1.3 times the minimum, and at most 5 % of the fields lost:

{table(("Fields are lost", "slides", "coverage complete", "called unsatisfactory"), rows)}
""",
    )


def _is_wrong(state: str, truth: int) -> bool:
    if state == AdequacyState.ADEQUATE:
        return truth < MINIMUM
    return state == AdequacyState.UNSATISFACTORY and truth >= MINIMUM


def test_adequacy_in_mid_scan_is_said_of_cells_that_were_seen() -> None:
    """Every slide in both orders, and the projection that is not announced beside."""
    scant, wrong, projected = 0, Counter[str](), Counter[str]()
    adequate, at = Counter[str](), defaultdict[str, list[float]](list)
    for slide, card in _slides():
        scant += slide.truth < MINIMUM
        for name, order in _orders(len(slide.lost)).items():
            is_said, would_be_said = False, False
            for step in range(1, LOOKS):
                share = step / LOOKS
                summary = slide.summary(card, order < share * slide.lost.size)
                verdict = decide(summary)
                state = verdict.adequacy.state
                assert state is not AdequacyState.UNSATISFACTORY
                assert verdict.outcome is not Outcome.UNSATISFACTORY
                if state is AdequacyState.ADEQUATE and not is_said:
                    is_said = True
                    at[name].append(share)
                if summary.sums.n >= 30:
                    low, _ = estimate(summary.sums, summary.area.planned, card).limits
                    would_be_said |= low >= MINIMUM
            adequate[name] += is_said
            wrong[name] += is_said and slide.truth < MINIMUM
            projected[name] += would_be_said and slide.truth < MINIMUM
    rows = [
        (
            name,
            f"{adequate[name]:,}",
            f"{np.median(at[name]):.0%}",
            f"{wrong[name]} ({wrong[name] / scant:.2%})",
            f"{projected[name]} ({projected[name] / scant:.0%})",
        )
        for name in ("raster", "spiral")
    ]
    write_section(
        PAGE,
        "In mid-scan",
        f"""
The same slides, looked at {
            LOOKS - 1
        } times on the way: row by row, and in a spiral from the middle.
{scant:,} of them have fewer than {MINIMUM:,} cells. "Unsatisfactory" was said at no look of any.

{
            table(
                (
                    "Order",
                    "ever called adequate",
                    "median share scanned then",
                    "scant ones among them",
                    "scant ones that a projection would call adequate",
                ),
                rows,
            )
        }
""",
    )
    for name in ("raster", "spiral"):
        assert wrong[name] <= 0.01 * scant
        assert wrong[name] <= 0.01 * adequate[name]
        assert projected[name] > 0.03 * scant
        assert adequate[name] > 0.2 * SLIDES


@cache
def _orders(side: int) -> dict[str, npt.NDArray[np.int64]]:
    """When each field comes, counted from 0."""
    line, column = np.indices((side, side)) - (side - 1) / 2
    ring = np.maximum(abs(line), abs(column))
    spiral = np.lexsort((np.arctan2(line, column).ravel(), ring.ravel())).argsort()
    return {
        "raster": np.arange(side * side).reshape(side, side),
        "spiral": spiral.reshape(side, side),
    }


def test_adequacy_a_card_of_few_slides_is_as_sure_as_it_says() -> None:
    chance = np.random.default_rng(15)
    rows = []
    for fitted_on in (cellularity.LEAST_SLIDES, 6, FITTED_ON):
        holds, is_over_p = [], []
        for _ in range(CARDS):
            card = _card(chance, fitted_on)
            slide = simulated(chance, "evenly", "nothing", _true_per_counted(chance))
            cells = decide(slide.summary(card)).adequacy
            assert cells.low is not None
            assert cells.high is not None
            holds.append(cells.low <= slide.truth <= cells.high)
            counted = int(slide.counted.sum())
            is_over_p.append(1_000 * slide.truth >= card.certain_per_counted_milli * counted)
        rows.append((fitted_on, f"{np.mean(holds):.1%}", f"{np.mean(is_over_p):.1%}"))
        assert np.mean(holds) >= 0.93
        assert np.mean(is_over_p) >= 0.95
    write_section(
        PAGE,
        "Cards of few slides",
        f"""
For each line {CARDS:,} cards, fitted by the product's own rule on so many slides; of one more
slide, seen whole, whether the interval holds its cells, and whether it has no fewer true cells for
a counted one than p.

{table(("Slides of a card", "the interval holds the truth", "not under p"), rows)}
""",
    )
