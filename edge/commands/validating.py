"""`cytoedge validate`: whole slides through the daemon's stages; the card's tables from them."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import cv2
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Column
from rich.table import Table as Shown

from drivers.problem import Problem, Refusal
from drivers.scanner.words import Preparation
from edge.commands.common import (
    FAULT,
    AsJson,
    SettingsFile,
    err,
    refusals,
    say,
    settings_of,
)
from edge.commands.validating_site import told, validate_site
from edge.daemon.engine import start, system_of
from edge.settings import Settings
from edge.validation.account import changes, judged, slide_body
from edge.validation.fit import fit as fitted
from edge.validation.sample import Sample, load, load_all, looker_of, save
from edge.validation.slides import Slide, public, rendered
from engines import card as cards
from engines.card import CARD, SHIPPED, ModelCard
from engines.detector import EngineFault
from engines.tables import Source, Table
from engines.tables_toml import replaced

_SOURCES: tuple[Source, ...] = ("rendered", "public")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(validate)


def validate(
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="DIR", help="Judge a site's own slides: its slides.csv has their answers."
        ),
    ] = None,
    work: Annotated[
        Path | None,
        typer.Option(help="What is kept of replayed slides; taken up again. Default: DIR/judged."),
    ] = None,
    model: Annotated[Path, typer.Option(help="The model's folder.")] = SHIPPED,
    rendered_slides: Annotated[
        int, typer.Option("--rendered", min=0, help="Render so many slides of each kind.")
    ] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Of the first; the others' follow.")] = 7_000,
    fields: Annotated[int, typer.Option(min=1, help="Fields of a rendered slide.")] = 60,
    specimen: Annotated[
        list[str] | None, typer.Option(help="Rendered kinds; repeatable. Default: negative.")
    ] = None,
    preparation: Annotated[
        list[Preparation] | None,
        typer.Option(help="Of rendered slides, repeatable (default: thinprep); of public ones."),
    ] = None,
    public_folder: Annotated[
        Path | None,
        typer.Option("--public", help="Annotated fields whose images.csv has slide and label."),
    ] = None,
    fit: Annotated[bool, typer.Option("--fit", help="Fit the tables on all slides kept.")] = False,
    write: Annotated[bool, typer.Option("--write", help="Write them into the card.")] = False,
    review_share: Annotated[
        int, typer.Option(min=1, max=50, help="Per cent of negative slides for review, at most.")
    ] = 20,
    settings: SettingsFile = None,
    as_json: AsJson = False,
) -> None:
    """Replay whole slides, judge them by the card, and fit its thresholds.

    With DIR: say how well a site's own slides are told, and write a site file.
    """
    with refusals(), _faults():
        if folder is not None:
            if rendered_slides or public_folder or fit or write:
                problem = "is judged alone, as it is"
                remedy = "Leave out --rendered, --public, --fit and --write"
                raise Refusal(Problem("DIR", str(folder), problem, remedy))
            kept = work or folder / "judged"
            found, path = validate_site(folder, kept, model, settings_of(settings), quiet=as_json)
            if as_json:
                say(found.model_dump(mode="json"))
            else:
                sys.stdout.write(told(found, path))
            return
        if work is None:
            problem = "is needed where no DIR is given"
            raise Refusal(
                Problem("--work", "", problem, "Name a folder to keep replayed slides in")
            )
        if write and not fit:
            raise Refusal(Problem("--write", "", "there is nothing to write", "Give --fit, too"))
        card = cards.load(model)
        categories = system_of(card)
        kinds = preparation or [Preparation.THINPREP]
        slides: list[Slide] = [
            *rendered(rendered_slides, seed, fields, specimen or ["negative"], kinds)
        ]
        if public_folder is not None:
            slides += public(public_folder, (preparation or [Preparation.OTHER])[0], categories)
        _replay(slides, work, model, settings_of(settings), quiet=as_json)
        samples = load_all(work, card)
        if not samples:
            problem = "holds no slide that this model looked at"
            raise Refusal(Problem("--work", str(work), problem, "Give --rendered or --public"))
        tables = list(_fits(samples, card, review_share)) if fit else []
        if as_json:
            say(
                {
                    "card": card.identity,
                    "slides": [slide_body(each, card, tables) for each in samples],
                    "tables": [found.model_dump(mode="json") for found in tables],
                }
            )
        else:
            _tell(samples, card, tables)
        if write:
            _write(model / CARD, tables)


@contextmanager
def _faults() -> Iterator[None]:
    """A model that cannot be used, or an engine that failed, ends the command."""
    try:
        yield
    except EngineFault as fault:
        err.print(str(fault), style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(FAULT) from None


def _replay(
    slides: Sequence[Slide], work: Path, model: Path, site: Settings, *, quiet: bool
) -> None:
    """Replay what is not kept yet; after a break the same command goes on where it was."""
    cv2.setNumThreads(1)
    card = cards.load(model)
    due = [slide for slide in slides if not _is_kept(work / f"{slide.name}.npz", card)]
    if not due:
        return
    work.mkdir(parents=True, exist_ok=True)
    settings = site.model_copy(update={"state_dir": work, "model": model})
    engine = start(settings)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=err, disable=quiet) as bar:
        task = bar.add_task("", total=sum(slide.planned for slide in due))
        for number, slide in enumerate(due, 1):
            bar.update(task, description=f"slide {number} of {len(due)}: {slide.name}")
            kept = slide.replay(engine, settings, lambda: bar.advance(task))
            save(kept, work / f"{slide.name}.npz")


def _is_kept(path: Path, card: ModelCard) -> bool:
    return path.exists() and load(path).looker == looker_of(card)


def _fits(samples: Sequence[Sample], card: ModelCard, share_percent: int) -> Iterator[Table]:
    for source in _SOURCES:
        found = [each for each in samples if each.truth.source == source]
        if found:
            yield fitted(found, card, source, share_percent)


def _tell(samples: Sequence[Sample], card: ModelCard, tables: Sequence[Table]) -> None:
    """Every slide's counts and outcome, by the card and by what was fitted; then what changed."""
    out = Console()
    _show(out, "Slides by the card", samples, card, ())
    if tables:
        _show(out, "Slides by what was fitted", samples, card, tables)
    for found in tables:
        out.print(f"Table {found.source}")
        for line in changes(card, found):
            out.print(f"  {line}", markup=False, highlight=False, soft_wrap=True)


def _show(
    out: Console, title: str, samples: Sequence[Sample], card: ModelCard, tables: Sequence[Table]
) -> None:
    names = [category.category for category in card.tables[0].categories]
    shown = Shown(
        Column("slide", no_wrap=True), "truth", "cells", *names, "outcome", "table", title=title
    )
    for each in samples:
        said = judged(each, card, tables)
        doubt = f" ({', '.join(said.not_excluded)}?)" if said.not_excluded else ""
        counts = [str(dict(said.counts).get(name, "")) for name in names]
        outcome = (said.category or said.outcome.value) + doubt
        shown.add_row(
            each.name, each.truth.worst, str(said.adequacy.cells), *counts, outcome, said.table
        )
    out.print(shown)


def _write(card: Path, tables: Sequence[Table]) -> None:
    text = card.read_text()
    for found in tables:
        text = replaced(text, found)
    card.write_text(text)
