"""Faults, said in words."""

import pytest

from drivers.problem import Refusal
from drivers.sources.faults import FAULTS_HELP, Faults, faults_of


def test_faults_are_understood_together() -> None:
    said = ["defocus=6", "missing=5,7", "skipped=1-3", "frozen=9", "light=1.6", "manifest"]
    said += ["unfocused=4,6", "requests=worse"]
    assert faults_of([*said, "blurred=0.2", "blank=0.1"]) == Faults(
        defocus_um=6,
        blurred=0.2,
        blank=0.1,
        missing=frozenset({5, 7}),
        skipped=frozenset({1, 2, 3}),
        frozen=frozenset({9}),
        unfocused=frozenset({4, 6}),
        requests="worse",
        light=1.6,
        manifest_is_wrong=True,
    )


def test_nothing_said_is_no_fault() -> None:
    assert faults_of([]) == Faults()


def test_what_is_said_comes_beside_the_faults_that_are_there() -> None:
    assert faults_of(["light=1.6"], Faults(blurred=0.4)) == Faults(blurred=0.4, light=1.6)
    assert faults_of(["blurred=0"], Faults(blurred=0.4)) == Faults()


@pytest.mark.parametrize(
    "said",
    [
        "",
        "dust",
        "defocus",
        "defocus=far",
        "light=nan",
        "blank=-1",
        "missing=a",
        "manifest=1",
        "requests=maybe",
    ],
)
def test_what_is_not_understood_is_refused_with_all_that_is(said: str) -> None:
    with pytest.raises(Refusal) as refused:
        faults_of([said])
    assert FAULTS_HELP in str(refused.value)


def test_a_scanner_takes_every_request_or_none() -> None:
    assert Faults().takes == ()
    assert "stop_early" in faults_of(["requests=ignore"]).takes
