import shutil
from pathlib import Path

import pytest

from engines.card import CARD, LOCATOR, ModelCard, load
from engines.detector import BadModel
from engines.installed import CHAIN, Installed


@pytest.fixture
def site(tmp_path: Path) -> Installed:
    return Installed(tmp_path / "models")


@pytest.fixture
def other(folder: Path) -> ModelCard:
    """The same networks, another card."""
    card = folder / CARD
    card.write_text(card.read_text().replace('name = "tiny"', 'name = "other"', 1))
    return load(folder)


def installed(site: Installed, card: ModelCard) -> Path:
    return site.install(card.folder, card.sha256).folder


def test_what_is_installed_is_a_whole_copy_that_does_not_serve_yet(
    site: Installed, card: ModelCard
) -> None:
    copy = site.install(card.folder, card.sha256[:12])
    assert copy.sha256 == card.sha256
    assert site.models() == [copy.folder]
    assert site.active() is None


def test_models_serve_in_the_order_of_activation_and_go_back(
    site: Installed, card: ModelCard, other: ModelCard
) -> None:
    first, second = installed(site, card), installed(site, other)
    site.activate(first)
    site.activate(second)
    assert site.active() == second
    assert site.roll_back() == first
    assert site.active() == first
    assert site.roll_back() is None
    assert site.active() is None
    with pytest.raises(BadModel, match="serves already"):
        site.roll_back()


@pytest.mark.parametrize("sha256", ["", "0" * 64, "abc", "../../../etc"])
def test_another_hash_than_the_makers_is_refused(
    site: Installed, card: ModelCard, sha256: str
) -> None:
    with pytest.raises(BadModel, match="hash="):
        site.install(card.folder, sha256)
    assert site.models() == []


def test_a_changed_file_is_refused(site: Installed, folder: Path) -> None:
    sha256 = load(folder).sha256
    (folder / LOCATOR).write_bytes((folder / LOCATOR).read_bytes()[:-1])
    with pytest.raises(BadModel, match="was changed"):
        site.install(folder, sha256)


def test_installing_again_changes_nothing(site: Installed, card: ModelCard) -> None:
    assert installed(site, card) == installed(site, card)
    assert len(list(site.folder.iterdir())) == 1


def test_a_model_that_is_gone_is_not_replaced_in_silence(site: Installed, card: ModelCard) -> None:
    folder = installed(site, card)
    site.activate(folder)
    shutil.rmtree(folder)
    with pytest.raises(BadModel, match="names no one of: none"):
        site.active()


@pytest.mark.parametrize("text", ["", "{}", "[1, 2]", '[""]', "nonsense"])
def test_a_damaged_choice_is_not_replaced_in_silence(site: Installed, text: str) -> None:
    site.folder.mkdir()
    (site.folder / CHAIN).write_text(text)
    with pytest.raises(BadModel, match="Remove that file"):
        site.active()
