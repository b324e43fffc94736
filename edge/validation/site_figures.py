"""What a site's slides with known answers say of a model: pure arithmetic over their verdicts."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from statistics import median_low
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from edge.validation.proportion import Proportion
from edge.verdict.system import Category, CategorySystem
from edge.verdict.verdict import Outcome

UNSATISFACTORY = Outcome.UNSATISFACTORY.value
"""The answer that is no category."""

Count = Annotated[int, Field(ge=0)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Announced(_Part):
    """A category that was announced in mid-scan."""

    category: str
    percent: Annotated[int, Field(ge=0, le=100)]
    """Of the planned ground, so much was settled and usable by then."""


class Judged(_Part):
    """One slide: its known answer, and what was said of it."""

    slide: str
    answer: str
    """A category's name, or `unsatisfactory`."""
    preparation: str
    sha256: str
    """Of what was replayed."""
    outcome: Outcome
    category: str | None
    not_excluded: tuple[str, ...]
    reasons: tuple[str, ...]
    """Their codes."""
    announced: tuple[Announced, ...]
    """In the order in which they came."""
    verdict_sha256: str

    @property
    def said(self) -> str:
        """In one word: the category, or the outcome that is none."""
        return self.category or self.outcome.value


class Calls(_Part):
    """What became of slides at one category and worse."""

    named: Count
    """They were given the category or a worse one."""
    referred: Count
    """A person was asked: by a review, by `incomplete`, by `unsatisfactory`, or by a category that
    leaves the question open."""
    cleared: Count
    """They were given a milder category, and nothing as bad was left open."""


class Threshold(_Part):
    """How a model tells a category and all worse ones from the milder ones of the same axis."""

    category: str
    positives: Calls
    """Of slides whose answer is it or worse."""
    negatives: Calls
    """Of slides whose answer is milder."""
    sensitivity: Proportion
    """Positives that were named. Who was referred counts against it."""
    specificity: Proportion
    """Negatives that were cleared. Who was referred counts against it."""


class Figures(_Part):
    """All figures of one validation."""

    thresholds: tuple[Threshold, ...]
    """By rising severity."""
    beside: Count
    """Slides in no threshold: answered `unsatisfactory`, or with a category of another axis."""
    review: Proportion
    """Of all slides."""
    unsatisfactory: Proportion
    incomplete: Proportion
    false_announcements: Proportion
    """Of slides in a threshold, those of which a worse category than the answer was announced."""
    first_announcement_percent: int | None
    """Of slides with a true announcement, how much of the ground the first one took: the median."""
    discordant: tuple[str, ...]
    """Slides of which something else was said than the answer, also where a person was asked."""


class _Call(Enum):
    NAMED, REFERRED, CLEARED = range(3)


def figures(slides: Sequence[Judged], system: CategorySystem) -> Figures:
    """The figures of slides that were answered and judged by one category system.

    Raises:
        KeyError: An answer is no category of it, nor `unsatisfactory`.
    """
    axis = system.and_worse(system.negative.name)
    answered = [
        (system.category(each.answer), each) for each in slides if each.answer != UNSATISFACTORY
    ]
    counted = [(answer, each) for answer, each in answered if answer in axis]
    outcomes = Counter(each.outcome for each in slides)

    first = [
        min(true)
        for answer, each in counted
        if (true := [a.percent for a in each.announced if not _is_false(a, answer, system)])
    ]

    def rate(outcome: Outcome) -> Proportion:
        return Proportion.of(outcomes[outcome], len(slides))

    return Figures(
        thresholds=tuple(_thresholds(axis, counted, system)),
        beside=len(slides) - len(counted),
        review=rate(Outcome.REVIEW),
        unsatisfactory=rate(Outcome.UNSATISFACTORY),
        incomplete=rate(Outcome.INCOMPLETE),
        false_announcements=Proportion.of(
            sum(
                any(_is_false(one, answer, system) for one in each.announced)
                for answer, each in counted
            ),
            len(counted),
        ),
        first_announcement_percent=median_low(first) if first else None,
        discordant=tuple(each.slide for each in slides if each.said != each.answer),
    )


def _is_false(announced: Announced, answer: Category, system: CategorySystem) -> bool:
    return system.category(announced.category).is_worse_than(answer)


def _thresholds(
    axis: Sequence[Category], counted: Sequence[tuple[Category, Judged]], system: CategorySystem
) -> Iterator[Threshold]:
    for least in axis[1:]:
        bad = {category.name for category in system.and_worse(least.name)}
        mild = {category.name for category in axis} - bad
        positives = _calls((each for answer, each in counted if answer.name in bad), bad, mild)
        negatives = _calls((each for answer, each in counted if answer.name in mild), bad, mild)
        yield Threshold(
            category=least.name,
            positives=positives,
            negatives=negatives,
            sensitivity=Proportion.of(positives.named, _many(positives)),
            specificity=Proportion.of(negatives.cleared, _many(negatives)),
        )


def _calls(slides: Iterable[Judged], bad: set[str], mild: set[str]) -> Calls:
    calls = Counter(_call(each, bad, mild) for each in slides)
    return Calls(
        named=calls[_Call.NAMED], referred=calls[_Call.REFERRED], cleared=calls[_Call.CLEARED]
    )


def _call(each: Judged, bad: set[str], mild: set[str]) -> _Call:
    if each.category in bad:
        return _Call.NAMED
    if each.category in mild and not bad.intersection(each.not_excluded):
        return _Call.CLEARED
    return _Call.REFERRED


def _many(calls: Calls) -> int:
    return calls.named + calls.referred + calls.cleared
