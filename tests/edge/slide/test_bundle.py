"""A bundle counts only whole, signed by two, in a chain without gaps; else there is none."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from edge.slide.bundle import (
    DAY_US,
    Activation,
    InForce,
    NoCalibration,
    against,
    bundle,
    days_left,
    hash_of,
    in_force,
    sign,
)

KEYS = {
    name: Ed25519PrivateKey.from_private_bytes(name.encode().ljust(32))
    for name in ("ada", "bo", "eve")
}
SIGNERS = {n: k.public_key().public_bytes_raw().hex() for n, k in KEYS.items() if n != "eve"}
MADE = 1_000 * DAY_US


def body(version: int, **changes: object) -> dict[str, Any]:
    return {
        "version": version,
        "camera_serial": "C1",
        "objective": "20x O7",
        "pm_per_px": 250_100,
        "registration_nm": 900,
        "made_at_us": MADE,
        "valid_until_us": MADE + 90 * DAY_US,
        "operator": "ada",
        "software": "cytoedge",
        "targets": [],
        "steps": {},
        "files": {},
    } | changes


class Chain:
    """Bundles and activations as they lie on disk."""

    def __init__(self) -> None:
        self.bundles: dict[str, bytes] = {}
        self.activations: list[bytes] = []
        self.head = ""

    def add(self, content: dict[str, Any], by: str = "ada") -> str:
        self.bundles[hash_of(content)] = sign(content, by, KEYS[by])
        return hash_of(content)

    def act(self, action: Any, name: str, by: str = "bo") -> None:
        statement = Activation(
            action=action,
            sequence=len(self.activations) + 1,
            bundle=name,
            previous=self.head,
            at_us=MADE,
        ).model_dump()
        self.activations.append(sign(statement, by, KEYS[by]))
        self.head = hash_of(statement)

    def now(self) -> InForce | None:
        return in_force(self.bundles, self.activations, SIGNERS)


def two() -> tuple[Chain, str, str]:
    chain = Chain()
    first, second = chain.add(body(1)), chain.add(body(2))
    chain.act("activate", first)
    chain.act("activate", second)
    return chain, first, second


def test_the_last_activation_is_in_force_and_a_rollback_goes_back() -> None:
    chain, first, second = two()
    now = chain.now()
    assert now is not None
    assert (now.bundle.sha256, now.highest) == (second, 2)
    chain.act("rollback", first)
    now = chain.now()
    assert now is not None
    assert (now.bundle.sha256, now.highest, now.activated_by) == (first, 2, "bo")
    assert Chain().now() is None


@given(at=st.integers(0, 10_000), change=st.integers(1, 255))
def test_an_edited_byte_is_seen(at: int, change: int) -> None:
    content = bytearray(sign(body(1), "ada", KEYS["ada"]))
    at %= len(content)
    content[at] ^= change
    with pytest.raises(NoCalibration):
        bundle(bytes(content), SIGNERS)


def test_what_breaks_the_chain_leaves_no_calibration() -> None:
    def broken(what: str) -> None:
        with pytest.raises(NoCalibration, match=what):
            chain.now()

    chain, first, second = two()
    chain.bundles[second] = chain.bundles[first]
    broken("exchanged")
    chain, first, second = two()
    del chain.bundles[second]
    broken("not there")
    chain, _, _ = two()
    del chain.activations[0]
    broken("does not follow")
    chain, first, second = two()
    chain.act("activate", first)
    broken("not above")
    chain, first, second = two()
    chain.act("rollback", second)
    broken("not below")
    chain = Chain()
    chain.act("activate", chain.add(body(1)), by="ada")
    broken("another person")
    chain = Chain()
    chain.act("activate", chain.add(body(1), by="eve"))
    broken("do not name")
    chain = Chain()
    chain.act("activate", chain.add(body(1)), by="eve")
    broken("do not name")
    chain = Chain()
    forged = json.loads(sign(body(1), "eve", KEYS["eve"])) | {"signer": "ada"}
    chain.bundles[hash_of(body(1))] = json.dumps(forged).encode()
    chain.act("activate", hash_of(body(1)))
    broken("edited")


@pytest.mark.parametrize(
    ("camera", "objective", "pm_per_px", "day", "expected"),
    [
        ("C1", "20x O7", 250_000, 1, "fits"),
        ("C2", "20x O7", 250_000, 1, "foreign"),
        ("C1", "40x O9", 250_000, 1, "foreign"),
        ("C1", "", 250_000, 1, "foreign"),
        ("C1", "20x O7", 125_000, 1, "foreign"),
        ("C1", "20x O7", 250_000, 90, "expired"),
        ("C1", "20x O7", 250_000, -1, "expired"),
    ],
)
def test_a_bundle_is_for_one_scanner_and_one_time(
    camera: str, objective: str, pm_per_px: int, day: int, expected: str
) -> None:
    found = bundle(sign(body(1), "ada", KEYS["ada"]), SIGNERS)
    assert against(found, camera, objective, pm_per_px, MADE + day * DAY_US)[0] == expected


def test_the_end_is_told_at_30_7_and_1_days() -> None:
    found = bundle(sign(body(1), "ada", KEYS["ada"]), SIGNERS)
    left = [days_left(found, MADE + (90 - days) * DAY_US) for days in (31, 30, 8, 7, 2, 1)]
    assert left == [None, 30, 30, 7, 7, 1]
