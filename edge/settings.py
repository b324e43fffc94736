"""What a site may set, each with its default: `cytoedge.toml`."""

import ipaddress
import re
import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from drivers.problem import Problem, Refusal, shown
from drivers.scanner.words import Purpose


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Endpoints(_Section):
    """Where the daemon listens: `ipc://PATH` or `tcp://ADDRESS:PORT`.

    An address that another machine can reach needs `curve`.
    """

    drivers: str = "ipc:///run/cytoedge/drivers/socket"
    """For acquisition drivers: may change a slide's state."""
    tools: str = "ipc:///run/cytoedge/tools/socket"
    """For questions of consoles and tools."""
    events: str = "ipc:///run/cytoedge/events/socket"
    """Publishes what happens."""


class Groups(_Section):
    """Whose members may connect to an `ipc://` socket. Empty: the service's own group."""

    drivers: str = ""
    tools: str = ""
    events: str = ""


class Window(_Section):
    """How much all drivers together may have unanswered. Bounds the daemon's memory."""

    fields: Annotated[int, Field(ge=1, le=64)] = 8
    """Enough that neither camera nor engine waits for the other's round trip."""
    bytes: Annotated[int, Field(ge=1 << 20, le=1 << 30)] = 160 << 20
    """Ten RGB8 fields of 15 MB. The daemon takes this memory when it starts."""


class Requests(_Section):
    """What the scanner is asked for while the glass is on its stage."""

    percent: Annotated[int, Field(ge=0, le=100)] = 10
    """Of the planned fields, so many may be asked for again; 0 asks for nothing."""
    within_ms: Annotated[int, Field(ge=1_000, le=3_600_000)] = 30_000
    """What is not done by then is not waited for: a stop-and-go stage reaches any field of a slide
    within seconds, and has a few more to finish what it is at."""


class Retention(_Section):
    """When ended slides are deleted, oldest first; by default never. Open ones never are."""

    days: Annotated[int, Field(ge=0)] = 0
    """Older slides are deleted; 0 keeps them. What a laboratory must keep, its law says."""
    gigabytes: Annotated[int, Field(ge=0)] = 0
    """Over this much of all slides together the oldest are deleted; 0 sets no limit."""


class Revision(_Section):
    """When a second person must read a slide."""

    second_read_percent: Annotated[int, Field(ge=0, le=100)] = 10
    """Of the slides that machine and first reader call negative. Source of the default: 42 CFR
    493.1274(c)(1) has 10 % of negative gynaecologic cases read again."""
    seed: str = ""
    """Chooses which; keep it from the readers."""


class Console(_Section):
    """The operator's console."""

    port: Annotated[int, Field(ge=0, le=65535)] = 8470
    """On this machine only; 0 takes any that is free."""
    hosts: frozenset[str] = frozenset({"localhost", "127.0.0.1"})
    """Names by which browsers may call it. A proxy that brings TLS needs its own here."""
    viewer_without_login: bool = True
    """Whoever sits at this machine may look. Turn it off behind a proxy."""
    idle_minutes: Annotated[int, Field(ge=1, le=480)] = 15
    """A person who does nothing for so long must log in again."""
    times_cases: bool = True
    """Note how long a reader had a case open."""


class Watchdog(_Section):
    """When a thread that has work and takes no step is stuck: the daemon is then started again."""

    engine_batches: Annotated[int, Field(ge=2, le=1_000)] = 10
    """The engine's limit, in times that its slowest field took so far."""
    engine_least_s: Annotated[float, Field(gt=0, le=600)] = 5
    """The engine's limit is never less: a busy machine holds a fast one up for seconds."""
    others_s: Annotated[float, Field(gt=0, le=600)] = 30
    """The limit of all other threads: a slow disk syncs within seconds, and the trial of a suspect
    field ends after 20 s."""


class Settings(_Section):
    """All settings."""

    state_dir: Path = Path("/var/lib/cytoedge")
    """Slides, journal, model."""
    endpoints: Endpoints = Endpoints()
    groups: Groups = Groups()
    curve: bool = False
    """Whether `tcp://` sockets encrypt, and take only clients whose key `cytoedge keys allow` put
    on the list. A core encrypts about 11 RGB8 fields of 15 MB a second: send Bayer or JPEG."""
    window: Window = Window()
    requests: Requests = Requests()
    retention: Retention = Retention()
    revision: Revision = Revision()
    console: Console = Console()
    watchdog: Watchdog = Watchdog()
    model: Path | None = None
    """A model's folder. Default: the shipped one."""
    engine: Literal["auto", "tensorrt", "openvino", "idle"] = "auto"
    """`auto` is TensorRT where a GPU can serve, else OpenVINO on the CPU. `idle` finds nothing and
    is never proved: to measure the daemon's own cost."""
    engine_threads: Annotated[int, Field(ge=1, le=64)] = 1
    """Of the engine on a CPU: more judge a field faster, and take cores from the other threads."""
    quality_threads: Annotated[int, Field(ge=1, le=16)] = 2
    """They check and look at the fields before the engine does, several at once."""
    signers: dict[str, Annotated[str, Field(pattern="^[0-9a-f]{64}$")]] = {}
    """Who may sign a calibration: a name, and the Ed25519 public key that `cytoedge calibrate key`
    prints. One signs what was measured, another activates it."""
    purposes: frozenset[Purpose] = frozenset(Purpose) - {Purpose.CALIBRATION}
    """The purposes of slides that this daemon takes."""
    free_disk_percent: Annotated[int, Field(ge=0, le=50)] = 5
    """Under this much free disk no new slide is opened."""
    barcodes: str = ""
    """A regular expression that this site's barcodes match as a whole: a slide with another barcode
    is refused. Empty: any."""
    silent_after_s: Annotated[int, Field(ge=1)] = 30
    """A driver that was silent for so long gives its slides free."""

    def curved(self) -> frozenset[str]:
        """The sockets that ask for keys."""
        tcp = (key for key, endpoint in self.endpoints if endpoint.startswith("tcp://"))
        return frozenset(tcp) if self.curve else frozenset()


def load(path: Path | None) -> Settings:
    """The settings in a TOML file; the defaults where there is none.

    Raises:
        Refusal: Names the file, the first wrong key, its value and what to do.
    """
    if path is None:
        return checked(Settings())
    try:
        return checked(Settings.model_validate(tomllib.loads(path.read_text())))
    except FileNotFoundError:
        problem = Problem("settings", str(path), "there is no such file", "Name one that exists")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        problem = Problem("settings", str(path), f"not TOML: {error}", "Mend the line")
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        problem = Problem(key, shown(first["input"]), first["msg"], f"Mend it in {path}")
    raise Refusal(problem)


def checked(settings: Settings) -> Settings:
    """The same settings, where no endpoint can be reached from outside without a key.

    Raises:
        Refusal: One could, or is none; or `barcodes` is no regular expression.
    """
    for key, endpoint in settings.endpoints:
        reach = _reach(endpoint)
        if reach is None:
            remedy = "Use ipc:///PATH, tcp://127.0.0.1:PORT or tcp://ADDRESS:PORT"
            raise Refusal(Problem(f"endpoints.{key}", shown(endpoint), "it is no endpoint", remedy))
        if reach == "beyond" and not settings.curve:
            problem = "another machine could reach it, and no key is asked for"
            remedy = (
                "Set `curve = true` and let clients in with `cytoedge keys`; or use ipc:///PATH"
            )
            raise Refusal(Problem(f"endpoints.{key}", shown(endpoint), problem, remedy))
    try:
        re.compile(settings.barcodes)
    except re.error as error:
        remedy = "Mend it, or leave it out"
        raise Refusal(Problem("barcodes", shown(settings.barcodes), str(error), remedy)) from None
    return settings


def _reach(endpoint: str) -> Literal["here", "beyond"] | None:
    """From where an endpoint can be reached; None where it is none."""
    scheme, _, where = endpoint.partition("://")
    if scheme == "ipc":
        return "here" if where.startswith("/") else None
    host, _, port = where.rpartition(":")
    if scheme != "tcp" or not (port.isdecimal() or port == "*"):
        return None
    if host == "*":
        return "beyond"
    try:
        return "here" if ipaddress.ip_address(host.strip("[]")).is_loopback else "beyond"
    except ValueError:
        return None
