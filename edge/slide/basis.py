"""What a verdict rests on: the model card's numbers and the identities of all that made it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CategoryNumbers:
    """The card's numbers for one category above NILM."""

    category: str
    threshold: int
    """A finding reaches the category if the sum of its class scores for it and worse is at least
    this, in 1/10,000."""
    category_from: int
    """Counted findings that make the category, in the card's reference area."""
    review_from: int
    """Counted findings that make a review, in the card's reference area."""


@dataclass(frozen=True, slots=True)
class AdequacyNumbers:
    """The card's numbers for one preparation."""

    preparation: str
    minimum: int
    """Squamous cells that make the specimen adequate."""
    true_per_counted_milli: int
    """k: true squamous cells per 1,000 counted."""
    true_per_counted_error_milli: int
    """The standard error of k, in the same unit."""
    certain_per_counted_milli: int
    """p: lower 95 % limit for true squamous cells per 1,000 counted."""


@dataclass(frozen=True, slots=True)
class AnnouncingNumbers:
    """The card's numbers for announcing one category in mid-scan."""

    category: str
    r_milli: int
    """r, in 1/1,000: how much false findings' rates differ between negative slides; small is much.
    """
    b_points: int
    """b, in lattice points: r over the rate of a negative slide."""
    odds: int
    """1 / alpha: how unlikely a negative slide must have become."""
    findings: int
    """False ones that the table's negative slides have, together."""
    maxima: int
    """Negative slides whose E, replayed in scan order, ever reached `odds`."""
    refused: str
    """Why it was refused when it was fitted; empty where it was not."""


@dataclass(frozen=True, slots=True)
class Basis:
    """All numbers and identities that a slide's verdict is made with, fixed when it is opened."""

    system: str
    """The category system: the name of a file in `edge/verdict/categories`."""
    classes: tuple[str, ...]
    """The model's classes."""
    categories_of_classes: tuple[str, ...]
    """The category that each class counts for, in the order of `classes`."""
    categories: tuple[CategoryNumbers, ...]
    adequacy: tuple[AdequacyNumbers, ...]
    reference_area_um2: int
    largest_box_nm: int
    specimens: tuple[str, ...]
    """Specimen types that the card was made for."""
    table: str
    """Which of the card's tables the numbers are of, by its source: rendered, public or site."""
    negative_slides: int
    """How many negative slides that table rests on."""
    identities: tuple[tuple[str, str], ...]
    """By rising name: model, card, engine, categories, calibration, settings, software."""
    announcing: tuple[AnnouncingNumbers, ...] = ()
    """None of a category: it is never announced."""
