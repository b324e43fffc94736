"""From replayed slides to one of the card's tables."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from statistics import median_low

import numpy as np

from drivers.problem import Problem, Refusal
from edge.daemon.live import bars_of
from edge.detection.basis import resting_on
from edge.validation.announcing import announcing
from edge.validation.candidates import Counted, Wanted
from edge.validation.cellularity import adequacy
from edge.validation.choose import choose
from edge.validation.sample import Sample
from edge.verdict import system
from edge.verdict.spot import POINT_UM2
from engines.card import ModelCard
from engines.tables import Adequacy, Source, Table


def fit(samples: Sequence[Sample], card: ModelCard, source: Source, share_percent: int) -> Table:
    """A source's table, fitted on its slides, for the categories that the card has already.

    Args:
        samples: Replayed slides of that source, seen by this card's model.
        card: The card.
        source: Whose table it becomes.
        share_percent: Negative slides that may be sent to a review.

    Raises:
        Refusal: There is no negative slide, or no thresholds fit.
    """
    categories = system.load(card.system)
    template = next((t for t in card.tables if t.source == source), card.tables[0])
    basis = resting_on(card, template, {})
    classes = {bar.severity: list(bar.classes) for bar in bars_of(basis)}
    found = [categories.category(c.category) for c in template.categories]
    wanted = [Wanted(c.name, c.severity, c.is_high_grade) for c in found]
    slides = [
        Counted(
            each.summary.area.planned,
            {
                w.name: -np.sort(-each.scores[:, classes[w.severity]].sum(axis=1, dtype=np.int64))
                for w in wanted
            },
            categories.category(each.truth.worst).severity,
        )
        for each in samples
    ]
    negatives = [slide for slide in slides if not slide.worst]
    if not negatives:
        remedy = "Replay some: `--specimen negative`"
        raise Refusal(Problem("fit", source, "there is no negative slide of this source", remedy))
    area_um2 = reference_area_um2(source, [slide.planned for slide in negatives])
    positives = [slide for slide in slides if slide.worst]
    choice = choose(negatives, positives, wanted, share_percent, area_um2)
    table = Table(
        source=source,
        slides=told(samples),
        seeds=ranges(each.truth.seed for each in samples if each.truth.seed is not None),
        negative_slides=len(negatives),
        slides_for_review=choice.slides_for_review,
        reference_area_um2=area_um2,
        categories=choice.categories,
        adequacy=tuple(_adequacy(samples)),
    )
    bars = {bar.severity: bar for bar in bars_of(resting_on(card, table, {}))}
    courses = [s.course for s in samples if not categories.category(s.truth.worst).severity]
    return table.model_copy(
        update={
            "announcing": tuple(
                announcing(w.name, bars[w.severity], courses, are_whole=source != "public")
                for w in wanted
            )
        }
    )


def reference_area_um2(source: Source, planned: Sequence[int]) -> int:
    """The ground that counts are meant for.

    Rendered and site slides are whole: it is that of one. Of public slides there are only some
    fields each, too little ground to tell how rare a false finding is: it is that of all together.
    """
    return POINT_UM2 * (sum(planned) if source == "public" else median_low(planned))


def told(samples: Iterable[Sample]) -> str:
    """Which slides they are, in words."""
    kinds = Counter(
        f"{each.truth.origin} ({each.summary.opening.preparation}, {each.truth.worst})"
        for each in samples
    )
    return ", ".join(f"{many} {kind}" for kind, many in sorted(kinds.items()))


def ranges(numbers: Iterable[int]) -> str:
    """Whole numbers as runs: `7000-7019, 7100`."""
    runs = groupby(enumerate(sorted(set(numbers))), key=lambda pair: pair[1] - pair[0])
    ends = [(run[0][1], run[-1][1]) for run in (list(run) for _, run in runs)]
    return ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in ends)


def _adequacy(samples: Sequence[Sample]) -> Iterator[Adequacy]:
    """Of every preparation whose true cells are known on enough slides."""
    for preparation in sorted({each.summary.opening.preparation for each in samples}):
        pairs = [
            (each.truth.seen_cells, each.summary.sums.cells)
            for each in samples
            if each.summary.opening.preparation == preparation and each.truth.seen_cells is not None
        ]
        if (found := adequacy(preparation, pairs)) is not None:
            yield found
