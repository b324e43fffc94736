"""The card's tables: thresholds and counts, one table a source of the slides that they rest on."""

from collections.abc import Iterable
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

TenThousandths = Annotated[int, Field(ge=0, le=10_000)]
Positive = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=0)]
Text = Annotated[str, Field(min_length=1)]
Source = Literal["rendered", "public", "site"]

MOST_R_MILLI: Final = 1_000_000
"""From there on, rates that differ so little cannot be told from one rate."""


class Part(BaseModel):
    """A part of the card: exactly the keys that it names."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Category(Part):
    """The numbers of one category above the negative one."""

    category: Text
    threshold: TenThousandths
    category_from: Positive
    review_from: Positive

    @model_validator(mode="after")
    def _a_category_is_no_weaker_than_a_review(self) -> Self:
        if self.category_from < self.review_from:
            raise ValueError("category_from must not be under review_from")
        return self


class Adequacy(Part):
    """How counted cells become true squamous cells, for one preparation."""

    preparation: Text
    minimum: Positive
    true_per_counted_milli: Positive
    true_per_counted_error_milli: Count
    certain_per_counted_milli: Count
    source: Text


class Announcing(Part):
    """What false findings of one category on the negative slides allow in mid-scan."""

    category: Text
    r_milli: Annotated[int, Field(ge=0, le=MOST_R_MILLI)]
    """r, in 1/1,000: negative slides' rates of false findings are as a Gamma(r, b)."""
    b_points: Count
    """b, in lattice points of 400 um2."""
    odds: Annotated[int, Field(ge=2)]
    """1 / alpha: an announcement is false on one of so many negative slides at most."""
    findings: Count
    """False ones on all negative slides together."""
    maxima: Count
    """Negative slides on which E ever reached `odds`, replayed in scan order."""
    refused: str = ""
    """Why nothing is announced; empty where it is."""

    @model_validator(mode="after")
    def _has_numbers_or_is_refused(self) -> Self:
        if not (self.refused or (self.r_milli and self.b_points)):
            raise ValueError("r_milli and b_points must be 1 or more, or refused must say why")
        return self


class Table(Part):
    """All numbers that one source of slides gave, fitted together."""

    source: Source
    slides: Text
    """Which slides were fitted on, in words."""
    seeds: str = ""
    """Of rendered slides, as `7000-7019, 7100`: no figure of the model may come from them."""
    negative_slides: Count
    slides_for_review: Count
    """How many of them reach any category's `review_from`."""
    reference_area_um2: Positive
    """Planned area that `category_from` and `review_from` are meant for."""
    categories: tuple[Category, ...] = Field(min_length=1)
    adequacy: tuple[Adequacy, ...] = ()
    announcing: tuple[Announcing, ...] = ()
    """A category without an entry is never announced."""

    @model_validator(mode="after")
    def _fits_itself(self) -> Self:
        if self.slides_for_review > self.negative_slides:
            raise ValueError("slides_for_review must not be over negative_slides")
        if not self.negative_slides and any(c.review_from != 1 for c in self.categories):
            raise ValueError("without negative slides every review_from must be 1")
        for key, named in (
            ("category", [c.category for c in self.categories]),
            ("category to announce", [a.category for a in self.announcing]),
            ("preparation", [a.preparation for a in self.adequacy]),
        ):
            if len(named) != len(set(named)):
                raise ValueError(f"a {key} is named twice")
        known = {c.category for c in self.categories}
        if not known.issuperset(a.category for a in self.announcing):
            raise ValueError("what is announced must be one of the table's categories")
        return self


def fit_together(tables: tuple[Table, ...]) -> tuple[Table, ...]:
    """The tables of one card.

    Raises:
        ValueError: There is none for rendered slides, or two for one source.
    """
    sources = [table.source for table in tables]
    if len(sources) != len(set(sources)):
        raise ValueError("there must be one table a source")
    if "rendered" not in sources:
        raise ValueError("there must be a table whose source is 'rendered'")
    return tables


def of_source(tables: Iterable[Table], source: Source) -> Table | None:
    """The table of a source; None where there is none."""
    return next((table for table in tables if table.source == source), None)
