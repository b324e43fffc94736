"""The model card: what a model is, was made from and may be used for, and its files' hashes."""

import hashlib
import json
import tomllib
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator

from engines.detector import BadModel
from engines.tables import Part, Positive, Table, TenThousandths, Text, fit_together

CARD = "card.toml"
LOCATOR, GRADER = "locator.onnx", "grader.onnx"
GOLDEN = "golden.png"
REFERENCE = "golden.json"
MODELS = Path(__file__).parent / "models"
"""Where the models that come with the software lie."""
SHIPPED = MODELS / "cervical-2"
"""The one that is used where none is named."""
NO_CELL = "none"
"""The first class of every grader: what lies there is no cell."""

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class DataSource(Part):
    """One source of training data."""

    name: Text
    licence: Text
    citation: Text


class Training(Part):
    """How the weights were made."""

    command: Text
    seed: int
    held_out: Text
    """Which fields the weights have never seen."""
    data: tuple[DataSource, ...] = Field(min_length=1)


class Metric(Part):
    """One measured figure, with what it was measured on."""

    name: Text
    value: float
    low: float
    """Lower 95 % limit."""
    high: float
    count: int
    """Cells or fields that it rests on."""
    grouping: Text
    """What was resampled for the limits, and what keeps test from training."""
    source: Text


class Hashes(Part):
    """SHA-256 of the card's files."""

    locator: Sha256
    grader: Sha256
    golden: Sha256
    reference: Sha256


class ModelCard(Part):
    """A model that may be used. Its files were compared with its hashes when it was loaded."""

    name: Text
    description: Text
    limits: tuple[Text, ...]
    licence: Text
    specimens: tuple[Text, ...] = Field(min_length=1)
    system: Text
    """The category system that `tables` name the categories of."""
    classes: tuple[Text, ...] = Field(min_length=2)
    """What the grader tells apart, in the order of its scores; `none` first."""
    categories_of_classes: tuple[Text, ...]
    pm_per_px: Positive
    """Picometres a tile pixel: twice a crop's."""
    tile_px: tuple[Positive, Positive]
    """Height and width of a tile."""
    crop_pm_per_px: Positive
    crop_px: Positive
    """Height and width of a crop."""
    batch: Positive
    """Crops that are graded at once."""
    box_nm: Positive
    """Side of the box that a detection is given: the nucleus."""
    largest_box_nm: Positive
    min_candidate: TenThousandths
    """Peaks from here on are graded."""
    min_score: TenThousandths
    """Candidates are kept that are cells with at least this probability."""
    tolerance: TenThousandths
    """How far a probability may be from the reference output's, in 1/10,000."""
    tables: Annotated[tuple[Table, ...], AfterValidator(fit_together)]
    """One a source; which a slide rests on, `edge.detection.basis` decides."""
    training: Training
    metrics: tuple[Metric, ...]
    hashes: Hashes
    folder: Path
    """Where its files lie. Not written in the card."""
    sha256: Sha256
    """Of the card itself. Not written in the card."""

    @model_validator(mode="after")
    def _fits_itself(self) -> Self:
        if len(self.categories_of_classes) != len(self.classes):
            raise ValueError("categories_of_classes must name one category a class")
        if any(side % 16 for side in self.tile_px):
            raise ValueError("tile_px must be multiples of 16")
        if self.classes[0] != NO_CELL:
            raise ValueError(f"classes must begin with {NO_CELL}")
        if self.pm_per_px != 2 * self.crop_pm_per_px:
            raise ValueError("pm_per_px must be twice crop_pm_per_px")
        if self.largest_box_nm < self.box_nm:
            raise ValueError("largest_box_nm must not be under box_nm")
        return self

    @property
    def identity(self) -> str:
        """Name and hash, as verdicts quote it."""
        return f"{self.name} {self.sha256[:12]}"

    @property
    def networks(self) -> str:
        """SHA-256 of both networks' hashes: what a slide keeps to."""
        both = self.hashes.locator + self.hashes.grader
        return hashlib.sha256(both.encode()).hexdigest()


def load(folder: Path) -> ModelCard:
    """The card of a model folder, once every file is what the card says.

    Raises:
        BadModel: A file is absent or changed, or the card does not say what it must.
    """
    card = read(folder)
    for file, expected in (
        (LOCATOR, card.hashes.locator),
        (GRADER, card.hashes.grader),
        (GOLDEN, card.hashes.golden),
        (REFERENCE, card.hashes.reference),
    ):
        found = sha256_of(folder / file)
        if found != expected:
            raise BadModel(
                str(folder / file),
                found[:12],
                f"the card's hash is {expected[:12]}: the file was changed",
                "Install the model again, or run `cytoedge engines build` if you changed it",
            )
    return card


def read(folder: Path) -> ModelCard:
    """The card alone, its files not compared.

    Raises:
        BadModel: The card is absent or does not say what it must.
    """
    path = folder / CARD
    content = bytes_of(path)
    try:
        said = tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadModel(str(path), "not TOML", str(error), "Mend that line") from None
    for key in ("folder", "sha256"):
        if key in said:
            raise BadModel(
                f"{path}: {key}", str(said[key]), "is not the card's to say", "Remove it"
            )
    said |= {"folder": str(folder), "sha256": hashlib.sha256(content).hexdigest()}
    try:
        return ModelCard.model_validate_json(json.dumps(said))
    except ValidationError as errors:
        first = errors.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"]) or "card"
        raise BadModel(
            f"{path}: {key}", repr(first["input"])[:80], first["msg"], "Mend the card"
        ) from None
    except TypeError as error:  # a date: TOML has it, JSON and cards do not
        raise BadModel(str(path), "not plain", str(error), "Write it as text") from None


def sha256_of(path: Path) -> str:
    """A file's SHA-256, in hex.

    Raises:
        BadModel: The file is absent.
    """
    return hashlib.sha256(bytes_of(path)).hexdigest()


def bytes_of(path: Path) -> bytes:
    """A file's content.

    Raises:
        BadModel: The file is absent.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadModel(
            str(path), "absent", error.strerror or str(error), "Name a folder with a whole model"
        ) from None
