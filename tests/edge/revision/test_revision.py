"""What people may say of a slide, and when one reader is not enough."""

from typing import Any

import pytest

from drivers.scanner.messages import Revise
from edge.revision.concordance import concordance
from edge.revision.revision import Revision, read
from edge.revision.signing import Because, Case, Drawing, Stage, refusal
from edge.revision.zones import Zone, order, zone

NEVER, ALWAYS = Drawing(0, "s"), Drawing(100, "s")


def verdict(category: str | None = "NILM", **changed: Any) -> dict[str, Any]:
    outcome = "category" if category else changed.pop("outcome", "review")
    made: dict[str, Any] = {
        "outcome": outcome,
        "category": category,
        "not_excluded": [],
        "announcement": {"announced": []},
        "system": "bethesda",
    }
    return made | changed


def said(number: int, who: str, says: str, act: str = "judge", **changed: Any) -> Revision:
    fields: dict[str, Any] = {
        "slide": "S", "revision": number, "follows": number - 1, "verdict_hash": "0" * 64,
        "act": act, "says": says, "reason": "agrees", "text": "", "person": who,
        "role": "cytologist", "blind": False, "seconds": None, "at_us": 0,
    }  # fmt: skip
    return Revision(**(fields | changed))


def case(*revisions: Revision, of: dict[str, Any] | None = None, drawing: Drawing = NEVER) -> Case:
    newest = max((each.revision for each in revisions), default=1)
    return Case("S", of or verdict(), revisions, newest, drawing)


def wish(of: Case, says: str, act: str = "judge", **changed: Any) -> Revise:
    fields: dict[str, Any] = {
        "id": "t", "slide": "S", "follows": of.newest, "act": act, "says": says,
        "reason": "agrees", "person": "anna", "role": "cytologist",
    }  # fmt: skip
    return Revise(**(fields | changed))


def key(of: Case, wished: Revise) -> str | None:
    found = refusal(of, wished)
    return None if found is None else found.key


def test_a_revision_is_read_back_as_it_was_written() -> None:
    one = said(2, "anna", "LSIL", text="ä\n<b>", seconds=3)
    assert read(one.to_json()) == one


def test_one_reader_is_enough_for_a_negative_slide_that_is_not_drawn() -> None:
    assert case().stage is Stage.UNREAD
    read_once = case(said(2, "anna", "NILM"))
    assert (read_once.stage, read_once.second_because) == (Stage.READY, None)
    assert key(read_once, wish(read_once, "NILM", "sign")) is None


@pytest.mark.parametrize(
    ("machine", "says", "drawing", "because"),
    [
        (verdict("HSIL"), "HSIL", NEVER, Because.HIGH_GRADE),
        (verdict("NILM"), "SCC", NEVER, Because.HIGH_GRADE),
        (verdict(None, not_excluded=["ASC-H"]), "NILM", NEVER, Because.HIGH_GRADE),
        (verdict("NILM"), "LSIL", NEVER, Because.DISCORDANCE),
        (verdict(None, outcome="unsatisfactory"), "NILM", NEVER, Because.DISCORDANCE),
        (verdict("NILM"), "NILM", ALWAYS, Because.SHARE),
    ],
)
def test_a_second_reader_is_asked_for_by_rule(
    machine: dict[str, Any], says: str, drawing: Drawing, because: Because
) -> None:
    one = case(said(2, "anna", says), of=machine, drawing=drawing)
    assert (one.second_because, one.stage) == (because, Stage.SECOND)
    reason = {"reason": "other", "text": "x"}
    assert key(one, wish(one, says, "sign", **reason)) == "act"
    same = case(said(2, "anna", says), said(3, "anna", says), of=machine, drawing=drawing)
    assert same.stage is Stage.SECOND, "the same person twice is one reader"
    two = case(said(2, "anna", says), said(3, "bert", says), of=machine, drawing=drawing)
    assert two.stage is Stage.READY
    assert key(two, wish(two, says, "sign", **reason)) is None


def test_readers_who_differ_must_agree_before_anybody_signs() -> None:
    first, second = said(2, "anna", "HSIL"), said(3, "bert", "LSIL")
    differ = case(first, second, of=verdict("HSIL"))
    assert differ.stage is Stage.DISCORDANT
    assert key(differ, wish(differ, "HSIL", "sign")) == "act"
    agreed = case(first, second, said(4, "bert", "HSIL"), of=verdict("HSIL"))
    assert agreed.stage is Stage.READY


def test_the_drawn_share_is_as_large_as_set_and_always_the_same() -> None:
    drawing = Drawing(10, "seed")
    drawn = [name for name in map(str, range(4_000)) if drawing.holds(name)]
    assert 320 < len(drawn) < 480
    assert drawn == [name for name in map(str, range(4_000)) if Drawing(10, "seed").holds(name)]
    assert not any(map(NEVER.holds, drawn))
    assert all(map(ALWAYS.holds, map(str, range(100))))


@pytest.mark.parametrize("role", ["viewer", "operator", "technician", "administrator"])
def test_only_cytologists_judge(role: str) -> None:
    assert key(case(), wish(case(), "NILM", role=role)) == "role"


def test_who_saw_an_older_revision_or_says_nonsense_is_refused() -> None:
    one = case(said(2, "bert", "NILM"))
    assert key(one, wish(one, "NILM", follows=1)) == "follows"
    assert key(one, wish(one, "CIN 3")) == "says"
    assert key(one, wish(one, "unsatisfactory", reason="cellularity", text="three cells")) is None


def test_a_difference_from_the_machine_needs_a_reason_and_words() -> None:
    one = case()
    assert key(one, wish(one, "LSIL")) == "reason"
    assert key(one, wish(one, "LSIL", reason="undercalled", text="  ")) == "text"
    assert key(one, wish(one, "LSIL", reason="undercalled", text="koilocytes")) is None
    left_open = case(of=verdict(None, outcome="incomplete"))
    assert key(left_open, wish(left_open, "LSIL")) is None


def test_who_judged_blind_gives_the_reason_when_they_sign() -> None:
    one = case()
    assert key(one, wish(one, "LSIL", reason="blind", blind=True)) is None
    blind = said(2, "anna", "LSIL", reason="blind", blind=True)
    two = case(blind, said(3, "bert", "LSIL"))
    assert key(two, wish(two, "LSIL", "sign", reason="blind")) == "reason"
    assert key(two, wish(two, "LSIL", "sign", reason="undercalled", text="x")) is None


def test_nobody_signs_what_they_did_not_judge() -> None:
    one = case(said(2, "bert", "NILM"))
    assert key(one, wish(one, "NILM", "sign")) == "says"


def test_an_amendment_has_a_reason_and_begins_a_new_round() -> None:
    signed = case(said(2, "anna", "NILM"), said(3, "anna", "NILM", "sign"))
    assert (signed.stage, signed.signed is not None) == (Stage.SIGNED, True)
    assert key(signed, wish(signed, "NILM")) == "reason"
    assert key(signed, wish(signed, "NILM", "sign")) == "says"
    amended = case(*signed.revisions, said(4, "anna", "LSIL", reason="correction", text="x"))
    assert amended.stage is Stage.SECOND
    assert amended.signed is not None
    assert amended.signed.says == "NILM", "until it is signed, the old result stands"


@pytest.mark.parametrize(
    ("machine", "expected"),
    [
        (verdict("HSIL"), Zone.URGENT),
        (verdict(None, not_excluded=["SCC"]), Zone.URGENT),
        (verdict("NILM", announcement={"announced": [{"category": "HSIL"}]}), Zone.URGENT),
        (verdict(None, outcome="incomplete", not_excluded=["HSIL"]), Zone.URGENT),
        (verdict("LSIL"), Zone.SUSPICIOUS),
        (verdict(None, not_excluded=["ASC-US"]), Zone.SUSPICIOUS),
        (verdict(None), Zone.AMBIGUOUS),
        (verdict(None, outcome="unsatisfactory"), Zone.AMBIGUOUS),
        (verdict("NILM"), Zone.NEGATIVE),
        (verdict(None, outcome="incomplete"), Zone.TECHNICAL),
    ],
)
def test_each_verdict_has_its_zone(machine: dict[str, Any], expected: Zone) -> None:
    assert zone(machine) is expected


def test_the_worst_comes_first_then_the_longest_waiting() -> None:
    cases = [(verdict("NILM"), 1), (verdict("HSIL"), 9), (verdict("SCC"), 10), (verdict("SCC"), 3)]
    waiting = sorted(cases, key=lambda each: order(*each))
    assert [(v["category"], at) for v, at in waiting] == [
        ("SCC", 3), ("SCC", 10), ("HSIL", 9), ("NILM", 1),
    ]  # fmt: skip


def test_kappa_is_cohens() -> None:
    # Cohen 1960's own kind of table: 45 and 15 agree, 25 and 15 differ: kappa 0.1304.
    pairs = [("a", "a")] * 45 + [("a", "b")] * 15 + [("b", "a")] * 25 + [("b", "b")] * 15
    found = concordance(pairs, ["b", "a", "never said"])
    assert found.names == ["b", "a"]
    assert found.matrix == [[15, 25], [15, 45]]
    assert (found.slides, found.agreed) == (100, 60)
    assert found.kappa == pytest.approx(0.1304, abs=1e-4)
    assert concordance([], ["a"]).kappa is None
    assert concordance([("a", "a")], ["a"]).kappa is None
