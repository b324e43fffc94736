"""Who may use the console: names, roles, passwords, and who is logged in."""

import hashlib
import re
import secrets
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple, get_args

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError, VerifyMismatchError

from drivers.problem import Problem, Refusal
from drivers.scanner.words import Role
from edge.console.audit import SCHEMA, Audit

ROLES: Final[tuple[str, ...]] = get_args(Role)
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
PIN: Final = re.compile(r"[0-9]{4,8}")
MIN_PASSWORD: Final = 12
"""Length alone is asked for. NIST SP 800-63B-4 3.1.1.2 asks for 15, or 8 beside another factor."""
FAILURES: Final = 5
LOCKED_US: Final = 15 * 60 * 1_000_000
"""After so many wrong passwords a name is locked for so long."""
PIN_US: Final = 12 * 3600 * 1_000_000
"""A PIN serves a shift: so long after its owner's password was last given here."""
_SECOND_US: Final = 1_000_000

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS people (
  name TEXT PRIMARY KEY, role TEXT NOT NULL, password TEXT NOT NULL, pin TEXT, is_active INTEGER,
  must_change INTEGER, failures INTEGER, locked_until_us INTEGER, password_at_us INTEGER);
CREATE TABLE IF NOT EXISTS sessions (
  token TEXT PRIMARY KEY, person TEXT NOT NULL, seen_at_us INTEGER NOT NULL, is_blind INTEGER);
"""


class Person(NamedTuple):
    """Somebody who may log in."""

    name: str
    role: str
    is_active: bool = True
    must_change: bool = False
    """Their password was chosen for them."""
    has_pin: bool = False
    is_locked: bool = False


class Session(NamedTuple):
    """Somebody who has."""

    key: str
    """SHA-256 of the cookie: the file does not let anybody in."""
    person: Person
    is_blind: bool


class People:
    """The console's file. One event loop and its helper threads use it, one at a time."""

    def __init__(
        self, file: Path, idle_minutes: int, now_us: Callable[[], int] | None = None
    ) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._sql = sqlite3.connect(file, check_same_thread=False)
        file.chmod(0o600)
        self._sql.execute("PRAGMA journal_mode=WAL")
        self._sql.executescript(_SCHEMA + SCHEMA)
        self._idle_us = idle_minutes * 60 * _SECOND_US
        self.now_us = now_us or (lambda: time.time_ns() // 1000)
        self._hasher = PasswordHasher()
        self._nobody = self._hasher.hash(secrets.token_hex())
        self._chain = Audit(self._sql)
        self.first_token = "" if self.all() else secrets.token_urlsafe(24)
        """Makes the first administrator, once."""

    @property
    def chain(self) -> Audit:
        """What was done."""
        return self._chain

    def audit(self, person: str, what: str, detail: str = "") -> None:
        """Note something that was done or refused."""
        self._chain.add(self.now_us(), person, what, detail)

    def close(self) -> None:
        """Close the file."""
        self._sql.close()

    # People ---------------------------------------------------------------------------------------

    def all(self) -> list[Person]:
        """Everybody, by name."""
        rows = self._sql.execute("SELECT name FROM people ORDER BY name").fetchall()
        return [person for (name,) in rows if (person := self.find(name)) is not None]

    def find(self, name: str) -> Person | None:
        """Somebody by name."""
        row = self._sql.execute(
            "SELECT role, is_active, must_change, pin, locked_until_us FROM people WHERE name = ?",
            (name,),
        ).fetchone()
        if row is None:
            return None
        role, is_active, must_change, pin, locked_us = row
        is_locked = locked_us > self.now_us()
        return Person(name, role, bool(is_active), bool(must_change), pin is not None, is_locked)

    def claim_first(self, token: str, name: str, password: str) -> Person:
        """Make the first administrator.

        Raises:
            Refusal: The token is wrong or used, or name or password are.
        """
        if not self.first_token or not secrets.compare_digest(token, self.first_token):
            self.audit("", "first_refused")
            remedy = "Start the console where there are no people yet; it prints one"
            raise Refusal(Problem("token", "(not shown)", "is wrong, or was used", remedy))
        person = self.add("", name, "administrator", password, must_change=False)
        self.first_token = ""
        return person

    def add(
        self, by: str, name: str, role: str, password: str, *, must_change: bool = True
    ) -> Person:
        """Let somebody in.

        Raises:
            Refusal: The name is taken or none, or role or password are wrong.
        """
        if not NAME.fullmatch(name):
            what = "is no name"
            raise Refusal(Problem("name", name[:80], what, "Use letters, digits, . _ -"))
        if self.find(name) is not None:
            raise Refusal(Problem("name", name, "is taken", "Choose another"))
        _check_role(role)
        hashed = self._hash(password)
        with self._sql:
            self._sql.execute(
                "INSERT INTO people VALUES (?,?,?,NULL,1,?,0,0,0)",
                (name, role, hashed, must_change),
            )
        self.audit(by, "person_added", f"{name}: {role}")
        return Person(name, role, must_change=must_change)

    def change(self, by: str, name: str, role: str, *, is_active: bool) -> None:
        """Give somebody another role, or turn them off or on; their sessions end.

        Raises:
            Refusal: There is nobody of that name, or no administrator would be left.
        """
        _check_role(role)
        person = self.find(name)
        if person is None:
            raise Refusal(Problem("name", name[:80], "is nobody here", "Choose from the list"))
        others = [p for p in self.all() if p.role == "administrator" and p.is_active]
        if others == [person._replace(is_active=True)] and (role != person.role or not is_active):
            remedy = "Make another administrator first"
            raise Refusal(Problem("name", name, "is the last administrator", remedy))
        with self._sql:
            self._sql.execute(
                "UPDATE people SET role=?, is_active=?, failures=0, locked_until_us=0 WHERE name=?",
                (role, is_active, name),
            )
            self._sql.execute("DELETE FROM sessions WHERE person = ?", (name,))
        self.audit(by, "person_changed", f"{name}: {role}, {'active' if is_active else 'off'}")

    def set_password(self, name: str, old: str, new: str) -> None:
        """Change one's own password.

        Raises:
            Refusal: The old one is wrong, or the new one too short.
        """
        if not self.knows(name, old):
            raise Refusal(Problem("old", "(not shown)", "is wrong", "Give your present password"))
        if old == new:
            raise Refusal(Problem("new", "(not shown)", "is the old one", "Choose another"))
        hashed = self._hash(new)
        with self._sql:
            self._sql.execute(
                "UPDATE people SET password=?, must_change=0 WHERE name=?", (hashed, name)
            )
        self.audit(name, "password_changed")

    def set_pin(self, name: str, password: str, pin: str) -> None:
        """Choose a PIN for the rest of the shift.

        Raises:
            Refusal: It is none, or the password is wrong.
        """
        if not PIN.fullmatch(pin):
            raise Refusal(Problem("pin", "(not shown)", "is no PIN", "Use 4 to 8 digits"))
        if not self.knows(name, password):
            raise Refusal(Problem("old", "(not shown)", "is wrong", "Give your present password"))
        with self._sql:
            self._sql.execute(
                "UPDATE people SET pin=? WHERE name=?", (self._hasher.hash(pin), name)
            )
        self.audit(name, "pin_set")

    # Logging in -----------------------------------------------------------------------------------

    def knows(self, name: str, secret: str) -> bool:
        """Whether somebody's password, or PIN of this shift, is right. Failures lock the name.

        Takes as long for a name that nobody has.
        """
        row = self._sql.execute(
            "SELECT password, pin, failures, locked_until_us, password_at_us, is_active "
            "FROM people WHERE name = ?",
            (name,),
        ).fetchone()
        if row is None:
            self._fits(self._nobody, secret)
            self.audit("", "login_refused", f"{name[:80]}: unknown")
            return False
        password, pin, failures, locked_us, password_at_us, is_active = row
        now = self.now_us()
        is_locked = locked_us > now or not is_active
        by_pin = bool(PIN.fullmatch(secret)) and pin is not None and now < password_at_us + PIN_US
        fits = self._fits(pin if by_pin else password, secret)
        if fits and not is_locked:
            with self._sql:
                self._sql.execute(
                    "UPDATE people SET failures=0, password_at_us=? WHERE name=?",
                    (password_at_us if by_pin else now, name),
                )
            return True
        failures = 0 if is_locked else failures + 1
        until = now + LOCKED_US if failures >= FAILURES else locked_us
        with self._sql:
            self._sql.execute(
                "UPDATE people SET failures=?, locked_until_us=? WHERE name=?",
                (0 if failures >= FAILURES else failures, until, name),
            )
        why = "locked" if is_locked or failures >= FAILURES else "wrong"
        self.audit("", "login_refused", f"{name}: {why}")
        return False

    def log_in(self, name: str) -> str:
        """A new session of somebody who gave the right password: the cookie's value."""
        token = secrets.token_urlsafe(32)
        with self._sql:
            self._sql.execute(
                "INSERT INTO sessions VALUES (?,?,?,0)", (_key(token), name, self.now_us())
            )
        self.audit(name, "logged_in")
        return token

    def log_out(self, session: Session) -> None:
        """End a session."""
        with self._sql:
            self._sql.execute("DELETE FROM sessions WHERE token = ?", (session.key,))
        self.audit(session.person.name, "logged_out")

    def session(self, token: str) -> Session | None:
        """Whose session a cookie is; None where it is nobody's, idle too long, or turned off."""
        key, now = _key(token), self.now_us()
        with self._sql:
            self._sql.execute("DELETE FROM sessions WHERE seen_at_us < ?", (now - self._idle_us,))
        row = self._sql.execute(
            "SELECT person, is_blind FROM sessions WHERE token = ?", (key,)
        ).fetchone()
        person = None if row is None else self.find(row[0])
        if row is None or person is None or not person.is_active:
            return None
        return Session(key, person, bool(row[1]))

    def touch(self, session: Session) -> None:
        """The person did something."""
        with self._sql:
            self._sql.execute(
                "UPDATE sessions SET seen_at_us=? WHERE token=?", (self.now_us(), session.key)
            )

    def set_blind(self, session: Session, *, is_blind: bool) -> None:
        """Hide the machine's verdicts until the person has judged, or show them."""
        with self._sql:
            self._sql.execute(
                "UPDATE sessions SET is_blind=? WHERE token=?", (is_blind, session.key)
            )
        self.audit(session.person.name, "blind_on" if is_blind else "blind_off")

    def _hash(self, password: str) -> str:
        if not MIN_PASSWORD <= len(password) <= 200:
            what = f"is not {MIN_PASSWORD} to 200 characters long"
            raise Refusal(Problem("password", "(not shown)", what, "Take a few words"))
        return self._hasher.hash(password)

    def _fits(self, hashed: str, secret: str) -> bool:
        try:
            return self._hasher.verify(hashed, secret[:200])
        except VerifyMismatchError:
            return False
        except VerificationError:
            return False


def _key(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise Refusal(Problem("role", role[:80], "is no role", f"Choose one of {', '.join(ROLES)}"))
