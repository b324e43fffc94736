"""`cytoedge keys`: who may connect from other machines."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
import zmq
import zmq.auth
from rich.console import Console
from rich.table import Table

from drivers.problem import Problem, Refusal
from edge.commands.common import FAULT, AsJson, SettingsFile, err, refusals, say, settings_of
from edge.intake.allowed import Allowed, Role
from edge.journal import keys as store
from edge.journal.central import Central
from edge.journal.durable import StoreFault

KEY_ALLOWED, KEY_REVOKED = "key_allowed", "key_revoked"

keys = typer.Typer(help="Who may connect from other machines.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="A driver's id, or a tool's name.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(keys, name="keys")


@keys.command()
def new(
    name: Name,
    to: Annotated[Path, typer.Option(help="The folder to write to.")] = Path(),
    settings: SettingsFile = None,
    as_json: AsJson = False,
) -> None:
    """Make a client's pair of keys: NAME.key_secret for it alone, NAME.key for `keys allow`.

    On the daemon's machine also `daemon.key`, which the client needs.
    """
    with _faults():
        public, secret = zmq.curve_keypair()
        Allowed({}).with_key(Role.DRIVER, name, public.decode())
        files = [to / f"{name}.key_secret", to / f"{name}.key"]
        for file in files:
            if file.exists():
                raise _refusal("name", file, "it is there already", "Name another folder")
        try:
            _write(files[0], public, secret)
            _write(files[1], public)
            state_dir = settings_of(settings).state_dir
            if state_dir.is_dir():
                files.append(to / "daemon.key")
                _write(files[2], store.daemon_pair(state_dir)[0])
        except OSError as error:
            raise _refusal("--to", to, str(error), "Name a folder that you may write") from error
    words = "\n".join(map(str, files)) + f"\nLet it in: cytoedge keys allow {name} {files[1]}"
    _tell(words, {"name": name, "key": public.decode(), "files": [*map(str, files)]}, as_json)


@keys.command()
def allow(
    name: Name,
    key: Annotated[str, typer.Argument(help="Its file NAME.key, or the 40 characters in it.")],
    role: Annotated[Role, typer.Option("--as", help="What it may connect to.")] = Role.DRIVER,
    settings: SettingsFile = None,
    as_json: AsJson = False,
) -> None:
    """Let a client in, from its next try on."""
    if role is Role.REVOKED:
        raise typer.BadParameter("use `cytoedge keys revoke`", param_hint="--as")
    with _faults():
        public = _public(key)
        state_dir = settings_of(settings).state_dir
        store.write_allowed(state_dir, store.read_allowed(state_dir).with_key(role, name, public))
        _audit(state_dir, KEY_ALLOWED, {"role": role.value, "name": name, "key": public})
    _tell(f"{name} may connect as {role}", {"role": role, "name": name, "key": public}, as_json)


@keys.command()
def revoke(
    name: Annotated[str, typer.Argument(help="A name, for all its keys, or one key.")],
    settings: SettingsFile = None,
    as_json: AsJson = False,
) -> None:
    """Shut a client out, within a second, also where it is connected."""
    with _faults():
        state_dir = settings_of(settings).state_dir
        store.write_allowed(state_dir, store.read_allowed(state_dir).without(name))
        _audit(state_dir, KEY_REVOKED, {"name": name})
    _tell(f"{name} may connect no more", {"revoked": name}, as_json)


@keys.command("list")
def list_(settings: SettingsFile = None, as_json: AsJson = False) -> None:
    """All keys, and the daemon's own public one."""
    with _faults():
        state_dir = settings_of(settings).state_dir
        if not state_dir.is_dir():
            raise _refusal("state_dir", state_dir, "there is none", "Give --settings")
        daemon, known = store.daemon_pair(state_dir)[0].decode(), store.read_allowed(state_dir)
    if as_json:
        rows = [{"role": k.role, "name": k.name, "key": k.key} for k in known]
        say({"daemon": daemon, "keys": rows})
        return
    table = Table("role", "name", "public key")
    for each in known:
        table.add_row(each.role, each.name, each.key)
    console = Console()
    console.print(table, markup=False)
    console.print(f"The daemon's public key: {daemon}", markup=False, highlight=False)


@contextmanager
def _faults() -> Iterator[None]:
    with refusals():
        try:
            yield
        except StoreFault as fault:
            err.print(str(fault), style="red", markup=False, highlight=False, soft_wrap=True)
            raise typer.Exit(FAULT) from None


def _refusal(key: str, value: Path | str, problem: str, remedy: str) -> Refusal:
    return Refusal(Problem(key, str(value), problem, remedy))


def _public(key: str) -> str:
    """The key itself, or that in a file."""
    if not Path(key).is_file():
        return key
    try:
        return zmq.auth.load_certificate(key)[0].decode()
    except (OSError, ValueError) as error:
        raise _refusal("key", key, str(error), "Name the client's NAME.key") from error


def _write(file: Path, public: bytes, secret: bytes | None = None) -> None:
    """A ZeroMQ certificate."""
    lines = ["metadata", "curve", f'    public-key = "{public.decode()}"']
    if secret is not None:
        lines.append(f'    secret-key = "{secret.decode()}"')
    file.touch(0o600 if secret is not None else 0o644)
    file.write_text("\n".join(lines) + "\n")


def _audit(state_dir: Path, kind: str, what: dict[str, str | int]) -> None:
    central = Central(state_dir)
    try:
        central.audit(kind, getpass.getuser(), what)
    finally:
        central.close()


def _tell(words: str, body: dict[str, object], as_json: bool) -> None:
    if as_json:
        say(body)
    else:
        Console().print(words, markup=False, highlight=False, soft_wrap=True)
