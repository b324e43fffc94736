"""One slide, anonymised: a state folder of its own, which `verify` reads like any other.

It holds the rows, the pictures and the same verdict under another name. It does not hold whose
slide it is, its id, its driver, and any time of day. The device signs it with its own key.
"""

from dataclasses import replace
from pathlib import Path

from edge.journal import chain, shelf, signing
from edge.journal.central import Central
from edge.journal.durable import make_folder
from edge.journal.store import Owner, SlideStore
from edge.slide.record import Opening, Row


def export(state_dir: Path, central: Central, slide: str, to: Path, name: str, who: str) -> None:
    """Write a slide that has ended into a new folder, and note it in the chain.

    Args:
        state_dir: Where it is.
        central: The chain, to write.
        slide: Its id.
        to: A folder that is not there yet.
        name: The slide's id in there.
        who: Who asked for it.

    Raises:
        FileExistsError: There is something already.
        LookupError: The slide has not ended, or there is none.
        StoreFault: It could not be read or written.
    """
    store = shelf.read(state_dir, slide)
    if store is None or not central.has(chain.VERDICT, slide):
        raise LookupError(slide)
    if to.exists():
        raise FileExistsError(to)
    make_folder(shelf.path(to, name).parent)
    try:
        seal = _copy(store, shelf.path(to, name), name)
        verdicts = [verdict.body for verdict in store.verdicts()]
    finally:
        store.close()
    central.audit(chain.EXPORTED, who, {"slide": slide, "as": name, "seal": seal})
    own = Central(to, signer=signing.device(state_dir), clock_us=lambda: 0)
    for revision, body in enumerate(verdicts, 1):
        own.enter(name, revision, body, 0, seal)
    own.close()


def _copy(store: SlideStore, path: Path, name: str) -> str:
    """Write the slide's rows anew; gives the copy's seal."""
    rows: list[Row] = [
        replace(row, slide=name) if isinstance(row, Opening) else row for row in store.others()
    ]
    copy, owner = SlideStore(path), store.owner()
    copy.belong_to(Owner("", "", 0 if owner is None else owner.pm_per_px))
    copy.commit([], rows, "", 0)
    for kept in store.records(with_pictures=True):
        copy.commit([kept], [], "", 0)
    for step, body in store.steps():
        copy.mark(step, body)
    for verdict in store.verdicts():
        copy.issue(verdict.body, 0)
    seal = copy.seal()
    copy.close()
    return seal
