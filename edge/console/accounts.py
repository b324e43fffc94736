"""Pages of people: logging in and out, one's own account, everybody's, and what was done."""

import secrets
from itertools import islice

from starlette.responses import RedirectResponse, Response

from drivers.problem import Problem, Refusal
from edge.console.access import Asking, set_cookie
from edge.console.people import ROLES
from edge.console.watching import is_local

SHOWN = 200
"""Entries of the audit that the page shows."""


async def login_page(asking: Asking) -> Response:
    """Who are you?"""
    to = asking.request.query_params.get("next", "/")
    return asking.console.page(asking, "login.html", next=to, failed=False)


async def login(asking: Asking) -> Response:
    """Let somebody in, under a new cookie."""
    name, to = asking.text("name").strip(), asking.text("next")
    if not await asking.console.knows(name, asking.text("secret")):
        return asking.console.page(asking, "login.html", 403, next=to, failed=True)
    people = asking.console.people
    if asking.visitor.session is not None:
        people.log_out(asking.visitor.session)
    response = RedirectResponse(to if is_local(to) else "/", 303)
    set_cookie(response, asking.request, people.log_in(name))
    return response


async def logout(asking: Asking) -> Response:
    """Let somebody out, under a new cookie."""
    if asking.visitor.session is not None:
        asking.console.people.log_out(asking.visitor.session)
    response = RedirectResponse("/login", 303)
    set_cookie(response, asking.request, secrets.token_urlsafe(32))
    return response


async def first_page(asking: Asking) -> Response:
    """The first administrator's form."""
    token = asking.request.query_params.get("token", "")
    return asking.console.page(asking, "first.html", token=token, problem=None)


async def first(asking: Asking) -> Response:
    """Make the first administrator."""
    token = asking.text("token")
    try:
        asking.console.people.claim_first(token, asking.text("name"), asking.text("password"))
    except Refusal as refusal:
        return asking.console.page(asking, "first.html", 409, token=token, problem=refusal.problem)
    return RedirectResponse("/login?next=/people", 303)


async def account(asking: Asking) -> Response:
    """One's own password, PIN and blind mode."""
    return _account(asking)


def _account(asking: Asking, problem: Problem | None = None) -> Response:
    status = 409 if problem else 200
    return asking.console.page(asking, "account.html", status, problem=problem)


async def password(asking: Asking) -> Response:
    """Change one's password."""
    try:
        asking.console.people.set_password(
            asking.visitor.name, asking.text("old"), asking.text("new")
        )
    except Refusal as refusal:
        return _account(asking, refusal.problem)
    return RedirectResponse("/account", 303)


async def pin(asking: Asking) -> Response:
    """Choose a PIN."""
    try:
        asking.console.people.set_pin(asking.visitor.name, asking.text("old"), asking.text("pin"))
    except Refusal as refusal:
        return _account(asking, refusal.problem)
    return RedirectResponse("/account", 303)


async def blind(asking: Asking) -> Response:
    """Turn blind mode on or off."""
    if asking.visitor.session is not None:
        is_blind = asking.text("blind") == "on"
        asking.console.people.set_blind(asking.visitor.session, is_blind=is_blind)
    return RedirectResponse("/worklist", 303)


async def people(asking: Asking) -> Response:
    """Everybody."""
    return _people(asking)


def _people(asking: Asking, problem: Problem | None = None, made: str = "") -> Response:
    listed = asking.console.people.all()
    status = 409 if problem else 200
    return asking.console.page(
        asking, "people.html", status, people=listed, roles=ROLES, problem=problem, made=made,
        name=asking.text("name"),
    )  # fmt: skip


async def add(asking: Asking) -> Response:
    """Let somebody new in, with a password that they must change."""
    chosen = secrets.token_urlsafe(12)
    try:
        asking.console.people.add(
            asking.visitor.name, asking.text("name"), asking.text("role"), chosen
        )
    except Refusal as refusal:
        return _people(asking, refusal.problem)
    return _people(asking, made=chosen)


async def change(asking: Asking) -> Response:
    """Give somebody another role, turn them off or on, unlock them."""
    try:
        asking.console.people.change(
            asking.visitor.name, asking.text("name"), asking.text("role"),
            is_active=asking.text("active") == "yes",
        )  # fmt: skip
    except Refusal as refusal:
        return _people(asking, refusal.problem)
    return RedirectResponse("/people", 303)


async def audit(asking: Asking) -> Response:
    """What was done and refused, newest first, and whether the chain holds."""
    chain = asking.console.people.chain
    entries = list(chain.entries())
    return asking.console.page(
        asking, "audit.html", entries=list(islice(reversed(entries), SHOWN)), many=len(entries),
        broken=chain.first_broken(),
    )  # fmt: skip
