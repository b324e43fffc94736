"""A real daemon with finished slides, a real console beside it, and people to log in as."""

import http.client
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from edge.console.people import ROLES, People
from tests.edge.daemon.rig import Rig

PASSWORD = "a few words are best"  # noqa: S105  # of tests


@dataclass
class Answer:
    """What the console answered."""

    status: int
    headers: dict[str, str]
    text: str


@dataclass
class Site:
    """One daemon and its console."""

    rig: Rig
    process: "subprocess.Popen[str] | None" = None
    port: int = 0
    first: str = ""
    cookies: dict[str, str] = field(default_factory=dict)

    @property
    def file(self) -> Path:
        return self.rig.folder / "state" / "console.sqlite"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> "Site":
        """Start the console; where the port is known, on the same one."""
        command = [sys.executable, "-m", "edge.cli", "console", "--port", str(self.port)]
        command += ["--settings", str(self.rig.place.file)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        said = self.process.stdout.readline()
        self.port = int(said.rsplit(":", 1)[1].strip().rstrip("/"))
        return self

    def stop(self, *, at_once: bool = False) -> None:
        assert self.process is not None
        (self.process.kill if at_once else self.process.terminate)()
        self.process.wait(20)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def add_people(self) -> None:
        """One a role, named by it; and a second cytologist. The console must not run yet."""
        people = People(self.file, 15)
        for name in (*ROLES, "second"):
            role = "cytologist" if name == "second" else name
            people.add("", name, role, PASSWORD, must_change=False)
            self.cookies[name] = people.log_in(name)
        people.close()

    def get(self, path: str, who: str = "", **headers: str) -> Answer:
        return self._ask("GET", path, who, None, headers)

    def post(self, path: str, who: str, form: dict[str, Any], **headers: str) -> Answer:
        """A form, with its page's token."""
        page = self.get("/account" if who else "/login", who)
        cookie = re.search(r"cytoedge=([^;]+)", page.headers.get("set-cookie", ""))
        if cookie and not who:
            headers.setdefault("cookie", f"cytoedge={cookie[1]}")
        token = re.search(r'name="csrf" value="([0-9a-f]{64})"', page.text)
        assert token, page.text
        return self._ask("POST", path, who, {"csrf": token[1], **form}, headers)

    def _ask(
        self, method: str, path: str, who: str, form: dict[str, Any] | None, headers: dict[str, str]
    ) -> Answer:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        if who:
            headers.setdefault("cookie", f"cytoedge={self.cookies[who]}")
        body = None if form is None else urlencode(form)
        if form is not None:
            headers["content-type"] = "application/x-www-form-urlencoded"
        headers = {key.replace("_", "-"): value for key, value in headers.items()}
        line.request(method, path, body, headers)
        answer = line.getresponse()
        is_stream = answer.getheader("content-type", "").startswith("text/event-stream")
        text = "" if is_stream else answer.read().decode(errors="replace")
        got = {key.lower(): value for key, value in answer.getheaders()}
        line.close()
        return Answer(answer.status, got, text)
