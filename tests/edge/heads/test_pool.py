"""Heads over bags: whatever came and went, the logits are those of the bag that is left."""

import random

import numpy as np
import pytest

from edge.evidence.bag import BAG_A_CLASS
from edge.evidence.fold import Evidence, fold
from edge.heads.head import CELL_ONE, LOGIT_ONE, WIDTH, Head, Kind
from edge.heads.pool import NO_CELLS, Key, Pool
from edge.slide.record import Image, Record, Row, Withdrawal
from edge.verdict.decide import decide
from edge.verdict.verdict import to_json
from tests.edge.heads.made import CLASSES, arrays, bag_of, embedded, seeded_head
from tests.properties.oracle import Oracle
from tests.properties.slides import grid, opening, packed, random_slide, record, seeded

HEADS = [seeded_head(kind) for kind in Kind]


def batch(head: Head, bag: dict[Key, bytes]) -> tuple[int, ...]:
    """A fresh pool over the whole bag."""
    pool = Pool(head)
    pool.take(bag)
    return pool.logits()


def keys(evidence: Evidence) -> list[Key]:
    return [(entry.image, entry.finding) for entry in evidence.bag()]


@pytest.mark.parametrize("kind", Kind)
def test_i1_streamed_equals_batch_bit_for_bit_for_1000_random_bags_with_evictions(
    kind: Kind,
) -> None:
    chance, evicted, empty = random.Random(7), 0, 0  # noqa: S311
    for seed in range(1_000):
        head = seeded_head(kind, seed % 10)
        cells = [(Image(f, 1 + f % 2, 0), i) for f in range(4) for i in range(chance.randint(0, 3))]
        pool, bag = Pool(head), dict[Key, bytes]()
        for _ in range(6):
            went = [key for key in bag if chance.random() < 0.4]
            evicted += len(went)
            for key in went:
                del bag[key]
            bag |= bag_of(chance.sample(cells, chance.randint(0, len(cells))))
            pool.take(bag)
        if chance.random() < 0.05:
            pool.take(bag := {})
        empty += not bag
        shuffled = chance.sample(list(bag), len(bag))
        assert pool.logits() == batch(head, bag_of(shuffled))
        assert (pool.says() == NO_CELLS) == (not bag)
    assert evicted > 3_000
    assert empty > 30


def embeddings(rows: list[Row]) -> dict[Key, bytes]:
    return {
        (row.image, crop.finding): crop.embedding
        for row in map(embedded, rows)
        if isinstance(row, Record)
        for crop in row.crops
    }


def test_i1_a_bag_follows_withdrawals_and_takeovers_and_gives_the_logits_of_one_batch() -> None:
    lost_cells = changed_hands = 0
    for seed in range(40):
        slide, chance = random_slide(seeded(seed)), seeded(seed)
        rows = chance.sample(slide.rows, len(slide.rows))
        cells = embeddings(rows)
        evidence, pools = Evidence(slide.opening), [Pool(head) for head in HEADS]
        before: set[Key] = set()
        for row in rows:
            evidence.add(row)
            bag = {key: cells[key] for key in keys(evidence)}
            lost_cells += len(before - set(bag))
            changed_hands += bool(before - set(bag)) and isinstance(row, Record)
            before = set(bag)
            for pool in pools:
                pool.take(bag)
        whole = Evidence(slide.opening)
        for row in slide.rows:
            whole.add(row)
        assert keys(whole) == keys(evidence)
        left = {key: cells[key] for key in keys(whole)}
        assert [pool.logits() for pool in pools] == [batch(head, left) for head in HEADS]
    assert lost_cells > 150
    assert changed_hands > 20


def test_a_bag_is_the_best_counted_findings_of_each_class_that_have_a_crop() -> None:
    many = 0
    for seed in range(15):
        slide = random_slide(seeded(seed))
        evidence = Evidence(slide.opening)
        for row in slide.rows:
            evidence.add(row)
        oracle = Oracle(slide.rows)
        crops = {row.image: {c.finding for c in row.crops} for row in slide.records}
        shown = [one for one in oracle.counted() if one.index in crops[one.image]]
        ranked = sorted(shown, key=lambda one: (-one.finding.class_, *one.rank), reverse=True)
        assert keys(evidence) == [(one.image, one.index) for one in ranked]
        many += len(ranked)
    assert many > 100


def test_a_bag_is_bounded_for_each_class_and_filled_up_when_better_cells_go() -> None:
    plan = grid(3, 1, 400_000, 400_000, 20_000)
    evidence = Evidence(opening(plan))
    for planned in plan.fields:
        place = plan.rectangle(planned.field)
        cells = [
            (planned.x_nm + 2_000 * (i % 8), planned.y_nm + 2_000 * (i // 8), 900, i % 2, score)
            for i, score in enumerate(range(9_000 - 10 * planned.field, 8_870, -1))
        ]
        evidence.add(record(Image(planned.field, 1, 0), place, packed(*cells)))
    full = evidence.bag()
    assert len(full) == 2 * BAG_A_CLASS
    evidence.add(Withdrawal(full[0].image.field, 1))
    left = evidence.bag()
    assert len(left) == 2 * BAG_A_CLASS
    assert {entry.image for entry in left} < {entry.image for entry in full}


def test_the_three_forms_are_the_mean_the_maximum_and_the_attention_weighted_mean() -> None:
    bag = bag_of([(Image(field, 1, 0), i) for field in range(9) for i in range(5)])
    cells = np.array([np.frombuffer(each, "<i2") for each in bag.values()]) / CELL_ONE
    for kind in Kind:
        body = arrays(kind)
        logits = cells @ body["weights"].T + body["bias"]
        expected = logits.max(axis=0) if kind is Kind.MAX else logits.mean(axis=0)
        if kind is Kind.GATED_ATTENTION:
            gate = np.tanh(cells @ body["gate_tanh"].T + body["gate_tanh_bias"])
            gate /= 1 + np.exp(-(cells @ body["gate_sigmoid"].T + body["gate_sigmoid_bias"]))
            weights = np.exp(gate @ body["attention"])
            expected = weights @ logits / weights.sum()
            assert np.abs(expected - logits.mean(axis=0)).max() > 0.1
        said = np.array(batch(seeded_head(kind), bag)) / LOGIT_ONE
        assert np.allclose(said, expected, rtol=0, atol=0.01)


@pytest.mark.parametrize("kind", Kind)
def test_an_empty_bag_is_no_cells_and_never_a_class(kind: Kind) -> None:
    pool = Pool(seeded_head(kind))
    assert (pool.logits(), pool.says()) == ((), NO_CELLS)
    pool.take(bag_of([(Image(0, 1, 0), 0)]))
    assert pool.says() in CLASSES
    pool.take({})
    assert (pool.logits(), pool.says()) == ((), NO_CELLS)


def test_what_is_no_embedding_is_an_error_and_no_cell() -> None:
    with pytest.raises(ValueError, match=f"63 numbers instead of {WIDTH}"):
        Pool(HEADS[0]).take({(Image(0, 1, 0), 0): bytes(126)})


def test_i12_embeddings_change_nothing_of_a_verdict() -> None:
    for seed in range(20):
        slide = random_slide(seeded(seed))
        bare, one, other = (
            to_json(decide(fold(rows)))
            for rows in (
                slide.rows,
                [*map(embedded, slide.rows)],
                [embedded(r, 1) for r in slide.rows],
            )
        )
        assert bare == one == other
