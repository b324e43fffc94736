"""What people said of a slide: read from its file, and one entry more at a time."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drivers.problem import Problem
from drivers.scanner import codec
from drivers.scanner.messages import Refused, Revise, Revised
from drivers.scanner.words import Code
from edge.journal import shelf
from edge.journal.central import Central
from edge.journal.store import SlideStore, StoreFault
from edge.journal.store import Verdict as Issued
from edge.report.model import report
from edge.revision.revision import Revision, read
from edge.revision.signing import Case, Drawing, refusal
from edge.verdict.verdict import hash_of


@dataclass(frozen=True, slots=True)
class Made:
    """The answer, and the revision that it tells of; None where it was refused."""

    answer: Revised | Refused
    revision: Revision | None = None


def case_of(slide: str, issued: Issued, store: SlideStore, drawing: Drawing) -> Case:
    """A slide that has ended, with all that was said of it.

    Raises:
        pydantic.ValidationError: A revision or the verdict was changed by hand.
    """
    verdict = report(slide, issued.revision, issued.issued_at_us, issued.body).verdict
    revisions = [read(body) for _, body in store.revisions()]
    newest = max([issued.revision, *(each.revision for each in revisions)])
    return Case(slide, verdict.model_dump(mode="json"), revisions, newest, drawing)


def brief(case: Case) -> dict[str, Any]:
    """A case as a tool is told of it."""
    signed = case.signed
    return {
        "stage": case.stage,
        "second_because": case.second_because,
        "newest": case.newest,
        "signed": None if signed is None else signed.says,
        "choices": list(case.choices),
        "revisions": [each.model_dump(mode="json") for each in case.revisions],
    }


def revise(state_dir: Path, central: Central, drawing: Drawing, wish: Revise, now_us: int) -> Made:
    """Keep what a person says: in the slide's file, then in the chain. The writer's thread.

    Raises:
        StoreFault: It could not be written.
    """
    path = shelf.path(state_dir, wish.slide)
    store = SlideStore(path) if path.exists() else None
    issued = None if store is None else store.last_verdict()
    if store is None or issued is None:
        if store is not None:
            store.close()
        remedy = "Wait for its final verdict"
        why = Problem("slide", wish.slide, "has not ended, or is not here", remedy)
        return Made(codec.refusal_of(wish, Code.STATE, why))
    try:
        try:
            case = case_of(wish.slide, issued, store, drawing)
        except (ValueError, sqlite3.Error) as error:
            what = Problem("slide", wish.slide, f"its file: {error}", "Run `cytoedge verify`")
            return Made(codec.refusal_of(wish, Code.UNKNOWN_SLIDE, what))
        refused = refusal(case, wish)
        if refused is not None:
            return Made(codec.refusal_of(wish, Code.REVISION, refused))
        revision = Revision(
            revision=case.newest + 1,
            verdict_hash=hash_of(issued.body),
            at_us=now_us,
            **wish.model_dump(exclude={"type", "id", "ext"}),
        )
        store.revise(revision.revision, revision.to_json())
    finally:
        store.close()
    central.append(wish.slide, revision.revision, revision.to_json())
    return Made(Revised(re=wish.id, slide=wish.slide, revision=revision.revision), revision)


def complete(state_dir: Path, central: Central) -> None:
    """Take into the chain what a death left out of it.

    Raises:
        StoreFault: It could not be written.
    """
    linked = {(link.slide, link.revision) for link in central.links()}
    for slide in sorted({slide for slide, _ in linked}):
        try:
            store = shelf.read(state_dir, slide)
            said = [] if store is None else store.revisions()
        except (StoreFault, sqlite3.Error):
            continue  # `verify` tells of it
        if store is not None:
            store.close()
        for number, body in said:
            if (slide, number) not in linked:
                central.append(slide, number, body)
