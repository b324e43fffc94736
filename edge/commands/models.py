"""`cytoedge engines list, install, activate, rollback`: which model serves at this site."""

from pathlib import Path
from typing import Annotated

import typer

from edge.commands.common import NO, AsJson, SettingsFile, refusals, settings_of
from edge.daemon.engine import installed, serves
from edge.settings import Settings
from edge.validation.comparing import Comparison, compare, kept_crops
from engines.card import MODELS, SHIPPED, ModelCard, load
from engines.choose import Chosen, chosen
from engines.commands.common import engines, say
from engines.commands.common import refusals as faults
from engines.detector import BadModel
from engines.parity import prove

RESTART = "from the service's next start on"


def register(_: typer.Typer) -> None:
    """Add the commands to those of engines."""
    for command in (list_, install, activate, rollback):
        engines.command(command.__name__.rstrip("_"))(command)


def list_(settings: SettingsFile = None, as_json: AsJson = False) -> None:
    """The models that come with the software, those installed, and which one serves."""
    with refusals(), faults():
        site = settings_of(settings)
        here = installed(site)
        serving = serves(site)
    said: dict[str, str] = {}
    shipped = sorted(path for path in MODELS.iterdir() if path.is_dir())
    for folder in [*shipped, *here.models()]:
        mark = "serves: " if folder == serving else ""
        try:
            card = load(folder)
            said[folder.name] = f"{mark}{card.identity}: {card.description}"
        except BadModel as bad:
            said[folder.name] = f"{mark}{bad}"
    say(said, as_json=as_json)


def install(
    model: Annotated[Path, typer.Argument(help="The new model's folder.")],
    sha256: Annotated[
        str, typer.Option("--hash", help="Of its card, as its maker told it: 12 digits or more.")
    ],
    settings: SettingsFile = None,
    as_json: AsJson = False,
) -> None:
    """Copies a whole model into the state folder and proves it on this machine."""
    with refusals(), faults():
        site = settings_of(settings)
        card = installed(site).install(model, sha256)
        engine = _proved(card, site).engine
    say({"installed": card.identity, "proved": engine.identity}, as_json=as_json)


def activate(
    model: Annotated[str, typer.Argument(help="The first digits of an installed card's hash.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    settings: SettingsFile = None,
    as_json: AsJson = False,
) -> None:
    """Lets an installed model serve, after a comparison with the present one on kept cells."""
    with refusals(), faults():
        site = settings_of(settings)
        _not_named(site)
        here = installed(site)
        old, new = load(serves(site)), load(here.found(model))
        engines_ = [(_proved(card, site).engine, card) for card in (old, new)]
        compared = compare(kept_crops(site.state_dir), engines_[0], engines_[1])
        said = {"from": old.identity, "to": new.identity, **body(compared)}
        if not yes:
            say(said, as_json=as_json)
            if as_json or not typer.confirm(f"Let {new.identity} serve?"):
                raise typer.Exit(NO)
        here.activate(new.folder)
    say(said | {"serves": RESTART}, as_json=as_json)


def rollback(settings: SettingsFile = None, as_json: AsJson = False) -> None:
    """Lets the model serve that did so before the present one."""
    with refusals(), faults():
        site = settings_of(settings)
        _not_named(site)
        card = load(installed(site).roll_back() or SHIPPED)
    say({"to": card.identity, "serves": RESTART}, as_json=as_json)


def _not_named(settings: Settings) -> None:
    """Raises BadModel where the settings name the model: no choice here would have an effect."""
    if settings.model is not None:
        problem = "the settings name the model that serves"
        raise BadModel("model", str(settings.model), problem, "Take `model` out of them")


def body(compared: Comparison) -> dict[str, object]:
    """A comparison in words and numbers."""
    moved = {f"{one} to {other}": count for (one, other), count in compared.moved.items()}
    return {"kept_cells": compared.cells, "same_category": compared.same, "moved": moved}


def _proved(card: ModelCard, settings: Settings) -> Chosen:
    plans = settings.state_dir / "plans"
    backend = "auto" if settings.engine == "idle" else settings.engine
    return chosen(card, backend, settings.engine_threads, plans, lambda one: prove(one, card))
