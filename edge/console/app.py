"""The console as an application: its state, its pages' frame, and the table of its routes."""

import asyncio
import logging
import os
import secrets
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from jinja2 import Environment, PackageLoader
from markupsafe import Markup
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.convertors import Convertor, register_url_convertor
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from drivers.problem import Refusal
from edge.console import words
from edge.console.access import Asking, Headers, Rule, enter, visitor_of
from edge.console.feed import Feed
from edge.console.link import DaemonLink
from edge.console.people import People
from edge.console.tasks import Task, tasks
from edge.report import drawing
from edge.settings import Settings

log = logging.getLogger(__name__)

MISTAKE: Final = 70
"""Exit status after a mistake of ours. Source: EX_SOFTWARE in sysexits.h."""
GALLERIES: Final = 8
"""Slides whose cells are held, about 0.5 MB each."""


class _Id(Convertor[str]):
    regex = "[A-Za-z0-9][A-Za-z0-9._-]{0,63}"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("id", _Id())


@dataclass
class Console:
    """One process's state."""

    settings: Settings
    people: People
    link: DaemonLink
    feed: Feed
    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    galleries: OrderedDict[str, dict[str, Any]] = field(default_factory=OrderedDict)
    opened_s: dict[tuple[str, str], float] = field(default_factory=dict)
    """When a session opened a case, for the time on it."""
    parts: dict[tuple[str, str, str], tuple[object, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._one_at_a_time = asyncio.Lock()
        self._jinja = Environment(
            loader=PackageLoader("edge.console"),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._jinja.filters["instant"] = instant

    def tasks(self, language: str) -> list[Task]:
        """What needs somebody now."""
        open_ = [view for view in self.feed.views() if not view.has_ended]
        alerts = self.feed.status.get("alerts", [])
        return tasks(alerts, open_, self.feed.is_connected, language)

    def part(self, name: str, language: str, **context: Any) -> str:  # noqa: ANN401  # a template's
        """A piece of a page."""
        template = self._jinja.get_template(f"part_{name}.html")
        return template.render(t=partial(words.say, language), **context)

    def cached_part(self, slide: str, name: str, language: str, key: object, **context: Any) -> str:  # noqa: ANN401
        """The same for all who look, drawn once a change.

        Args:
            slide: The slide that it is of.
            name: The template's.
            language: Of its words.
            key: What it depends on: equal, and nothing changed.
            context: For the template.
        """
        held = self.parts.get((slide, name, language))
        if held is not None and held[0] == key:
            return held[1]
        drawn = self.part(name, language, **context)
        self.parts[slide, name, language] = (key, drawn)
        return drawn

    def page(self, asking: Asking, template: str, status: int = 200, **context: Any) -> Response:  # noqa: ANN401
        """A whole page."""
        request, language = asking.request, language_of(asking.request)
        theme = request.cookies.get("theme", "auto")
        return HTMLResponse(
            self._jinja.get_template(template).render(
                t=partial(words.say, language),
                has_words=words.has,
                language=language,
                languages=words.LANGUAGES,
                theme=theme if theme in ("light", "dark") else "auto",
                visitor=asking.visitor,
                csrf=Markup('<input type="hidden" name="csrf" value="{}">').format(
                    asking.visitor.csrf
                ),
                path=request.url.path,
                tasks=self.tasks(language),
                is_connected=self.feed.is_connected,
                **context,
            ),
            status,
        )

    async def knows(self, name: str, secret: str) -> bool:
        """Whether a password or PIN is right: 0.1 s of work, beside the event loop."""
        async with self._one_at_a_time:
            return await run_in_threadpool(self.people.knows, name, secret)

    def refuse(self, asking: Asking, why: str, status: int) -> Response:
        """A page that says why not."""
        return self.page(asking, "refused.html", status, why=why, problem=None)


def language_of(request: Request) -> str:
    """The language of a browser."""
    accepted = request.headers.get("accept-language", "")
    return words.preferred(request.cookies.get("language"), accepted)


def instant(at_us: int) -> str:
    """Microseconds UTC as people write an instant."""
    return f"{datetime.fromtimestamp(0, UTC) + timedelta(microseconds=at_us):%Y-%m-%d %H:%M:%S} UTC"


def application(settings: Settings, people: People, rules: tuple[Rule, ...]) -> Starlette:
    """The console, to be served. It joins the daemon when it starts.

    Args:
        settings: The daemon's and its own.
        people: Who may use it; closed with it.
        rules: `edge.console.routes.RULES`.
    """

    @asynccontextmanager
    async def life(app: Starlette) -> AsyncIterator[None]:
        link = DaemonLink(settings.endpoints)
        feed = Feed(link)
        app.state.console = Console(settings, people, link, feed)
        following = asyncio.create_task(feed.run())
        following.add_done_callback(_tell_fault)
        yield
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
        link.close()
        people.close()

    curve = Route("/static/curve.css", _curve_style)
    static = Mount("/static", StaticFiles(packages=[("edge.console", "static")]))
    return Starlette(
        routes=[*map(_route, rules), curve, static],
        middleware=[
            Middleware(Headers),
            Middleware(TrustedHostMiddleware, allowed_hosts=sorted(settings.console.hosts)),
        ],
        exception_handlers={Refusal: _refusal, HTTPException: _no_page},
        lifespan=life,
    )


def _route(rule: Rule) -> Route:
    async def serve(request: Request) -> Response:
        return await enter(request.app.state.console, rule, request)

    return Route(rule.path, serve, methods=[rule.method])


async def _curve_style(_: Request) -> Response:
    return Response(drawing.STYLE, media_type="text/css")


async def _refusal(request: Request, error: Exception) -> Response:
    problem = error.problem if isinstance(error, Refusal) else None
    console: Console = request.app.state.console
    asking = Asking(console, request, visitor_of(console, request), FormData())
    status = 503 if problem is not None and problem.key == "tools" else 409
    return console.page(asking, "refused.html", status, why="problem", problem=problem)


async def _no_page(request: Request, error: Exception) -> Response:
    console: Console = request.app.state.console
    asking = Asking(console, request, visitor_of(console, request), FormData())
    status = error.status_code if isinstance(error, HTTPException) else 500
    return console.page(asking, "refused.html", status, why="no_page", problem=None)


def _tell_fault(task: "asyncio.Task[None]") -> None:
    """Without its feed a console would show old news as if they were new: it ends."""
    if not task.cancelled() and task.exception() is not None:
        log.critical("the console lost its feed", exc_info=task.exception())
        os._exit(MISTAKE)
