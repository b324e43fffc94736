"""Category systems as data."""

import hashlib
from collections.abc import Callable
from importlib.resources import files

import pytest

from drivers.scanner.words import Specimen
from edge.evidence.counts import SEVERITIES
from edge.evidence.summary import Summary
from edge.slide.basis import CategoryNumbers
from edge.verdict.decide import decide
from edge.verdict.system import MAX_SEVERITY, load, of_specimen, parse, systems

FILE = files("edge.verdict.categories").joinpath("bethesda.toml").read_bytes()
ONE = '[[category]]\nname = "{}"\naxis = "a"\nseverity = {}\ntitle = ""\n'
HEAD = 'title = "t"\nspecimens = []\ncells = "c"\nbeyond = ["x"]\n'


def test_bethesda_has_its_order_on_each_axis() -> None:
    bethesda = load("bethesda")
    by_severity = [(c.name, c.axis, c.severity) for c in bethesda.categories]
    assert by_severity == [
        ("NILM", "squamous", 0),
        ("ASC-US", "squamous", 1),
        ("LSIL", "squamous", 2),
        ("ASC-H", "squamous", 3),
        ("HSIL", "squamous", 4),
        ("SCC", "squamous", 5),
        ("AGC", "glandular", 6),
        ("AIS", "glandular", 7),
        ("adenocarcinoma", "glandular", 8),
    ]
    assert bethesda.negative.name == "NILM"
    assert bethesda.specimens == ("cervical",)
    assert "organisms" in bethesda.beyond


@pytest.mark.parametrize(
    ("name", "specimen", "axis", "others"),
    [
        ("paris", "urine", ["NHGUC", "AUC", "SHGUC", "HGUC"], ["other malignancy"]),
        ("international", "effusion", ["NFM", "AUS", "SFM", "MAL"], []),
    ],
)
def test_other_specimens_have_systems_of_their_own(
    name: str, specimen: str, axis: list[str], others: list[str]
) -> None:
    found = load(name)
    assert [c.name for c in found.and_worse(found.negative.name)] == axis
    assert [c.name for c in found.categories] == [*axis, *others]
    assert found.specimens == (specimen,)
    assert "organisms" in found.beyond


def test_each_specimen_is_reported_by_one_system() -> None:
    reporting = {specimen.value: of_specimen(specimen) for specimen in Specimen}
    assert reporting == {
        "cervical": ("bethesda",), "urine": ("paris",), "effusion": ("international",), "other": (),
    }  # fmt: skip


def test_a_systems_identity_is_the_hash_of_its_file() -> None:
    assert load("bethesda").identity == hashlib.sha256(FILE).hexdigest()
    assert parse("bethesda", FILE + b"\n").identity != load("bethesda").identity


def test_worse_is_worse_on_the_same_axis_only() -> None:
    bethesda = load("bethesda")
    assert [c.name for c in bethesda.and_worse("ASC-H")] == ["ASC-H", "HSIL", "SCC"]
    assert [c.name for c in bethesda.and_worse("AIS")] == ["AIS", "adenocarcinoma"]
    assert not bethesda.category("AGC").is_worse_than(bethesda.category("SCC"))


def test_an_unknown_name_is_refused() -> None:
    assert systems() == ("bethesda", "international", "paris")
    for name in ("rome", "../bethesda", ""):
        with pytest.raises(ValueError, match="there are bethesda, international, paris"):
            load(name)
    with pytest.raises(KeyError):
        load("bethesda").category("CIN3")


@pytest.mark.parametrize(
    ("categories", "problem"),
    [
        (ONE.format("n", 0) + ONE.format("m", 0), "severities"),
        (ONE.format("n", 1), "severities"),
        (ONE.format("n", 0) + ONE.format("m", 16), "severities"),
        (ONE.format("n", 0) + ONE.format("n", 1), "names"),
        (ONE.format("x", 0), "names"),
    ],
)
def test_a_file_with_a_name_or_severity_twice_is_refused(categories: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        parse("new", (HEAD + categories).encode())
    assert parse("new", (HEAD + ONE.format("n", 0)).encode()).negative.name == "n"


def test_evidence_counts_every_severity_that_a_system_may_use() -> None:
    assert SEVERITIES == MAX_SEVERITY + 1


def test_high_grade_is_what_one_finding_asks_a_review_for() -> None:
    high = [category.name for category in load("bethesda").categories if category.is_high_grade]
    assert high == ["ASC-H", "HSIL", "SCC", "AIS", "adenocarcinoma"]


@pytest.mark.parametrize(
    ("name", "specimen", "known"),
    [("paris", "urine", ("AUC", "HGUC")), ("international", "effusion", ("AUS", "MAL"))],
)
def test_a_negative_slide_has_its_systems_own_name_and_cells(
    slide: Callable[..., Summary], name: str, specimen: str, known: tuple[str, ...]
) -> None:
    found = load(name)
    basis = {
        "system": name,
        "specimens": (specimen,),
        "categories": tuple(CategoryNumbers(each, 5_000, 6, 2) for each in known),
        "categories_of_classes": (found.negative.name, *known),
        "identities": (("categories", found.identity),),
    }
    verdict = decide(slide(basis=basis, opening={"specimen": specimen}))
    assert (verdict.outcome, verdict.category) == ("category", found.negative.name)
    assert f"enough {found.cells}" in verdict.reasons[0].text
    assert set(found.beyond) <= set(verdict.not_assessed)


def test_i3_a_specimen_that_the_system_does_not_report_has_no_verdict(
    slide: Callable[..., Summary],
) -> None:
    basis = {"specimens": ("cervical", "urine")}  # a card that claims more than its system
    verdict = decide(slide(basis=basis, opening={"specimen": "urine"}))
    assert (verdict.outcome, verdict.category) == ("incomplete", None)
    assert decide(slide(basis=basis)).category == "NILM"
