"""The console's line to the daemon: questions, revisions, and the stream of events."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any, Literal

import zmq
import zmq.asyncio

from drivers.problem import Problem, Refusal
from drivers.scanner import codec
from drivers.scanner.codec import Undecodable
from drivers.scanner.lists import ImageKey
from drivers.scanner.messages import Ask, Error, Event, Refused, Request, Revise, Revised, Told
from edge.settings import Endpoints

ANSWER_S = 5.0
What = Literal["status", "slides", "slide", "verdict", "gallery", "records", "record", "health"]


class DaemonLink:
    """One process's line. Many may ask at once: answers find who waits by their `re`."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints
        self._context = zmq.asyncio.Context()
        self._tools = self._context.socket(zmq.DEALER)
        self._events = self._context.socket(zmq.SUB)
        for socket in (self._tools, self._events):
            socket.setsockopt(zmq.LINGER, 0)
        self._events.setsockopt(zmq.RCVHWM, 20_000)
        self._tools.connect(endpoints.tools)
        self._events.connect(endpoints.events)
        self._events.subscribe(b"")
        self._waiting: dict[str, asyncio.Future[Any]] = {}

    def close(self) -> None:
        """End it."""
        self._tools.close()
        self._events.close()
        self._context.term()

    async def hear(self) -> None:
        """Give answers to those who wait, for ever. One task runs it."""
        while True:
            answer = codec.decode_from_daemon(await self._tools.recv_multipart())
            if isinstance(answer, Undecodable) or isinstance(answer.message, Request):
                continue
            waiting = self._waiting.get(answer.message.re or "")
            if waiting is not None and not waiting.done():
                waiting.set_result(answer)

    async def events(self) -> AsyncIterator[Event]:
        """What the daemon publishes."""
        while True:
            event = codec.decode_event(await self._events.recv_multipart())
            if not isinstance(event, Undecodable):
                yield event

    async def ask(
        self, what: What, slide: str | None = None, image: ImageKey | None = None
    ) -> dict[str, Any]:
        """The daemon's answer to a question.

        Raises:
            Refusal: It refused, or there is no daemon.
        """
        answer = await self._say(Ask(id=uuid.uuid4().hex, what=what, slide=slide, image=image))
        if isinstance(answer.message, Told) and isinstance(answer.part, dict):
            return answer.part
        raise _strange(answer.message.type)

    async def revise(self, wish: Revise) -> int:
        """Have the daemon keep what a person says: the revision's number.

        Raises:
            Refusal: It refused, or there is no daemon.
        """
        answer = await self._say(wish)
        if isinstance(answer.message, Revised):
            return answer.message.revision
        raise _strange(answer.message.type)

    async def _say(self, message: Ask | Revise) -> Any:  # noqa: ANN401  # FromWire of any answer
        waiting = asyncio.get_running_loop().create_future()
        self._waiting[message.id] = waiting
        try:
            await self._tools.send_multipart(codec.encode(message))
            answer = await asyncio.wait_for(waiting, ANSWER_S)
        except TimeoutError:
            remedy = "Start one: `cytoedge run`"
            what = Problem("tools", self._endpoints.tools, "no daemon answers", remedy)
            raise Refusal(what) from None
        finally:
            del self._waiting[message.id]
        said = answer.message
        if isinstance(said, Refused | Error):
            raise Refusal(Problem(said.key, said.value, said.problem, said.remedy))
        return answer


def _strange(type_: str) -> Refusal:
    return Refusal(
        Problem("answer", type_, "is none to this", "Update daemon and console together")
    )
