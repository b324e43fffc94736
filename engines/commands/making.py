"""Models are made here: trained, evaluated, rounded to 8 bits, finished."""

import tempfile
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress as ProgressBar
from rich.progress import TaskID

from engines.card import SHIPPED, load
from engines.commands.common import AsJson, Data, Folds, Model, Threads, refusals, say
from engines.detector import BadModel
from engines.fields import AnnotatedField, read_folders, read_negative


def register(engines: typer.Typer) -> None:
    """Add the commands."""
    for command in (train, evaluate, quantize, build):
        engines.command()(command)


def train(
    data: Data,
    work: Annotated[Path, typer.Option(help="Where runs are kept; finished ones are not redone.")],
    rendered: Annotated[
        list[Path] | None, typer.Option(help="Folders that every run sees, and none is judged by.")
    ] = None,
    unseen: Annotated[
        list[Path] | None, typer.Option(help="Rendered folders for the calibration alone.")
    ] = None,
    negative: Annotated[
        list[Path] | None,
        typer.Option(help="Folders whose NILM fields no run sees: what is false on other slides."),
    ] = None,
    run: Annotated[
        str | None, typer.Option(help="Only this run, as fold-0 or final; default: all.")
    ] = None,
    to: Annotated[
        Path | None, typer.Option(help="With all runs done: the model's folder to write.")
    ] = None,
    locator_steps: Annotated[int, typer.Option(min=1, help="Batches of 8 crops.")] = 3_000,
    grader_steps: Annotated[int, typer.Option(min=1, help="Batches of 64 crops.")] = 9_000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed, the same model.")] = 1,
    threads: Threads = 1,
    folds: Folds = 5,
    device: Annotated[str, typer.Option(help="Where networks learn: cpu or cuda.")] = "cpu",
    makers: Annotated[int, typer.Option(min=0, help="Processes that draw examples.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Trains both networks, a run a fold and one on all fields (needs the extra `train`)."""
    with refusals():
        try:
            from engines.train.finish import finish
            from engines.train.make import Recipe, Rendered, train_one
        except ImportError as error:
            raise BadModel("torch", "absent", str(error), "Install the extra `train`") from None
        recipe = Recipe(locator_steps, grader_steps, seed, threads, folds, device)
        if run not in (None, *recipe.runs):
            raise BadModel("run", str(run), "is no run", f"Name one of {', '.join(recipe.runs)}")
        fields = read_folders(data)
        synthetic = Rendered(read_folders(rendered or []), read_folders(unseen or []))
        others = list(chain.from_iterable(map(read_negative, negative or [])))
        with ProgressBar(console=Console(stderr=True), disable=as_json) as bar:
            for name in [run] if run else recipe.runs:
                tell = _shown(bar, name)
                train_one(fields, synthetic, recipe, name, work, tell, makers)
        said: dict[str, Any] = {"work": str(work), "fields": len(fields)}
        if to is not None:
            said |= finish(fields, others, recipe, work, to)
    say(said, as_json=as_json)


def _shown(bar: ProgressBar, run: str) -> Callable[[Any], None]:
    """Shows each network's progress on a line of its own."""
    tasks: dict[str, TaskID] = {}

    def tell(now: Any) -> None:  # noqa: ANN401
        if now.what not in tasks:
            tasks[now.what] = bar.add_task("", total=now.steps)
        losses = ", ".join(f"{loss:.2f}" for loss in now.losses)
        what = f"{run} {now.what}, losses {losses}"
        bar.update(tasks[now.what], completed=now.step, description=what)

    return tell


def evaluate(
    data: Data,
    model: Annotated[Path, typer.Argument(help="A model's folder.")] = SHIPPED,
    page: Annotated[
        Path | None, typer.Option(help="Write curves and the worst cells to this HTML file.")
    ] = None,
    folds: Folds = 5,
    held_out: Annotated[
        int | None, typer.Option(min=0, help="Only fields of this fold; default: all.")
    ] = None,
    rounding: Annotated[
        bool, typer.Option(help="Of a model in 8 bits, also what rounding changes; slow.")
    ] = True,
    threads: Threads = 1,
    as_json: AsJson = False,
) -> None:
    """What the model finds and how it grades it, with 95 % intervals and controls beside it."""
    from engines.evaluation.figures import figures, to_json
    from engines.evaluation.look import look, thresholds_of
    from engines.evaluation.page import page_of
    from engines.evaluation.rounding import rounding as rounding_of
    from engines.evaluation.text import tables
    from engines.fields import fold_of, read_folder
    from engines.openvino_engine import OpenVinoEngine

    def fields() -> Iterator[AnnotatedField]:
        for field in chain.from_iterable(read_folder(folder) for folder in data):
            if held_out is None or fold_of(field.number, folds) == held_out:
                yield field

    with refusals():
        card = load(model)
        thresholds = thresholds_of(card)
        engine = OpenVinoEngine(card, threads)
        with ProgressBar(console=Console(stderr=True), disable=as_json) as bar:
            seen = bar.track(fields(), total=None, description="looking at fields")
            looked = [look(engine, field, *thresholds) for field in seen]
        if not looked:
            raise BadModel("data", ", ".join(map(str, data)), "no field", "Name other folders")
        measured = figures(looked)
        if page:
            page.write_text(page_of(card.identity, measured, looked, fields()))
        with tempfile.TemporaryDirectory() as work:
            rounded = rounding_of(card, fields(), Path(work)) if rounding else None
    if as_json:
        said = to_json(measured)
        said["details"] |= {"model": card.identity, "data": [str(folder) for folder in data]}
        said |= rounded.body() if rounded else {}
        say(said, as_json=True)
        return
    for table in tables(measured):
        Console().print(table)
    if rounded:
        say(rounded.body(), as_json=False)


def quantize(
    data: Data,
    to: Annotated[Path, typer.Option(help="The folder to write; may be the model's own.")],
    model: Annotated[Path, typer.Argument(help="A model's folder, in floating point.")] = SHIPPED,
    as_json: AsJson = False,
) -> None:
    """Rounds a model's networks to 8 bits (needs the extra `build`); then: `engines build`."""
    with refusals():
        from engines.int8.make import quantised

        in_float = quantised(model, read_folders(data), to)
    say({"model": str(to), "in_float": in_float}, as_json=as_json)


def build(model: Model, as_json: AsJson = False) -> None:
    """Makes the golden field's reference output and hashes the files (needs the extra `build`)."""
    with refusals():
        from engines.build import build as finish

        card = finish(model)
    say({"card": card.identity, **card.hashes.model_dump()}, as_json=as_json)
