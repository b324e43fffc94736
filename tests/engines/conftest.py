"""A model that every test of engines may read, and a copy that it may change."""

import shutil
from pathlib import Path

import pytest

from engines.card import ModelCard
from engines.openvino_engine import OpenVinoEngine
from tests.engines import tiny_model


@pytest.fixture(scope="session")
def card(tmp_path_factory: pytest.TempPathFactory) -> ModelCard:
    return tiny_model.make(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def engine(card: ModelCard) -> OpenVinoEngine:
    return OpenVinoEngine(card)


@pytest.fixture
def folder(card: ModelCard, tmp_path: Path) -> Path:
    return Path(shutil.copytree(card.folder, tmp_path / "model"))
