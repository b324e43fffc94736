"""Random histories of a driver that is cut off, restarts and repeats itself."""

import random

import pytest

from drivers.scanner.messages import Committed, SlideClosed
from edge.slide.record import Closing
from tests.edge.intake.bench_desk import BenchDesk, manifest_of

FIELDS = 6


@pytest.mark.parametrize("seed", range(60))
def test_i2_every_image_is_judged_once_whatever_happens_on_the_way(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  # a test's chance
    desk = BenchDesk(window=3)
    peer, session = "p0", desk.hello("p0")
    desk.open(peer, session, fields=FIELDS)
    desk.work()
    judged: list[int] = []
    for n in range(200):
        step = chance.choice(["field", "field", "field", "work", "cut", "withdraw"])
        if step == "field":
            before = len(desk.jobs)
            field = chance.randrange(FIELDS)
            desk.field(peer, session, field)
            judged += [field] * (len(desk.jobs) - before)
        elif step == "work":
            desk.work(count=chance.randrange(1, 4))
        elif step == "cut":
            peer = f"p{n + 1}"
            session = desk.hello(peer)
            desk.open(peer, session, fields=FIELDS)
        elif chance.random() < 0.05:
            field = chance.randrange(FIELDS)
            desk.say(peer, type="withdraw", session=session, slide="s", field=field, capture=1)
    desk.work()
    book = desk.desk.books["s"]
    told = {m.field for sent in desk.sent.values() for m in sent if isinstance(m, Committed)}
    assert len(judged) == len(set(judged))
    assert {image.field for image in book.images} == set(judged) >= told
    assert not desk.in_hand
    assert desk.desk.in_hand == desk.desk.in_hand_bytes == 0
    manifest = manifest_of(book).model_dump_json().encode()
    desk.say(peer, manifest, type="close_slide", session=session, slide="s")
    desk.work()
    assert isinstance(desk.sent[peer][-1], SlideClosed)
    assert sum(isinstance(row, Closing) for row in desk.rows) == 1
