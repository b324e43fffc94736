"""What a slide's verdict will rest on, taken from the model's card."""

from drivers.scanner.words import Purpose
from edge.slide.basis import AdequacyNumbers, AnnouncingNumbers, Basis, CategoryNumbers
from engines.card import ModelCard
from engines.tables import Source, Table, of_source

_FIRST_OF: tuple[Source, ...] = ("site", "public", "rendered")


def table(card: ModelCard, purpose: Purpose) -> Table:
    """The table that a slide rests on.

    A simulated slide is judged as rendered ones were. Any other is a slide of glass: the site's own
    slides come before public ones, and where neither are known, rendered ones are all there is.
    """
    sources = ("rendered",) if purpose is Purpose.SIMULATION else _FIRST_OF
    return next(found for source in sources if (found := of_source(card.tables, source)))


def basis(card: ModelCard, purpose: Purpose, identities: dict[str, str]) -> Basis:
    """The card's numbers for a slide, with the identities of all that will make its verdict."""
    return resting_on(card, table(card, purpose), identities)


def resting_on(card: ModelCard, numbers: Table, identities: dict[str, str]) -> Basis:
    """The same with a given table."""
    return Basis(
        system=card.system,
        classes=card.classes,
        categories_of_classes=card.categories_of_classes,
        categories=tuple(
            CategoryNumbers(c.category, c.threshold, c.category_from, c.review_from)
            for c in numbers.categories
        ),
        adequacy=tuple(
            AdequacyNumbers(
                a.preparation,
                a.minimum,
                a.true_per_counted_milli,
                a.true_per_counted_error_milli,
                a.certain_per_counted_milli,
            )
            for a in numbers.adequacy
        ),
        reference_area_um2=numbers.reference_area_um2,
        largest_box_nm=card.largest_box_nm,
        specimens=card.specimens,
        table=numbers.source,
        negative_slides=numbers.negative_slides,
        identities=tuple(sorted(identities.items())),
        announcing=tuple(
            AnnouncingNumbers(
                a.category, a.r_milli, a.b_points, a.odds, a.findings, a.maxima, a.refused
            )
            for a in numbers.announcing
        ),
    )
