"""Sensitivity and specificity of slides with known answers, by hand."""

from edge.validation.site_figures import Announced, Calls, Judged, figures
from edge.verdict.system import load
from edge.verdict.verdict import Outcome

BETHESDA = load("bethesda")


def judged(
    answer: str,
    said: str,
    *not_excluded: str,
    slide: str = "S",
    preparation: str = "thinprep",
    announced: dict[str, int] | None = None,
) -> Judged:
    """A slide of which a category was said, or an outcome that is none."""
    is_outcome = said in list(Outcome)
    return Judged(
        slide=slide,
        answer=answer,
        preparation=preparation,
        sha256="",
        outcome=Outcome(said) if is_outcome else Outcome.CATEGORY,
        category=None if is_outcome else said,
        not_excluded=not_excluded,
        reasons=("x",),
        announced=tuple(
            Announced(category=name, percent=at) for name, at in (announced or {}).items()
        ),
        verdict_sha256="",
    )


SLIDES = [
    judged("HSIL", "HSIL", slide="a"),
    judged("HSIL", "SCC", slide="b"),
    judged("HSIL", "LSIL", "HSIL", slide="c"),  # named milder, and the question left open
    judged("HSIL", "NILM", slide="d"),  # missed
    judged("HSIL", "incomplete", slide="e"),
    judged("LSIL", "HSIL", slide="f"),
    judged("LSIL", "LSIL", slide="g"),
    judged("NILM", "NILM", slide="h"),
    judged("NILM", "review", "LSIL", slide="i"),
    judged("NILM", "unsatisfactory", slide="j"),
    judged("NILM", "AGC", slide="k"),  # another axis says nothing of this one
    judged("unsatisfactory", "unsatisfactory", slide="l"),
    judged("AIS", "NILM", slide="m"),
]


def calls(named: int, referred: int, cleared: int) -> Calls:
    return Calls(named=named, referred=referred, cleared=cleared)


def test_each_threshold_counts_what_became_of_bad_and_of_mild_slides() -> None:
    found = figures(SLIDES, BETHESDA)
    by_name = {each.category: each for each in found.thresholds}
    assert list(by_name) == ["ASC-US", "LSIL", "ASC-H", "HSIL", "SCC"]
    assert by_name["HSIL"].positives == calls(2, 2, 1)
    assert by_name["HSIL"].negatives == calls(1, 3, 2)
    assert by_name["LSIL"].positives == calls(5, 1, 1)
    assert by_name["LSIL"].negatives == calls(0, 3, 1)
    assert by_name["ASC-US"].positives == by_name["LSIL"].positives
    hsil = by_name["HSIL"]
    assert (hsil.sensitivity.part, hsil.sensitivity.whole) == (2, 5)
    assert (hsil.specificity.part, hsil.specificity.whole) == (2, 6)
    assert by_name["SCC"].sensitivity.whole == 0
    assert found.beside == 2


def test_rates_are_of_all_slides_and_every_other_word_than_the_answer_is_told() -> None:
    found = figures(SLIDES, BETHESDA)
    assert (found.review.part, found.review.whole) == (1, 13)
    assert found.unsatisfactory.part == 2
    assert found.incomplete.part == 1
    assert found.discordant == ("b", "c", "d", "e", "f", "i", "j", "k", "m")


def test_an_announcement_is_false_where_the_answer_is_milder() -> None:
    slides = [
        judged("HSIL", "HSIL", announced={"LSIL": 12, "HSIL": 30}),
        judged("LSIL", "HSIL", announced={"HSIL": 5, "LSIL": 40}),
        judged("SCC", "HSIL", announced={"HSIL": 50}),
        judged("NILM", "NILM"),
        judged("NILM", "review", announced={"ASC-US": 90}),
        judged("AIS", "review", announced={"HSIL": 1}),  # of another axis: in no figure
    ]
    found = figures(slides, BETHESDA)
    assert (found.false_announcements.part, found.false_announcements.whole) == (2, 5)
    assert found.first_announcement_percent == 40
    assert figures([judged("NILM", "NILM")], BETHESDA).first_announcement_percent is None


def test_a_clear_answer_is_never_counted_where_a_worse_one_is_in_question() -> None:
    found = figures([judged("NILM", "LSIL", "HSIL")], BETHESDA)
    at = {each.category: each.negatives for each in found.thresholds}
    assert at["LSIL"] == calls(1, 0, 0)
    assert at["HSIL"] == calls(0, 1, 0)
    assert at["SCC"] == calls(0, 0, 1)


def test_other_systems_have_their_own_thresholds() -> None:
    found = figures([judged("HGUC", "HGUC"), judged("NHGUC", "NHGUC")], load("paris"))
    assert [each.category for each in found.thresholds] == ["AUC", "SHGUC", "HGUC"]
    assert all(each.sensitivity.part == 1 == each.specificity.part for each in found.thresholds)
