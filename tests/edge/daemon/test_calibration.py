"""I3: a clinical slide is read with this scanner's valid, signed bundle, or it ends incomplete."""

import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from calibration import shelf
from drivers.problem import Refusal
from drivers.scanner.messages import OpenSlide
from drivers.scanner.words import Optics, Preparation, Purpose, Specimen
from edge.daemon.calibrating import ACTIVATIONS, BUNDLES, calibration_of, folder
from edge.settings import Settings
from edge.slide.bundle import DAY_US, Bundle
from edge.slide.record import IncidentKind
from tests.edge.daemon.rig import Rig, slide
from tests.edge.slide.test_bundle import KEYS, SIGNERS, body

OPTICS = Optics(pm_per_px=250_000, objective="20x O7", camera_serial="C1")


def signed(site: Settings, version: int, *, days: int = 90) -> Bundle:
    now_us = time.time_ns() // 1000
    content = body(version, made_at_us=now_us - 100 * DAY_US, valid_until_us=now_us + days * DAY_US)
    return shelf.signed(site, content, "ada", KEYS["ada"], site.state_dir)


def act(site: Settings, made: Bundle, action: Any = "activate", by: str = "bo") -> None:
    shelf.act(site, action, made.sha256, (by, KEYS[by]), time.time_ns() // 1000)


def message(**optics: object) -> OpenSlide:
    return OpenSlide(
        id="1", session="s", slide="S", purpose=Purpose.CLINICAL, specimen=Specimen.CERVICAL,
        preparation=Preparation.THINPREP, optics=OPTICS.model_copy(update=optics),
    )  # fmt: skip


class AnyOrder(RuleBasedStateMachine):
    """Bundles made, activated, rolled back and damaged in any order, beside a plain model of it."""

    def __init__(self) -> None:
        super().__init__()
        self.place = tempfile.TemporaryDirectory()
        self.site = Settings(state_dir=Path(self.place.name), signers=SIGNERS)
        self.made: dict[str, tuple[Bundle, int]] = {}
        self.chain: list[str] = []
        self.is_broken = False

    def teardown(self) -> None:
        self.place.cleanup()

    @rule(days=st.sampled_from([90, -1]))
    def sign(self, days: int) -> None:
        made = signed(self.site, len(self.made) + 1, days=days)
        self.made[made.sha256] = (made, days)

    @rule(data=st.data(), by=st.sampled_from(["bo", "bo", "ada", "eve"]))
    def activate(self, data: st.DataObject, by: str) -> None:
        self._act(data, "activate", by)

    @rule(data=st.data())
    def roll_back(self, data: st.DataObject) -> None:
        self._act(data, "rollback", "bo")

    @rule(data=st.data(), what=st.sampled_from([BUNDLES, ACTIVATIONS]), deletes=st.booleans())
    def damage(self, data: st.DataObject, what: str, deletes: bool) -> None:
        paths = sorted((folder(self.site.state_dir) / what).glob("*.json"))
        if what == BUNDLES:
            paths = [path for path in paths if path.stem in self.chain]
        # The last activation's loss is told by no other file.
        paths = paths[:-1] if what == ACTIVATIONS and deletes else paths
        if not paths:
            return
        path = data.draw(st.sampled_from(paths))
        if deletes:
            path.unlink()
        else:
            content = bytearray(path.read_bytes())
            content[data.draw(st.integers(0, len(content) - 1))] ^= 1
            path.write_bytes(content)
        self.is_broken = True

    @invariant()
    def only_a_valid_chain_is_used(self) -> None:
        found, incidents = calibration_of(message(), self.site)
        if self.is_broken or not self.chain:
            assert [i.kind for i in incidents] == [IncidentKind.CALIBRATION_MISSING]
            return
        made, days = self.made[self.chain[-1]]
        expected = [] if days > 0 else [IncidentKind.CALIBRATION_EXPIRED]
        assert [i.kind for i in incidents] == expected
        assert (found.identity, found.pm_per_px) == (made.identity, 250_100)

    def _act(self, data: st.DataObject, action: Any, by: str) -> None:
        if not self.made:
            return
        made, _ = self.made[data.draw(st.sampled_from(sorted(self.made)))]
        version = made.content.version
        versions = [self.made[name][0].content.version for name in self.chain]
        may = by == "bo" and not self.is_broken
        if action == "activate":
            may = may and version > max(versions, default=0)
        else:
            may = may and bool(versions) and version < versions[-1]
        try:
            act(self.site, made, action, by)
        except Refusal:
            assert not may
        else:
            assert may
            self.chain.append(made.sha256)


TestI3AnyOrder = AnyOrder.TestCase
TestI3AnyOrder.settings = settings(
    max_examples=40, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
)


@pytest.fixture
def rig() -> Iterator[Rig]:
    with tempfile.TemporaryDirectory(prefix="ce") as name:
        started = Rig(Path(name), {f"signers.{who}": key for who, key in SIGNERS.items()})
        yield started
        if started.process is not None:
            assert started.end() == 0


def clinical(rig: Rig, camera: str) -> dict[str, Any]:
    source = slide(fields=2)
    optics = source.facts.optics.model_copy(
        update={"camera_serial": camera, "objective": "20x O7", "pm_per_px": 250_000}
    )
    source.facts = replace(
        source.facts, purpose=Purpose.CLINICAL, optics=optics, slide=f"S-{camera}"
    )
    verdict = rig.scan(source).verdict
    assert verdict is not None
    return dict(verdict)


def test_i3_a_clinical_slide_over_the_socket_names_its_bundle_or_is_incomplete(rig: Rig) -> None:
    rig.folder.joinpath("state").mkdir(exist_ok=True)
    site = Settings(state_dir=rig.place.settings.state_dir, signers=SIGNERS)
    made = signed(site, 1)
    act(site, made)
    rig.start()
    own, foreign = clinical(rig, "C1"), clinical(rig, "C2")
    assert own["identities"]["calibration"] == made.identity
    assert "calibration_missing" not in {reason["code"] for reason in own["reasons"]}
    assert "calibration_missing" in {reason["code"] for reason in foreign["reasons"]}
    assert foreign["outcome"] == "incomplete"


def test_the_wrong_key_activates_nothing(tmp_path: Path) -> None:
    site = Settings(state_dir=tmp_path, signers=SIGNERS)
    made = signed(site, 1)
    with pytest.raises(Refusal, match="not bo's"):
        shelf.act(site, "activate", made.sha256, ("bo", Ed25519PrivateKey.generate()), 1)
    assert shelf.now(site) is None
