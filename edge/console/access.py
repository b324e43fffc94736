"""Who may do what: each route names its roles, and nothing is served beside the table."""

import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode, urlsplit

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edge.console.people import ROLES, Person, Session

if TYPE_CHECKING:
    from edge.console.app import Console

COOKIE: Final = "cytoedge"
NOBODY: Final = "nobody"
ANYBODY: Final = frozenset({NOBODY, *ROLES})
"""Also who has not logged in, from anywhere."""
VIEWERS: Final = frozenset(ROLES)
OPERATORS: Final = frozenset({"operator", "technician", "administrator"})
READERS: Final = frozenset({"cytologist"})
ADMINISTRATORS: Final = frozenset({"administrator"})
SEE_WORK: Final = frozenset({"cytologist", "administrator"})

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever sent a request."""

    role: str
    token: str
    """The cookie's value; a new one where there was none."""
    csrf: str
    """What every form must bring."""
    session: Session | None = None

    @property
    def person(self) -> Person | None:
        """Who, where they have logged in."""
        return None if self.session is None else self.session.person

    @property
    def name(self) -> str:
        """Their name; empty where they have not logged in."""
        return "" if self.session is None else self.session.person.name

    @property
    def is_blind(self) -> bool:
        """Whether the machine's verdicts are hidden from them until they judged."""
        return self.session is not None and self.session.is_blind


@dataclass(frozen=True, slots=True)
class Asking:
    """A request that was let through."""

    console: "Console"
    request: Request
    visitor: Visitor
    form: FormData

    def text(self, key: str) -> str:
        """A value of the form; empty where there is none."""
        value = self.form.get(key, "")
        return value if isinstance(value, str) else ""

    @property
    def slide(self) -> str:
        """The slide in the path. Its form was checked by the route."""
        return str(self.request.path_params["slide"])


Endpoint = Callable[[Asking], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the table."""

    path: str
    method: str
    roles: frozenset[str]
    endpoint: Endpoint


def visitor_of(console: "Console", request: Request) -> Visitor:
    """Who sent a request: by its cookie, and where that says nothing, by where it comes from."""
    given = request.cookies.get(COOKIE, "")
    token = given if 20 <= len(given) <= 100 and given.isascii() else secrets.token_urlsafe(32)
    session = console.people.session(token)
    csrf = hmac.new(console.secret, token.encode(), hashlib.sha256).hexdigest()
    if session is not None:
        return Visitor(session.person.role, token, csrf, session)
    looks = console.settings.console.viewer_without_login and _is_here(request)
    return Visitor("viewer" if looks else NOBODY, token, csrf)


def _is_here(request: Request) -> bool:
    """Whether a browser on this machine asks, and no proxy for another."""
    host = request.client.host if request.client else ""
    return host in ("127.0.0.1", "::1") and "x-forwarded-for" not in request.headers


async def enter(console: "Console", rule: Rule, request: Request) -> Response:
    """Serve a request, or refuse it."""
    visitor = visitor_of(console, request)
    asking = Asking(console, request, visitor, FormData())
    if request.method == "POST":
        form = await request.form(max_files=0, max_fields=40, max_part_size=20_000)
        asking = Asking(console, request, visitor, form)
        if not (_is_own_page(request) and _has_token(asking)):
            console.people.audit(visitor.name, "forged_form_refused", request.url.path[:200])
            return console.refuse(asking, "forged", 403)
    if visitor.role not in rule.roles:
        return _refuse(console, asking)
    must_change = visitor.person is not None and visitor.person.must_change
    if must_change and rule.path not in ("/account", "/logout", "/account/password"):
        return RedirectResponse("/account", 303)
    if visitor.session is not None:
        console.people.touch(visitor.session)
    response = await rule.endpoint(asking)
    if COOKIE not in request.cookies and "set-cookie" not in response.headers:
        set_cookie(response, request, visitor.token)
    return response


def set_cookie(response: Response, request: Request, token: str) -> None:
    """Give the browser its cookie: no script reads it, no other site sends it."""
    response.set_cookie(
        COOKIE, token, httponly=True, samesite="strict", secure=request.url.scheme == "https"
    )


def _refuse(console: "Console", asking: Asking) -> Response:
    path = asking.request.url.path
    if asking.visitor.session is None:
        if asking.request.method == "GET":
            return RedirectResponse(f"/login?{urlencode({'next': path})}", 303)
        return console.refuse(asking, "log_in_first", 401)
    console.people.audit(asking.visitor.name, "refused", f"{asking.request.method} {path}"[:200])
    return console.refuse(asking, "not_your_role", 403)


def _is_own_page(request: Request) -> bool:
    """Whether a form comes from a page of this console, as far as the browser tells."""
    origin = request.headers.get("origin")
    if origin is None:
        return request.headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")
    return urlsplit(origin).netloc == request.headers.get("host")


def _has_token(asking: Asking) -> bool:
    return hmac.compare_digest(asking.text("csrf").encode(), asking.visitor.csrf.encode())


class Headers:
    """Puts `HEADERS` onto every answer, also of errors and of static files."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve."""

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                has = {name.lower() for name, _ in message["headers"]}
                added = [(k.lower().encode(), v.encode()) for k, v in HEADERS.items()]
                if b"cache-control" not in has:
                    added.append((b"cache-control", b"no-store"))
                message["headers"] = [*message["headers"], *added]
            await send(message)

        await self._app(scope, receive, sending)
