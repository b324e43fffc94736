"""I10: nobody unknown gets in, and whoever tries is told of and stands in the chain."""

import contextlib
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from drivers.problem import Refusal
from drivers.scanner.curve import Curve
from drivers.scanner.link import ScannerLink
from drivers.scanner.question import LinkRefused
from drivers.sources.faults import Faults
from drivers.sources.scanner import scan_slide, start
from edge.settings import Endpoints, Settings, checked
from tests.edge.daemon.rig import AT_ONCE, slide
from tests.wire.curved import OLD, Curved, dealer, make, raw

HELLO = {"type": "hello", "id": "h", "v": [1], "driver": "scope", "boot": "b"}


@pytest.fixture(scope="module")
def scope() -> Iterator[tuple[Curved, Curve]]:
    with tempfile.TemporaryDirectory(prefix="ce") as folder:
        rig = make(Path(folder))
        rig.new("nobody")
        empty = rig.start().process
        assert empty is not None
        assert empty.wait(120) == 2, "it started with nobody on its list"
        assert "nobody is on the list" in rig.log
        keys = rig.allowed("scope")
        rig.start().wait_ready()
        yield rig, keys
        assert rig.end() == 0


def test_i10_a_driver_whose_key_is_allowed_scans_and_can_be_none_but_itself(
    scope: tuple[Curved, Curve],
) -> None:
    rig, keys = scope
    source = slide(2)
    account = start(source.facts)
    with ScannerLink(rig.drivers, "scope", on_answer=account.hear, curve=keys) as link:
        scan_slide(link, source, account, pace=AT_ONCE, faults=Faults(), on_progress=print)
    assert account.dispositions.total() == 2
    other = ScannerLink(rig.drivers, "scope-9", curve=keys)
    with pytest.raises(LinkRefused, match="another driver"):
        other.pump(20)
    other.close()
    rig.wait_until(lambda s: s["counts"].get("drivers_other_driver", 0) > 0)
    rig.wait_until(lambda _: ("scope", "drivers", "other_driver") in rig.audited())


def test_i10_strangers_get_nothing_delivered_and_stand_in_the_chain(
    scope: tuple[Curved, Curve],
) -> None:
    rig, _ = scope
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    tool = rig.allowed("console", "tool")
    gone = rig.allowed("old-scope")
    assert rig.keys("revoke", "old-scope").exit_code == 0
    peers = [dealer(context, rig.drivers, keys) for keys in (rig.new("stranger"), gone, tool, None)]
    for peer in peers:
        peer.send(json.dumps(HELLO).encode())
    for said in OLD.values():
        old = raw(rig)
        old.sendall(said)
        with contextlib.suppress(ConnectionResetError):
            while old.recv(4_096):
                pass
        old.close()
    told = {
        ("unknown", "drivers", "unknown_key"),
        ("old-scope", "drivers", "revoked_key"),
        ("console", "drivers", "wrong_role"),
        ("unknown", "drivers", "handshake_failed"),
    }
    rig.wait_until(lambda _: told <= set(rig.audited()))
    context.destroy(0)
    told.add(("unknown", "drivers", "no_greeting"))
    status = rig.wait_until(lambda _: told <= set(rig.audited()))
    assert status["sessions"] == 0
    assert "strangers" in {alert["id"] for alert in status["alerts"]}


def test_i10_a_key_that_is_revoked_has_no_effect_any_more_on_a_live_connection(
    scope: tuple[Curved, Curve],
) -> None:
    rig, _ = scope
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    peer = dealer(context, rig.drivers, rig.allowed("brief"))
    hello = json.dumps(HELLO | {"driver": "brief"}).encode()
    peer.send(hello)
    assert peer.poll(20_000)
    assert json.loads(peer.recv())["type"] == "welcome"
    assert rig.keys("revoke", "brief").exit_code == 0
    rig.wait_until(lambda _: _refused(peer, hello, rig))
    while peer.poll(0):
        peer.recv()
    peer.send(hello)
    assert not peer.poll(1_000)
    context.destroy(0)


def _refused(peer: "zmq.Socket[bytes]", hello: bytes, rig: Curved) -> bool:
    peer.send(hello)
    return ("brief", "drivers", "revoked_key") in rig.audited()


@pytest.mark.parametrize("endpoint", ["tcp://0.0.0.0:5555", "tcp://*:5555", "tcp://192.0.2.7:1"])
def test_i10_a_socket_that_others_can_reach_without_keys_is_refused_at_start(endpoint: str) -> None:
    settings = Settings(endpoints=Endpoints(drivers=endpoint))
    with pytest.raises(Refusal, match="curve = true"):
        checked(settings)
    assert checked(settings.model_copy(update={"curve": True})).curved() == {"drivers"}
