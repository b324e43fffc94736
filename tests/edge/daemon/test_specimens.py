"""Each specimen is reported by its own category system, and by a model that was made for it."""

import re
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from drivers.scanner.words import Preparation, Specimen
from drivers.sources.replay import ImageFolder, ReplayOptions
from edge.daemon.engine import Engine, start
from edge.daemon.live import bars_of
from edge.settings import Settings
from edge.slide.basis import CategoryNumbers
from edge.validation.replay import replayed
from edge.validation.slides import public
from edge.verdict import system
from edge.verdict.decide import decide
from edge.verdict.verdict import Outcome, Verdict
from engines.build import build
from engines.card import CARD
from tests.edge.verdict.conftest import BASIS
from tests.engines import tiny_model

SYSTEMS = [
    ("paris", "urine", ("NHGUC", "NHGUC", "AUC", "AUC", "SHGUC", "HGUC", "HGUC")),
    ("international", "effusion", ("NFM", "NFM", "AUS", "AUS", "SFM", "MAL", "MAL")),
]
"""A system, its specimen, and what it calls the tiny model's classes."""


def tiny(folder: Path, **lines: object) -> Path:
    """The tiny model, with lines of its card changed."""
    tiny_model.make(folder)
    text = (folder / CARD).read_text()
    for key, value in lines.items():
        quoted = f'"{value}"' if isinstance(value, str) else str(value)
        text, found = re.subn(rf"^{key} = .*$", f"{key} = {quoted}", text, flags=re.MULTILINE)
        assert found, key
    (folder / CARD).write_text(text)
    return folder


def made_for(name: str, specimen: str, called: tuple[str, ...], folder: Path) -> Path:
    """The tiny model for another specimen."""
    tiny(folder, system=name, specimens=[specimen], categories_of_classes=list(called))
    text = (folder / CARD).read_text()
    for before, after in (("LSIL", called[3]), ("HSIL", called[5])):
        text = text.replace(f'\ncategory = "{before}"\n', f'\ncategory = "{after}"\n')
    (folder / CARD).write_text(text)
    build(folder)
    return folder


def engine_of(model: Path, folder: Path) -> tuple[Engine, Settings]:
    settings = Settings(state_dir=folder, model=model)
    return start(settings), settings


def scanned(model: Path, specimen: str, class_: str, folder: Path) -> Verdict:
    """The verdict on a slide of four fields with cells of one class."""
    images = folder / f"{specimen}-{class_}"
    images.mkdir()
    spots = [(x, y, class_) for x, y, _ in tiny_model.spots(512, 640)]
    for number in range(4):
        picture = np.ascontiguousarray(tiny_model.field(512, 640, spots)[:, :, ::-1])
        picture[number, 0] = 0  # no picture is another one's repetition
        cv2.imwrite(str(images / f"{number}.png"), picture)
    options = ReplayOptions(
        images, 0.25, specimen=Specimen(specimen), preparation=Preparation.CYTOSPIN
    )
    engine, settings = engine_of(model, folder)
    evidence, _ = replayed(ImageFolder(options), engine, settings, lambda: None)
    return decide(evidence.summary())


@pytest.mark.parametrize(("name", "specimen", "called"), SYSTEMS)
def test_a_model_for_a_specimen_reports_it_by_its_system(
    name: str, specimen: str, called: tuple[str, ...], tmp_path: Path
) -> None:
    model = made_for(name, specimen, called, tmp_path / "model")
    verdict = scanned(model, specimen, "HSIL", tmp_path)
    assert (verdict.outcome, verdict.category, verdict.system) == ("category", called[5], name)
    other = scanned(model, "cervical", "HSIL", tmp_path)
    assert (other.outcome, other.category) == ("incomplete", None)
    assert f"the model is for {specimen} by {name}" in other.reasons[0].text
    assert "cervical is reported by bethesda" in other.reasons[0].text


def test_public_fields_of_a_specimen_are_labelled_by_its_system(tmp_path: Path) -> None:
    name, specimen, called = SYSTEMS[0]
    model = made_for(name, specimen, called, tmp_path / "model")
    picture = np.ascontiguousarray(tiny_model.field(512, 640, [(99, 99, "HSIL")])[:, :, ::-1])
    cv2.imwrite(str(tmp_path / "1.png"), picture)
    (tmp_path / "images.csv").write_text(
        "image_filename,slide,label,um_per_px\n1.png,a,NHGUC,0.25\n1.png,b,HGUC,0.25\n"
    )
    engine, settings = engine_of(model, tmp_path)
    slides = public(tmp_path, Preparation.CYTOSPIN, system.load(name))
    samples = [slide.replay(engine, settings, lambda: None) for slide in slides]
    assert [(each.truth.worst, each.summary.opening.specimen) for each in samples] == [
        ("NHGUC", "urine"), ("HGUC", "urine"),
    ]  # fmt: skip


def test_i3_a_cervical_model_says_nothing_of_urine(tmp_path: Path) -> None:
    model = tiny(tmp_path / "model")
    build(model)
    for class_ in ("NILM", "HSIL"):
        verdict = scanned(model, "urine", class_, tmp_path)
        assert (verdict.outcome, verdict.category) == (Outcome.INCOMPLETE, None)
        assert verdict.reasons[0].code == "card_not_for_specimen"
        assert "urine is reported by paris" in verdict.reasons[0].text


@pytest.mark.parametrize(
    ("line", "value", "words"),
    [
        ("system", "rome", "system=rome: there are bethesda, international, paris"),
        ("specimens", ["urine"], "specimens=urine: bethesda knows cervical; urine is reported by"),
        ("category", "MAL", "tables=MAL: bethesda knows AGC"),
        ("categories_of_classes", ["AUC"] * 7, "categories_of_classes=AUC: bethesda knows"),
    ],
)
def test_a_card_that_its_system_does_not_fit_proves_no_engine(
    line: str, value: object, words: str, tmp_path: Path
) -> None:
    model = tiny(tmp_path / "model", **{line: value})
    if line == "category":  # both of the table's have the name then
        text = (model / CARD).read_text()
        (model / CARD).write_text(text.replace('category = "MAL"', 'category = "LSIL"', 1))
    build(model)
    engine, _ = engine_of(model, tmp_path)
    assert engine.card is None
    assert words in engine.health.problem


def test_organisms_and_glandular_cells_speak_for_no_squamous_category() -> None:
    categories = tuple(CategoryNumbers(name, 5_000, 3, 1) for name in ("HSIL", "AGC", "AIS"))
    basis = replace(
        BASIS,
        classes=("n", "h", "agc", "ais", "trichomonas"),
        categories_of_classes=("NILM", "HSIL", "AGC", "AIS", "organisms"),
        categories=categories,
    )
    bethesda = system.load("bethesda")
    found = {bar.severity: bar.classes for bar in bars_of(basis)}
    assert found == {
        bethesda.category("HSIL").severity: (1,),
        bethesda.category("AGC").severity: (2, 3),
        bethesda.category("AIS").severity: (3,),
    }
