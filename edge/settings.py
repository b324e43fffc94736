"""What a site may set, each with its default: `cytoedge.toml`."""

import ipaddress
import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from drivers.problem import Problem, Refusal, shown
from drivers.scanner.words import Purpose


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Endpoints(_Section):
    """Where the daemon listens: `ipc://PATH` or, on this machine only, `tcp://127.0.0.1:PORT`."""

    drivers: str = "ipc:///run/cytoedge/drivers/socket"
    """For acquisition drivers: may change a slide's state."""
    tools: str = "ipc:///run/cytoedge/tools/socket"
    """For questions of consoles and tools."""
    events: str = "ipc:///run/cytoedge/events/socket"
    """Publishes what happens."""


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
    window: Window = Window()
    requests: Requests = Requests()
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
    purposes: frozenset[Purpose] = frozenset(Purpose) - {Purpose.CALIBRATION}
    """The purposes of slides that this daemon takes."""
    free_disk_percent: Annotated[int, Field(ge=0, le=50)] = 5
    """Under this much free disk no new slide is opened."""
    silent_after_s: Annotated[int, Field(ge=1)] = 30
    """A driver that was silent for so long gives its slides free."""


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
    """The same settings, where every endpoint stays on this machine.

    Raises:
        Refusal: An endpoint could be reached from outside, or is none.
    """
    for key, endpoint in settings.endpoints:
        if not _stays_here(endpoint):
            raise Refusal(
                Problem(
                    f"endpoints.{key}",
                    shown(endpoint),
                    "it could be reached from another machine, or is no endpoint",
                    "Use ipc://PATH or tcp://127.0.0.1:PORT; there are no keys yet",
                )
            )
    return settings


def _stays_here(endpoint: str) -> bool:
    scheme, _, where = endpoint.partition("://")
    if scheme == "ipc":
        return where.startswith("/")
    host, _, port = where.rpartition(":")
    try:
        loopback = ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
    return scheme == "tcp" and loopback and (port.isdecimal() or port == "*")
