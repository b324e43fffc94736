import re
from pathlib import Path

import pytest

from engines.card import SHIPPED, read
from engines.detector import BadModel

PUBLIC = """\
[[tables]]
source = "public"
slides = "3 public slides"
negative_slides = 3
slides_for_review = 0
reference_area_um2 = 1_000_000

[[tables.categories]]
category = "HSIL"
threshold = 9_000
category_from = 4
review_from = 1

"""
TABLE = r'^\[\[tables\]\]\nsource = "{}"\n(?:(?!\[(?!\[tables\.)).*\n)*'


def card(folder: Path, *changes: tuple[str, str]) -> Path:
    """A copy of the shipped card with a table `public` before the others; regular expressions."""
    text = (SHIPPED / "card.toml").read_text()
    (rendered,) = re.findall(TABLE.format("rendered"), text, re.MULTILINE)
    text = re.sub(TABLE.format("public"), "", text, flags=re.MULTILINE)
    text = text.replace(rendered, PUBLIC + rendered)
    for pattern, by in changes:
        text, count = re.subn(pattern, by, text, count=1, flags=re.MULTILINE)
        assert count == 1, pattern
    (folder / "card.toml").write_text(text)
    return folder


def test_a_card_has_one_table_a_source(tmp_path: Path) -> None:
    public, rendered = read(card(tmp_path)).tables
    assert (public.source, public.negative_slides, public.adequacy) == ("public", 3, ())
    assert public.categories[0].model_dump() == {
        "category": "HSIL", "threshold": 9_000, "category_from": 4, "review_from": 1,
    }  # fmt: skip
    assert rendered.source == "rendered"
    assert rendered.seeds
    assert rendered.adequacy[0].preparation == "thinprep"


@pytest.mark.parametrize(
    ("pattern", "by", "key", "problem"),
    [
        ("^threshold = .*$", "threshold = 10_001", "tables.0.categories.0.threshold", "10000"),
        ("^threshold = .*$", "", "tables.0.categories.0.threshold", "required"),
        ("^review_from = .*$", "review_from = 0", "tables.0.categories.0.review_from", "1"),
        ("^review_from = .*$", "review_from = 5", "tables.0.categories.0", "under review_from"),
        ("^source = .*$", 'source = "guessed"', "tables.0.source", "'rendered'"),
        ("^source = .*$", 'source = "rendered"', "tables", "one table a source"),
        ('^source = "rendered"$', 'source = "site"', "tables", "source is 'rendered'"),
        ("^slides_for_review = .*$", "slides_for_review = 4", "tables.0", "over negative_slides"),
        ("^negative_slides = .*$", "negative_slides = -1", "tables.0.negative_slides", "0"),
        ("^reference_area_um2 = .*$", "", "tables.0.reference_area_um2", "required"),
        ("^seeds = ", "seed = 1\nseeds = ", "tables.1.seed", "not permitted"),
        ("^minimum = .*$", "minimum = 5.0", "tables.1.adequacy.0.minimum", "integer"),
    ],
)
def test_a_wrong_number_is_refused_by_its_key(
    tmp_path: Path, pattern: str, by: str, key: str, problem: str
) -> None:
    with pytest.raises(BadModel, match=problem) as refused:
        read(card(tmp_path, (pattern, by)))
    assert refused.value.key == f"{tmp_path / 'card.toml'}: {key}"
    assert refused.value.value
    assert refused.value.remedy


def test_without_negative_slides_one_finding_must_ask_for_a_review(tmp_path: Path) -> None:
    none = ("^negative_slides = 3$", "negative_slides = 0")
    assert read(card(tmp_path, none)).tables[0].negative_slides == 0
    with pytest.raises(BadModel, match="every review_from must be 1"):
        read(card(tmp_path, none, ("^review_from = 1$", "review_from = 2")))


@pytest.mark.parametrize(
    ("pattern", "by", "problem"),
    [
        (
            r"^(\[\[tables.categories\]\]\n(?:.+\n)+)",
            r"\1\n\1",
            "a category is named twice",
        ),
        (
            r"^(\[\[tables.adequacy\]\]\n(?:.+\n)+)",
            r"\1\n\1",
            "a preparation is named twice",
        ),
    ],
)
def test_a_name_stands_once_in_a_table(tmp_path: Path, pattern: str, by: str, problem: str) -> None:
    with pytest.raises(BadModel, match=problem):
        read(card(tmp_path, (pattern, by)))
