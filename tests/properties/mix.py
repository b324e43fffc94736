"""What makes a slide hard, and the worst that it says."""

from collections import Counter
from dataclasses import replace

from edge.evidence.fold import fold
from edge.evidence.summary import Summary
from edge.slide.record import Closing, Image, Withdrawal
from tests.properties.oracle import Oracle
from tests.properties.slides import Slide


def worst_of(summary: Summary) -> int:
    """The worst severity that a counted finding reaches; -1 where none counts."""
    return max((s for s, n in enumerate(summary.reached) if n), default=-1)


def has_twins(slide: Slide) -> bool:
    oracle = Oracle(slide.rows)
    return any(oracle.twins(one) for ones in oracle.findings.values() for one in ones)


def has_a_rescan_that_takes_over_in_part(slide: Slide) -> bool:
    oracle = Oracle(slide.rows)
    owners = {oracle.owner(at) for at in oracle.planned_points()}
    captures = Counter(field for field, _ in {o[:2] for o in owners if isinstance(o, Image)})
    return max(captures.values(), default=0) > 1


def has_a_withdrawal_that_changes_it(slide: Slide) -> bool:
    summary, kept = fold(slide.rows), fold(slide.without(Withdrawal).rows)
    return summary != replace(kept, withdrawn_captures=summary.withdrawn_captures)


def has_a_finding_that_waits(slide: Slide) -> bool:
    """In the middle of the scan: a complete field shows it, and a nearer one is to come."""
    rows = [row for row in slide.rows if not isinstance(row, Closing)]
    oracle = Oracle(rows[: 1 + len(rows) // 2])
    complete = {p.field for p in oracle.plan.fields if oracle.is_complete(p)}
    return any(
        oracle.owner(one.at) == "pending" and oracle.sees(oracle.records[image], one.at)
        for image, ones in oracle.findings.items()
        if image.field in complete
        for one in ones
    )
