import re
from pathlib import Path

import pytest

from engines.card import SHIPPED, load
from engines.detector import BadModel


def rewrite(folder: Path, pattern: str, by: str) -> None:
    card = folder / "card.toml"
    text, changes = re.subn(pattern, by, card.read_text(), count=1, flags=re.MULTILINE)
    assert changes == 1
    card.write_text(text)


def test_the_shipped_card_is_whole() -> None:
    card = load(SHIPPED)
    assert card.classes == ("none", "NILM", "ASC-US", "LSIL", "ASC-H", "HSIL", "SCC")
    assert card.categories_of_classes == ("NILM", *card.classes[1:])
    assert (card.pm_per_px, card.crop_pm_per_px) == (500_000, 250_000)
    assert (card.crop_px, card.folder) == (96, SHIPPED)
    assert "rendered" in {table.source for table in card.tables}
    assert "CC BY 4.0" in {source.licence for source in card.training.data}


def test_a_slide_keeps_to_both_networks(folder: Path) -> None:
    card = load(folder)
    for network in ("locator", "grader"):
        hashes = card.hashes.model_copy(update={network: "0" * 64})
        assert card.model_copy(update={"hashes": hashes}).networks != card.networks


def test_a_change_of_the_card_changes_its_identity(folder: Path) -> None:
    before = load(folder).identity
    rewrite(folder, "^name = ", "# a remark\nname = ")
    assert load(folder).identity != before


def test_the_shipped_model_is_small() -> None:
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) < 10_000_000


@pytest.mark.parametrize(
    "file", ["card.toml", "locator.onnx", "grader.onnx", "golden.png", "golden.json"]
)
def test_an_absent_file_is_named(folder: Path, file: str) -> None:
    (folder / file).unlink()
    with pytest.raises(BadModel) as refused:
        load(folder)
    assert refused.value.key == str(folder / file)
    assert refused.value.remedy


@pytest.mark.parametrize("file", ["locator.onnx", "grader.onnx", "golden.png", "golden.json"])
def test_one_changed_byte_is_found(folder: Path, file: str) -> None:
    content = bytearray((folder / file).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / file).write_bytes(content)
    with pytest.raises(BadModel, match="was changed") as refused:
        load(folder)
    assert refused.value.key == str(folder / file)


@pytest.mark.parametrize(
    ("pattern", "by", "key"),
    [
        ("^name = .*$", "", "name"),
        ("^name = .*$", "name = 7", "name"),
        ("^name = ", "nmae = 1\nname = ", "nmae"),
        ("^box_nm = .*$", "box_nm = 12.5", "box_nm"),
        ("^min_score = .*$", "min_score = 10_001", "min_score"),
        ("^tile_px = .*$", "tile_px = [1024, 1230]", "card"),
        ("^largest_box_nm = .*$", "largest_box_nm = 1", "card"),
        ("^categories_of_classes = .*$", 'categories_of_classes = ["NILM"]', "card"),
        ("^threshold = .*$", "threshold = -1", "tables.0.categories.0.threshold"),
        ("^review_from = .*$", "review_from = 0", "tables.0.categories.0.review_from"),
        ("^locator = .*$", 'locator = "abc"', "hashes.locator"),
        ("^grader = .*$", "", "hashes.grader"),
        ("^classes = .*none..", 'classes = ["NONE", ', "card"),
        ("^crop_pm_per_px = .*$", "crop_pm_per_px = 240_000", "card"),
        ("^min_candidate = .*$", "min_candidate = 0.3", "min_candidate"),
        ("^batch = .*$", "batch = 0", "batch"),
        ("^name = ", 'folder = "/"\nname = ', "folder"),
    ],
)
def test_a_wrong_key_is_named_with_its_value(folder: Path, pattern: str, by: str, key: str) -> None:
    rewrite(folder, pattern, by)
    with pytest.raises(BadModel) as refused:
        load(folder)
    assert refused.value.key == f"{folder / 'card.toml'}: {key}"
    assert refused.value.value
    assert refused.value.problem
    assert refused.value.remedy


@pytest.mark.parametrize("text", [b"name =", b"\xff", b"name = 2026-01-01"])
def test_what_is_no_card_is_refused(folder: Path, text: bytes) -> None:
    (folder / "card.toml").write_bytes(text)
    with pytest.raises(BadModel):
        load(folder)
