"""`cytoedge validate DIR`: a site's slides with known answers, through a daemon of its own."""

import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from drivers.problem import Problem, Refusal
from drivers.scanner.link import ScannerLink
from drivers.scanner.messages import FromDaemon, SlideAborted, SlideClosed
from drivers.scanner.words import Specimen
from drivers.sources.faults import Faults
from drivers.sources.player import Player
from drivers.sources.recording import RecordingReader
from drivers.sources.replay import ImageFolder, ReplayOptions
from drivers.sources.scanner import Pace, scan_slide, start
from edge.commands.common import err
from edge.commands.own_daemon import own_daemon
from edge.daemon.engine import system_of
from edge.daemon.opening import made_by
from edge.journal import shelf
from edge.settings import Settings
from edge.slide.canonical import canonical
from edge.slide.record import Announcement
from edge.validation.site_figures import Announced, Judged
from edge.validation.site_file import SiteFile, write
from edge.validation.site_slides import SiteSlide, site_slides
from edge.verdict.verdict import hash_of
from engines import card as cards

AT_ONCE = Pace(fields_per_s=0)
Verdict = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Said:
    """What a daemon said of a slide, while it was scanned and at its end."""

    verdict: Verdict
    announced: tuple[Announced, ...]


def validate_site(
    folder: Path, work: Path, model: Path, settings: Settings, *, quiet: bool
) -> tuple[SiteFile, Path]:
    """Judge every slide that was not judged yet, and write the site file.

    After a break, or with more slides in the table, it goes on where it was.

    Args:
        folder: Holds `slides.csv` and the slides.
        work: Verdicts are kept here, one file a slide.
        model: The model's folder.
        settings: The site's: its engine is what is validated.
        quiet: Show no progress.

    Raises:
        Refusal: The folder is not as it should be, or a slide has no verdict.
        BadModel: The model cannot be used.
    """
    card = cards.load(model)
    system = system_of(card)
    made = made_by(card, settings)
    slides = site_slides(folder, system)
    hashes = {slide.name: slide.sha256() for slide in slides}
    kept = {each.name: _kept(work, each, hashes[each.name], made) for each in slides}
    said = {name: each for name, each in kept.items() if each is not None}
    if due := [each for each in slides if each.name not in said]:
        work.mkdir(parents=True, exist_ok=True)
        specimen = Specimen(card.specimens[0])
        for slide, each in _played(due, model, specimen, settings, quiet=quiet):
            _keep(work, slide, hashes[slide.name], each)
            said[slide.name] = each
    judged = [_judged(each, hashes[each.name], said[each.name]) for each in slides]
    verdicts = [each.verdict for each in said.values()]
    return write(folder, judged, _what_judged(verdicts, work), system)


def told(found: SiteFile, path: Path) -> str:
    """All figures, in lines for people."""
    return "\n".join(_lines(found, path)) + "\n"


def _lines(found: SiteFile, path: Path) -> Iterator[str]:
    figures = found.figures
    yield f"{len(found.slides)} slides, card {found.identities['card']}, system {found.system}"
    for each in figures.thresholds:
        bad, mild = each.positives, each.negatives
        yield f"{each.category}+"
        yield f"  sensitivity {each.sensitivity}; {bad.referred} referred, {bad.cleared} cleared"
        yield f"  specificity {each.specificity}; {mild.referred} referred, {mild.named} named so"
    yield f"In no figure above: {figures.beside} slides"
    for name in ("review", "unsatisfactory", "incomplete"):
        yield f"{name}: {getattr(figures, name)}"
    yield f"false announcements: {figures.false_announcements}"
    percent = figures.first_announcement_percent
    yield f"first true announcement: {'none' if percent is None else f'at {percent} % (median)'}"
    yield f"Something else was said than was answered: {len(figures.discordant)} slides"
    for slide in found.slides:
        if slide.slide in figures.discordant:
            doubt = f" (not excluded: {', '.join(slide.not_excluded)})" * bool(slide.not_excluded)
            reasons = ", ".join(slide.reasons)
            yield f"  {slide.slide}: {slide.answer}, said {slide.said}{doubt}: {reasons}"
    yield f"{path}: version {found.version}, {found.signature}: no daemon acts on it"


def _played(
    slides: Sequence[SiteSlide],
    model: Path,
    specimen: Specimen,
    settings: Settings,
    *,
    quiet: bool,
) -> Iterator[tuple[SiteSlide, _Said]]:
    """Each slide with what was said of it. What the daemon kept of it is removed."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    ours: dict[str, str | int] = {
        "model": str(model.resolve()),
        "engine": settings.engine,
        "engine_threads": settings.engine_threads,
        "quality_threads": settings.quality_threads,
    }
    with (
        tempfile.TemporaryDirectory(prefix="cytoedge-validate-") as name,
        own_daemon(Path(name), **ours) as (daemon, _),
        Progress(*columns, TimeElapsedColumn(), console=err, disable=quiet) as bar,
    ):
        task = bar.add_task("", total=len(slides))
        for slide in slides:
            bar.update(task, description=f"slide {slide.name}")
            drivers = daemon.endpoints.drivers
            if slide.path.is_file():
                verdict = _play_recording(slide, drivers)
            else:
                verdict = _play_images(slide, specimen, drivers)
            planned = verdict["coverage"]["planned"]
            yield slide, _Said(verdict, _announced(daemon.state_dir, slide.name, planned))
            shutil.rmtree(shelf.path(daemon.state_dir, slide.name).parent)
            bar.advance(task)


def _announced(state_dir: Path, slide: str, planned: int) -> tuple[Announced, ...]:
    """What the slide's own file holds: announcements are rows, a verdict names no time."""
    store = shelf.read(state_dir, slide)
    assert store is not None  # noqa: S101  # its verdict was just issued from it
    try:
        rows = [row for row in store.others() if isinstance(row, Announcement)]
    finally:
        store.close()
    return tuple(
        Announced(category=row.category, percent=100 * row.points // planned)
        for row in sorted(rows, key=lambda row: row.points)
    )


def _play_images(slide: SiteSlide, specimen: Specimen, endpoint: str) -> Verdict:
    options = ReplayOptions(
        slide.path, specimen=specimen, preparation=slide.preparation, slide=slide.name
    )
    source = ImageFolder(options)
    scan = start(source.facts)
    with ScannerLink(endpoint, "validate", on_answer=scan.hear) as link:
        link.wait_welcome()
        scan_slide(link, source, scan, pace=AT_ONCE, faults=Faults(), on_progress=lambda _: None)
    if scan.verdict is None:
        raise _without_verdict(slide, scan.why or "; ".join(scan.refusals))
    return scan.verdict


def _play_recording(slide: SiteSlide, endpoint: str) -> Verdict:
    verdicts: dict[str, Verdict] = {}

    def hear(answer: FromDaemon) -> None:
        if isinstance(answer, SlideClosed | SlideAborted) and answer.verdict:
            verdicts[answer.slide] = answer.verdict

    with Player(endpoint, "validate", hear) as player:
        played = player.play(RecordingReader(slide.path))
    if list(verdicts) != [slide.name]:
        others = ", ".join(verdicts.keys() - {slide.name})
        what = f"it ends slide {others}, too" if others else "it does not end its slide"
        raise _without_verdict(slide, "; ".join([what, *played.refused]))
    return verdicts[slide.name]


def _without_verdict(slide: SiteSlide, why: str) -> Refusal:
    problem = f"{slide.path.name} gives it no verdict: {why}"
    return Refusal(Problem("slide", slide.name, problem, "Record it again, to its end"))


def _kept(work: Path, slide: SiteSlide, sha256: str, made: dict[str, str]) -> _Said | None:
    """What was kept of these very bytes, by this card, software and settings."""
    path = work / f"{slide.name}.json"
    try:
        kept = json.loads(path.read_bytes())
        verdict: Verdict = kept["verdict"]
        is_same = (kept["sha256"], kept["preparation"]) == (sha256, slide.preparation)
        announced = tuple(Announced(**each) for each in kept["announced"])
        is_ours = is_same and made.items() <= verdict["identities"].items()
        return _Said(verdict, announced) if is_ours else None
    except FileNotFoundError:
        return None
    except (ValueError, LookupError, TypeError) as error:
        problem = Problem("--work", str(path), f"is no verdict that was kept: {error}", "Remove it")
        raise Refusal(problem) from None


def _keep(work: Path, slide: SiteSlide, sha256: str, said: _Said) -> None:
    """Write it, whole or not at all."""
    new = work / f"{slide.name}.new"
    body = {
        "sha256": sha256,
        "preparation": slide.preparation,
        "verdict": said.verdict,
        "announced": [each.model_dump() for each in said.announced],
    }
    new.write_bytes(canonical(body))
    new.replace(work / f"{slide.name}.json")


def _judged(slide: SiteSlide, sha256: str, said: _Said) -> Judged:
    verdict = said.verdict
    return Judged(
        slide=slide.name,
        answer=slide.answer,
        preparation=slide.preparation.value,
        sha256=sha256,
        outcome=verdict["outcome"],
        category=verdict["category"],
        not_excluded=tuple(verdict["not_excluded"]),
        reasons=tuple(reason["code"] for reason in verdict["reasons"]),
        announced=said.announced,
        verdict_sha256=hash_of(canonical(verdict)),
    )


def _what_judged(verdicts: Sequence[Verdict], work: Path) -> dict[str, str]:
    """The identities that all verdicts share: a validation is of one engine.

    Each slide has a calibration of its own.
    """
    found = [
        {name: value for name, value in verdict["identities"].items() if name != "calibration"}
        for verdict in verdicts
    ]
    if strange := [each for each in found if each != found[0]]:
        problem = f"holds verdicts of {found[0]['engine']} and of {strange[0]['engine']}"
        raise Refusal(Problem("--work", str(work), problem, "Name another folder, and begin again"))
    return found[0]
