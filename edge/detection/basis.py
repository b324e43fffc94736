"""What a slide's verdict will rest on, taken from the model's card."""

from edge.slide.basis import AdequacyNumbers, Basis, CategoryNumbers
from engines.card import ModelCard


def basis(card: ModelCard, identities: dict[str, str]) -> Basis:
    """The card's numbers, with the identities of all that will make the verdict."""
    return Basis(
        system=card.system,
        classes=card.classes,
        categories_of_classes=card.categories_of_classes,
        categories=tuple(
            CategoryNumbers(c.category, c.threshold, c.category_from, c.review_from)
            for c in card.categories
        ),
        adequacy=tuple(
            AdequacyNumbers(
                a.preparation,
                a.minimum,
                a.true_per_counted_milli,
                a.true_per_counted_error_milli,
                a.certain_per_counted_milli,
            )
            for a in card.adequacy
        ),
        reference_area_um2=card.reference_area_um2,
        largest_box_nm=card.largest_box_nm,
        specimens=card.specimens,
        negative_slides=tuple((s.source, s.slides) for s in card.negative_slides),
        identities=tuple(sorted(identities.items())),
    )
