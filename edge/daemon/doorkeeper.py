"""Who may connect: answers libzmq's question at each handshake, and again at each message.

The socket's thread owns it. libzmq asks by ZAP (ZeroMQ RFC 27) over an inproc socket in the middle
of a handshake; the answer names the peer's key, which each message of that connection carries.
"""

import time
from collections import deque

import zmq
from zmq.utils import z85

from drivers.problem import Problem, Refusal
from edge.daemon.strangers import Strangers
from edge.intake.allowed import Allowed, Role
from edge.journal import keys
from edge.settings import Settings

Socket = zmq.Socket[bytes]
ZAP = "inproc://zeromq.zap.01"
VERSION = b"1.0"
SETTLED_S = 6.0
"""By then a handshake has ended: a second over its limit."""


class Doorkeeper:
    """Holds the list, and reads it anew when it has changed."""

    def __init__(
        self, context: zmq.Context[Socket], settings: Settings, strangers: Strangers
    ) -> None:
        """Be there before the sockets are bound.

        Raises:
            Refusal: The list cannot be read, or sockets ask for keys and it is empty.
            StoreFault: The daemon's key cannot be read or made.
        """
        self._state_dir, self._strangers = settings.state_dir, strangers
        self.curved = settings.curved()
        """The sockets that ask for keys."""
        self.pair = keys.daemon_pair(self._state_dir) if self.curved else (b"", b"")
        self._allowed, self._age = Allowed({}), (-1, -1)
        self.problem: Refusal | None = None
        """Why the list cannot be read."""
        self.read_list()
        if self.problem is not None:
            raise self.problem
        if self.curved and all(known.role is Role.REVOKED for known in self._allowed):
            where = str(self._state_dir / keys.LIST)
            remedy = "Let a driver in: `cytoedge keys new NAME`, `cytoedge keys allow NAME KEY`"
            raise Refusal(Problem("curve", where, "nobody is on the list", remedy))
        self.socket = context.socket(zmq.REP)
        self.socket.bind(ZAP)

    def read_list(self) -> None:
        """Read the list where it has changed. One that cannot be read leaves the one before."""
        age = keys.age_ns(self._state_dir)
        if age == self._age:
            return
        self._age, self.problem = age, None
        try:
            self._allowed = keys.read_allowed(self._state_dir)
        except Refusal as refusal:
            self.problem = refusal

    def answer(self) -> None:
        """Answer one handshake. The socket must have a question."""
        _, number, door, address, _, mechanism, *credentials = self.socket.recv_multipart()
        socket, peer = door.decode(), address.decode(errors="replace")
        status, user = b"400", ""
        if socket not in self.curved:
            status = b"200" if mechanism == b"NULL" else b"400"
        elif mechanism == b"CURVE" and len(credentials) == 1:
            key = z85.encode(credentials[0]).decode()
            self.read_list()
            if self.lets_in(socket, key, peer):
                status, user = b"200", key
        self.socket.send_multipart([VERSION, number, status, b"", user.encode(), b""])

    def lets_in(self, socket: str, key: str, peer: str) -> bool:
        """Whether a key opens a socket now; where it does not, it is noted."""
        if self._allowed.opens(key, socket) or (
            socket != "drivers" and key == self.pair[0].decode()
        ):  # The daemon's own key: commands of whoever may read it.
            return True
        known = self._allowed.get(key)
        if known is None:
            reason, name = "unknown_key", ""
        else:
            reason = "revoked_key" if known.role is Role.REVOKED else "wrong_role"
            name = known.name
        who = f"{key} {peer}".strip()
        self._strangers.refused(socket, reason, time.monotonic(), name=name, peer=who)
        return False

    def name(self, key: str) -> str:
        """Who a key belongs to."""
        known = self._allowed.get(key)
        return "" if known is None else known.name

    def close(self) -> None:
        """The last of all sockets."""
        self.socket.close(0)


class Dropped:
    """Connections that ended in the handshake without a word, as old ZMTP and rubbish do.

    libzmq tells that a connection was accepted, has shaken hands or failed, but not which one,
    and of some that fail it tells nothing. What was accepted so long ago that its handshake is
    over, and neither succeeded nor failed, was dropped.
    """

    def __init__(self) -> None:
        self._accepted = self._explained = self._told = 0
        self._then: deque[tuple[float, int]] = deque([(0.0, 0)])

    def accepted(self, now_s: float) -> None:
        """One more."""
        self._accepted += 1
        if now_s - self._then[-1][0] < 1:
            self._then[-1] = (self._then[-1][0], self._accepted)
        else:
            self._then.append((now_s, self._accepted))

    def explained(self) -> None:
        """One has shaken hands, or failed in a way that was told."""
        self._explained += 1

    def new(self, now_s: float) -> int:
        """How many more are known to have been dropped."""
        while len(self._then) > 1 and self._then[1][0] <= now_s - SETTLED_S - 1:
            self._then.popleft()
        began_s, accepted = self._then[0]
        if now_s - began_s < SETTLED_S + 1:
            return 0
        more = max(0, accepted - self._explained - self._told)
        self._told += more
        return more
