"""Which of the card's tables a slide rests on, and that its verdict says so."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from drivers.scanner.words import Purpose
from edge.detection.basis import basis
from edge.evidence.summary import Summary
from edge.journal.rows import row, row_bytes
from edge.report import text
from edge.report.model import report
from edge.verdict.decide import decide
from edge.verdict.verdict import to_json
from engines.card import ModelCard
from engines.tables import Source
from tests.edge.verdict.conftest import NEGATIVE, OPENING
from tests.engines import tiny_model

Cards = Callable[..., ModelCard]


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Cards:
    """Makes a card with tables of these sources, each with its own number of negative slides."""
    tiny = tiny_model.make(tmp_path_factory.mktemp("tiny"))

    def made(*sources: Source) -> ModelCard:
        tables = [
            tiny.tables[0].model_copy(update={"source": source, "negative_slides": 20 + number})
            for number, source in enumerate(sources)
        ]
        return tiny.model_copy(update={"tables": tuple(tables)})

    return made


@pytest.mark.parametrize(
    ("sources", "purpose", "table"),
    [
        (("rendered", "public", "site"), Purpose.SIMULATION, "rendered"),
        (("rendered", "public", "site"), Purpose.CLINICAL, "site"),
        (("site", "public", "rendered"), Purpose.SIMULATION, "rendered"),
        (("rendered", "public"), Purpose.CLINICAL, "public"),
        (("rendered", "public"), Purpose.REPLAY, "public"),
        (("rendered", "site"), Purpose.VALIDATION, "site"),
        (("rendered",), Purpose.REPLAY, "rendered"),
        (("rendered",), Purpose.SIMULATION, "rendered"),
    ],
)
def test_a_slide_rests_on_the_table_of_its_purpose(
    card: Cards, sources: tuple[Source, ...], purpose: Purpose, table: str
) -> None:
    found = basis(card(*sources), purpose, {})
    assert found.table == table
    assert found.negative_slides == 20 + sources.index(found.table)


def summary(card: ModelCard, purpose: Purpose) -> Summary:
    numbers = basis(card, purpose, {})
    opening = replace(OPENING, purpose=purpose.value, basis=numbers)
    kept = row(*row_bytes(opening))
    assert kept == opening
    return replace(NEGATIVE, opening=opening)


@pytest.mark.parametrize(
    ("purpose", "table", "negatives"),
    [(Purpose.SIMULATION, "rendered", 20), (Purpose.REPLAY, "public", 21)],
)
def test_i8_a_verdict_names_the_table_that_it_rests_on(
    card: Cards, purpose: Purpose, table: str, negatives: int
) -> None:
    verdict = to_json(decide(summary(card("rendered", "public"), purpose)))
    assert json.loads(verdict)["rests_on"] == {"table": table, "negative_slides": negatives}
    told = text.write(report("S-1", 1, 0, verdict))
    assert f"  thresholds: table {table}, {negatives} negative slides\n" in told
