"""Pages for whoever decides: the worklist, a case, judging, signing, and how all agree."""

import time
import uuid
from typing import Any, get_args

from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from drivers.problem import Problem, Refusal, shown
from drivers.scanner.messages import Revise
from drivers.scanner.words import RevisionReason
from edge.console.access import Asking
from edge.console.watching import shown_result
from edge.revision.concordance import concordance
from edge.revision.revision import machine_says
from edge.revision.zones import Zone
from edge.verdict import system

REASONS = tuple(each for each in get_args(RevisionReason) if each not in ("agrees", "blind"))


async def worklist(asking: Asking) -> Response:
    """What waits for a reader, the most pressing first."""
    listed = (await asking.console.link.ask("slides"))["slides"]
    ended = [each for each in listed if each["case"] is not None]
    wait = [each for each in ended if each["case"]["stage"] != "signed"]
    name, is_blind = asking.visitor.name, asking.visitor.is_blind
    if is_blind:
        wait.sort(key=lambda each: each["issued_at_us"])
        zones = [("blind", wait)] if wait else []
    else:
        wait.sort(key=lambda each: each["order"])
        named = [
            (zone.name.lower(), [e for e in wait if e["zone"] == zone.name.lower()])
            for zone in Zone
        ]
        zones = [(zone, cases) for zone, cases in named if cases]
    signed = [each for each in ended if each["case"]["stage"] == "signed"]
    signed.sort(key=lambda each: -each["case"]["newest"])
    return asking.console.page(
        asking, "worklist.html", zones=zones, signed=signed[:50], me=name, is_blind=is_blind
    )


async def case(asking: Asking) -> Response:
    """One slide with what was said of it, and the form to judge it."""
    return await _case(asking)


async def _case(asking: Asking, problem: Problem | None = None, status: int = 200) -> Response:
    console, visitor = asking.console, asking.visitor
    found = await shown_result(console, asking.slide)
    if found is None or found["case"] is None:
        raise HTTPException(404)
    said = found["case"]["revisions"]
    own = [each for each in said if each["person"] == visitor.name and each["act"] == "judge"]
    hides = visitor.is_blind and not own
    if visitor.session is not None:
        console.opened_s.setdefault((visitor.session.key, asking.slide), time.monotonic())
    stage = found["case"]["stage"]
    may_sign = bool(own) and stage == "ready" and said[-1]["says"] == own[-1]["says"]
    return console.page(
        asking, "case.html", status, **found, hides=hides, reasons=REASONS,
        machine=machine_says(found["report"].verdict.model_dump(mode="json")), problem=problem,
        own=own[-1] if own else None, may_sign=may_sign, form=asking.form,
        choices=_choices(found),
    )  # fmt: skip


def _choices(found: dict[str, Any]) -> list[tuple[str, str]]:
    """What may be said, with its title."""
    titles = {c.name: c.title for c in system.load(found["facts"]["system"]).categories}
    return [(name, titles.get(name, "")) for name in found["case"]["choices"]]


async def judge(asking: Asking) -> Response:
    """Keep a reader's judgement: step one."""
    visitor = asking.visitor
    is_hidden = asking.text("blind") == "yes" and visitor.is_blind
    try:
        await asking.console.link.revise(_wish(asking, "judge", is_blind=is_hidden))
    except Refusal as refusal:
        return await _case(asking, refusal.problem, 409)
    _forget(asking)
    asking.console.people.audit(visitor.name, "judged", asking.slide)
    return RedirectResponse(f"/cases/{asking.slide}", 303)


async def sign(asking: Asking) -> Response:
    """Make a judgement the slide's result: step two, with the reader's password or PIN again."""
    visitor = asking.visitor
    try:
        if not await asking.console.knows(visitor.name, asking.text("secret")):
            what = "is wrong, or the name is locked"
            raise Refusal(Problem("secret", "(not shown)", what, "Give your password or PIN"))
        await asking.console.link.revise(_wish(asking, "sign", is_blind=False))
    except Refusal as refusal:
        return await _case(asking, refusal.problem, 409)
    asking.console.people.audit(visitor.name, "signed", asking.slide)
    return RedirectResponse("/worklist", 303)


def _wish(asking: Asking, act: str, *, is_blind: bool) -> Revise:
    """A form as a message.

    Raises:
        Refusal: It is none.
    """
    visitor, given = asking.visitor, asking.text("reason")
    follows = asking.text("follows")
    try:
        return Revise.model_validate(
            {
                "type": "revise",
                "id": uuid.uuid4().hex,
                "slide": asking.slide,
                "follows": int(follows) if follows.isdecimal() else -1,
                "act": act,
                "says": asking.text("says"),
                "reason": "blind" if is_blind else given or "agrees",
                "text": asking.text("text").strip(),
                "person": visitor.name,
                "role": visitor.role,
                "blind": is_blind,
                "seconds": _seconds(asking) if act == "judge" else None,
            }
        )
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        remedy = "Go back and fill it in again"
        raise Refusal(Problem(key, shown(first["input"]), first["msg"], remedy)) from None


def _seconds(asking: Asking) -> int | None:
    session = asking.visitor.session
    if session is None or not asking.console.settings.console.times_cases:
        return None
    began_s = asking.console.opened_s.get((session.key, asking.slide))
    return None if began_s is None else round(time.monotonic() - began_s)


def _forget(asking: Asking) -> None:
    if asking.visitor.session is not None:
        asking.console.opened_s.pop((asking.visitor.session.key, asking.slide), None)


async def agreement(asking: Asking) -> Response:
    """How machine and readers agree, and where they did not."""
    if asking.visitor.is_blind:
        raise HTTPException(403)
    listed = (await asking.console.link.ask("slides"))["slides"]
    signed = [each for each in listed if each["case"] is not None and each["case"]["signed"]]
    found = []
    for name in sorted({each["system"] for each in signed}):
        of_system = [each for each in signed if each["system"] == name]
        order = of_system[0]["case"]["choices"]
        said = [(e["machine_says"], e["case"]["signed"]) for e in of_system if e["machine_says"]]
        found.append((system.load(name).title, concordance(said, order)))
    differ = [e for e in signed if e["machine_says"] not in (None, e["case"]["signed"])]
    open_ = [each for each in signed if each["machine_says"] is None]
    return asking.console.page(
        asking, "agreement.html", systems=found, differ=differ, left_open=len(open_)
    )
