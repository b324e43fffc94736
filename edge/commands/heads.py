"""`cytoedge slides head`: what a model of whole slides says of a slide, for research."""

import sqlite3
import sys
from pathlib import Path
from typing import Annotated

import typer

from drivers.problem import Problem, Refusal
from edge.commands.common import AsJson, SettingsFile, refusals, say, settings_of
from edge.commands.watching import slides
from edge.evidence.fold import Evidence
from edge.heads.head import LOGIT_ONE, Head, head
from edge.heads.pool import Key, Pool
from edge.journal import shelf
from edge.journal.durable import StoreFault
from edge.journal.store import SlideStore


def register(app: typer.Typer) -> None:
    """Add the command to `slides`."""
    del app
    slides.command("head")(ask_head)


def ask_head(
    slide: Annotated[str, typer.Argument(help="The slide's id.")],
    file: Annotated[Path, typer.Option("--head", help="The head's weights, an .npz file.")],
    sha256: Annotated[str, typer.Option(help="What the file must hash to.")],
    settings: SettingsFile = None,
    as_json: AsJson = False,
) -> None:
    """Research: ask a model of whole slides, offline. No verdict knows what it says."""
    with refusals():
        chosen = head(_content(file), sha256)
        pool = Pool(chosen)
        bag = _bag(settings_of(settings).state_dir, slide, chosen)
        pool.take(bag)
    milli = [1_000 * logit // LOGIT_ONE for logit in pool.logits()]
    logits = dict(zip(chosen.classes, milli, strict=True)) if milli else {}
    if as_json:
        body = {"slide": slide, "head": chosen.sha256, "kind": chosen.kind, "cells": len(bag)}
        say(body | {"says": pool.says(), "logits_milli": logits, "use": "research use only"})
        return
    sys.stdout.write(f"{pool.says()}: {len(bag)} cells, head {chosen.sha256[:12]}\n")
    sys.stdout.writelines(f"  {name} {value / 1_000:.3f}\n" for name, value in logits.items())
    sys.stdout.write("Research use only: no part of any verdict.\n")


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        remedy = "Name a file that can be read"
        raise Refusal(Problem("--head", str(file), str(error), remedy)) from error


def _bag(state_dir: Path, slide: str, chosen: Head) -> dict[Key, bytes]:
    """The slide's bag of cells as it is now, with their embeddings."""
    try:
        store = shelf.read(state_dir, slide)
        if store is None:
            remedy = "`cytoedge slides list` names those that are"
            raise Refusal(Problem("slide", slide, "no such slide is here", remedy))
        try:
            return _read(store, chosen)
        finally:
            store.close()
    except (StoreFault, sqlite3.Error, ValueError, KeyError) as error:
        damaged = Problem("slide", slide, f"its file is damaged: {error}", "Run `cytoedge verify`")
        raise Refusal(damaged) from error


def _read(store: SlideStore, chosen: Head) -> dict[Key, bytes]:
    opening = store.opening()
    if opening is None:
        raise ValueError("its opening is missing")
    model = dict(opening.basis.identities).get("model", "")
    if model != chosen.model:
        problem = f"it reads embeddings of {chosen.model[:12]}, the slide's are of {model[:12]}"
        raise Refusal(Problem("model", chosen.model, problem, "Fit the head to this model"))
    evidence = Evidence(opening)
    for row in (*(kept.record for kept in store.records()), *store.others()):
        evidence.add(row)
    keys = {(entry.image, entry.finding) for entry in evidence.bag()}
    return {
        (image, crop.finding): crop.embedding
        for image in {image for image, _ in keys}
        for crop in store.record(image, with_pictures=False).record.crops
        if (image, crop.finding) in keys
    }
