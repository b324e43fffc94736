"""One socket to the daemon that is always being made to work: hello, session, liveness, reconnect.

What it says about slides, and what the answers mean, is `drivers.scanner.link`'s concern.
"""

import time
import uuid
from collections.abc import Sequence
from typing import TypeVar

import zmq
from pydantic import ValidationError

from drivers.problem import Refusal
from drivers.scanner.codec import FromWire, Part, decode_from_daemon, encode
from drivers.scanner.curve import Curve
from drivers.scanner.messages import (
    Error,
    FromClient,
    FromDaemon,
    Hello,
    InSession,
    Ping,
    Refused,
    Welcome,
)
from drivers.scanner.strict_json import problem_of
from drivers.scanner.words import PROTOCOL_VERSION, Code, RequestKind, Words

PING_S = 1.0
"""Silence of the daemon after which it is asked whether it lives."""
SILENCE_S = 6.0
"""Silence of the daemon, after a message of ours, after which a new socket is made."""
NO_WELCOME_S = 2.0
"""Likewise after `hello`, which is answered at once: a daemon that died may have taken it along."""
PAUSE_S = 0.25
"""Between a refusal that may be tried again and the next try."""

W = TypeVar("W", bound=Words)
_UNSENT = {"id": "unsent", "session": "none"}


def made(model: type[W], **values: object) -> W:
    """A model made from a caller's values; integers may come from numpy.

    Messages get their id and session when they are sent.

    Raises:
        Refusal: A value is not what the protocol allows.
    """
    if issubclass(model, InSession):
        values |= _UNSENT
    try:
        return model(**{key: _plain(value) for key, value in values.items()})
    except ValidationError as error:
        raise Refusal(problem_of(error)) from None


def _plain(value: object) -> object:
    has_index = hasattr(value, "__index__") and not isinstance(value, bool)
    return value.__index__() if has_index else value  # type: ignore[attr-defined]


_PING = made(Ping)


class Connection:
    """A DEALER, and the session that lives on it. For one thread."""

    def __init__(
        self,
        endpoint: str,
        driver: str,
        software: str,
        takes: Sequence[RequestKind] = (),
        curve: Curve | None = None,
    ) -> None:
        """Opens the socket and says `hello`; waits for nothing.

        Raises:
            Refusal: `driver`, `software` or `takes` is not what the protocol allows.
        """
        boot = uuid.uuid4().hex
        self._hello = made(
            Hello,
            id="unsent",
            v=[PROTOCOL_VERSION],
            driver=driver,
            boot=boot,
            software=software,
            takes=list(takes) or None,
        )
        self._endpoint, self._curve = endpoint, curve
        self._context = zmq.Context()
        self._hellos = self._messages = 0
        self._hello_id = self._session = ""
        self._hello_at: float | None = None
        """When to say `hello` again, where the last one was refused for now."""
        self.welcome: Welcome | None = None
        """The last one."""
        self.failure: Refused | Error | None = None
        """Why `hello` was refused for good."""
        self.is_live = False
        """Whether there is a session."""
        self.sockets = self.rubbish = 0
        self._greeted_at = self._heard_at = self._pinged_at = 0.0
        self._asked_at: float | None = None
        """When the first message after the last that was heard was sent."""
        self._connect()

    @property
    def session_number(self) -> int:
        """Another one whenever the session is another one."""
        return self._hellos

    def send(self, message: FromClient, part: Part | None = None) -> str:
        """Sends a message in the live session, whatever it was sent as before. Gives its id."""
        self._messages += 1
        head = {"id": f"{self._hellos}.{self._messages}", "session": self._session}
        self._send(message.model_copy(update=head), part)
        return head["id"]

    def receive(self, wait_s: float) -> FromWire[FromDaemon] | None:
        """The next message, or None: pings, silence, lost sessions and rubbish are seen to here."""
        if not self._socket.poll(0):
            self._keep_alive()
            if not self._socket.poll(int(1000 * min(wait_s, PAUSE_S))):
                return None
        decoded = decode_from_daemon(self._socket.recv_multipart())
        self._heard_at, self._asked_at = time.monotonic(), None
        if not isinstance(decoded, FromWire):
            self.rubbish += 1
            return None
        match decoded.message:
            case Welcome(re=self._hello_id) as welcome:
                self.welcome, self._session, self.is_live = welcome, welcome.session, True
                return decoded
            case Refused(re=self._hello_id) | Error(re=self._hello_id) as refusal:
                self._take_refusal(refusal)
            case Refused(code=Code.SESSION) | Error(code=Code.SESSION) as refusal:
                if refusal.re is None or refusal.re.startswith(f"{self._hellos}."):
                    self._say_hello()
            case Welcome():
                pass  # The answer to a hello before the last.
            case _:
                return decoded
        return None

    def close(self) -> None:
        """Closes the socket; what was not sent yet is dropped."""
        self._socket.close(linger=0)
        self._context.term()

    def _connect(self) -> None:
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.SNDHWM, 0)  # The window bounds it; a send must never block.
        if self._curve is not None:
            self._curve.put_on(self._socket)
        self._socket.connect(self._endpoint)
        self.sockets += 1
        self._heard_at, self._asked_at = time.monotonic(), None
        self._say_hello()

    def _say_hello(self) -> None:
        self.is_live, self._hello_at = False, None
        self._greeted_at = time.monotonic()
        self._hellos += 1
        self._hello_id = f"{self._hellos}.hello"
        self._send(self._hello.model_copy(update={"id": self._hello_id}), None)

    def _take_refusal(self, refusal: Refused | Error) -> None:
        if refusal.retry:
            self._hello_at = time.monotonic() + PAUSE_S
        else:
            self.failure = refusal

    def _send(self, message: FromClient, part: Part | None) -> None:
        if self._asked_at is None:
            self._asked_at = time.monotonic()
        self._socket.send_multipart(encode(message, part), copy=False)

    def _keep_alive(self) -> None:
        """Nothing has come: asks, or gives the socket up."""
        now = time.monotonic()
        if self._hello_at is not None:
            if now >= self._hello_at:
                self._say_hello()
        elif self._is_given_up(now):
            self._socket.close(linger=0)
            self._connect()
        elif self.is_live and now - max(self._heard_at, self._pinged_at) > PING_S:
            self._pinged_at = now
            self.send(_PING)

    def _is_given_up(self, now: float) -> bool:
        if not self.is_live:
            return now - self._greeted_at > NO_WELCOME_S
        return self._asked_at is not None and now - self._asked_at > SILENCE_S
