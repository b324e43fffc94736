import re
import shutil
from pathlib import Path

import pytest

from engines.card import CARD, ModelCard, read
from engines.detector import BadModel
from engines.tables import Adequacy, Announcing, Category, Table
from engines.tables_toml import replaced, written

PUBLIC = Table(
    source="public",
    slides='3 "public" slides',
    negative_slides=3,
    slides_for_review=0,
    reference_area_um2=1_000_000,
    categories=(Category(category="HSIL", threshold=9_000, category_from=4, review_from=1),),
)
RENDERED = Table(
    source="rendered",
    slides="20 slides",
    seeds="7000-7019",
    negative_slides=20,
    slides_for_review=3,
    reference_area_um2=2_000_000,
    categories=(
        Category(category="LSIL", threshold=9_500, category_from=5, review_from=2),
        Category(category="HSIL", threshold=9_800, category_from=3, review_from=1),
    ),
    adequacy=(
        Adequacy(
            preparation="thinprep",
            minimum=5_000,
            true_per_counted_milli=940,
            true_per_counted_error_milli=20,
            certain_per_counted_milli=900,
            source="20 slides: 0.93 to 0.95\nand\\more",
        ),
    ),
    announcing=(
        Announcing(
            category="LSIL", r_milli=0, b_points=0, odds=21, findings=30, maxima=0, refused="why"
        ),
        Announcing(category="HSIL", r_milli=300, b_points=9_000, odds=21, findings=4, maxima=0),
    ),
)


@pytest.fixture
def folder(card: ModelCard, tmp_path: Path) -> Path:
    """A copy of the tiny model with the tables PUBLIC and RENDERED, in this order."""
    copy = Path(shutil.copytree(card.folder, tmp_path / "model"))
    text = (copy / CARD).read_text()
    head, rest = text.split("[[tables]]", 1)
    tail = rest[rest.index("[training]") :]
    tables = f"{written(PUBLIC)}\n{written(RENDERED)}"
    (copy / CARD).write_text(f"{head}# What the verdicts rest on.\n{tables}\n# The rest.\n{tail}")
    return copy


def test_a_card_has_one_table_a_source_as_it_was_written(folder: Path) -> None:
    assert read(folder).tables == (PUBLIC, RENDERED)


@pytest.mark.parametrize("table", [PUBLIC, RENDERED], ids=lambda table: table.source)
def test_a_table_takes_the_place_of_the_one_of_its_source_and_nothing_else_changes(
    folder: Path, table: Table
) -> None:
    path = folder / CARD
    before = path.read_text()
    new = table.model_copy(update={"slides": "others", "adequacy": (), "announcing": ()})
    path.write_text(replaced(before, new))
    assert {each.source: each for each in read(folder).tables} == {
        "public": PUBLIC,
        "rendered": RENDERED,
        table.source: new,
    }
    assert path.read_text().replace(written(new), "") == before.replace(written(table), "")
    assert replaced(path.read_text(), table) == before


def test_a_new_source_comes_after_the_last_table(folder: Path) -> None:
    path = folder / CARD
    before = path.read_text()
    site = PUBLIC.model_copy(update={"source": "site"})
    path.write_text(replaced(before, site))
    assert read(folder).tables == (PUBLIC, RENDERED, site)
    assert path.read_text().replace("\n" + written(site), "") == before


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
        ('^category = "LSIL"$', 'category = "HSIL"', "tables.1", "a category is named twice"),
    ],
)
def test_a_wrong_number_is_refused_by_its_key(
    folder: Path, pattern: str, by: str, key: str, problem: str
) -> None:
    path = folder / CARD
    text, changes = re.subn(pattern, by, path.read_text(), count=1, flags=re.MULTILINE)
    assert changes == 1
    path.write_text(text)
    with pytest.raises(BadModel, match=problem) as refused:
        read(folder)
    assert refused.value.key == f"{path}: {key}"
    assert refused.value.value
    assert refused.value.remedy


def test_without_negative_slides_one_finding_must_ask_for_a_review(folder: Path) -> None:
    path = folder / CARD
    none = PUBLIC.model_copy(update={"negative_slides": 0})
    path.write_text(replaced(path.read_text(), none))
    assert read(folder).tables[0].negative_slides == 0
    path.write_text(re.sub("review_from = 1", "review_from = 2", path.read_text(), count=1))
    with pytest.raises(BadModel, match="every review_from must be 1"):
        read(folder)
