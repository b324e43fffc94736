"""What people said of a slide: read from its file, and one entry more at a time."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drivers.problem import Problem
from drivers.scanner import codec
from drivers.scanner.messages import Refused, Revise, Revised
from drivers.scanner.words import Code
from edge.journal import chain, shelf
from edge.journal.central import Central
from edge.journal.store import SlideStore
from edge.journal.store import Verdict as Issued
from edge.report.model import report
from edge.revision.revision import Revision, read
from edge.revision.signing import Case, Drawing, refusal
from edge.verdict.verdict import hash_of

_SAID = (chain.VERDICT, chain.REVISED)


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
    revisions = [read(said.body) for said in store.revisions()]
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
        body = revision.to_json()
        store.revise(Issued(revision.revision, body, now_us))
        seal = store.seal()
    finally:
        store.close()
    central.enter(wish.slide, revision.revision, body, now_us, seal, revision.person)
    return Made(Revised(re=wish.id, slide=wish.slide, revision=revision.revision), revision)


def complete(state_dir: Path, central: Central) -> None:
    """Take into the chain what a death left out of it.

    Raises:
        StoreFault: It could not be written.
    """
    known = {(e.body["slide"], e.body["revision"]) for e in central.entries() if e.kind in _SAID}
    for slide in sorted({str(slide) for slide, _ in known}):
        try:
            store = shelf.read(state_dir, slide)
            if store is None:
                continue
            missing = [said for said in store.revisions() if (slide, said.revision) not in known]
            seal = store.seal()
            store.close()
        except shelf.UNREADABLE:
            continue  # `verify` tells of it
        for said in missing:
            person = read(said.body).person
            central.enter(slide, said.revision, said.body, said.issued_at_us, seal, person)
