"""A technician's whole visit by commands: measured, signed, activated, rolled back, exported."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from calibration.measuring import STEPS
from calibration.shown import LIST
from edge.cli import app

PROGRAM = app()


class Site:
    """One machine's settings, and two people's keys."""

    def __init__(self, folder: Path, keys: Path) -> None:
        self.folder, self.keys = folder, keys
        folder.mkdir()
        lines = [f'state_dir = "{folder}/state"', "[signers]"]
        lines += [
            f'{who} = "{(keys / who).with_suffix(".pub").read_text()}"' for who in ("ada", "bo")
        ]
        (folder / "s.toml").write_text("\n".join(lines))

    def run(self, *arguments: object, code: int = 0) -> Result:
        told = [*map(str, arguments), "--settings", str(self.folder / "s.toml")]
        found = CliRunner().invoke(PROGRAM, ["calibrate", *told])
        assert found.exit_code == code, (arguments, found.output, found.exception)
        assert found.exception is None or isinstance(found.exception, SystemExit)
        return found

    def json(self, *arguments: object, code: int = 0) -> dict[str, Any]:
        return dict(json.loads(self.run(*arguments, "--json", code=code).stdout))

    def by(self, who: str) -> tuple[str, str, str, str]:
        return "--signer", who, "--key", str(self.keys / f"{who}.pem")

    def signed(self, days: int = 90) -> str:
        targets = self.keys / "targets.json"
        named = {"name": "grid", "certificate": "N1", "traceable_to": "a national institute"}
        targets.write_text(json.dumps([named]))
        scanner = ("--camera", "C1", "--objective", "20x O7", "--targets", targets)
        return str(self.json("sign", *self.by("ada"), *scanner, "--days", days)["bundle"])


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    for who in ("ada", "bo"):
        found = CliRunner().invoke(PROGRAM, ["calibrate", "key", str(tmp_path / f"{who}.pem")])
        (tmp_path / f"{who}.pub").write_text(found.stdout.strip())
        assert (tmp_path / f"{who}.pem").stat().st_mode & 0o077 == 0
    return tmp_path


def test_a_visit_from_targets_to_a_bundle_in_force_and_back(keys: Path, tmp_path: Path) -> None:
    site, shown = Site(tmp_path / "site", keys), tmp_path / "shown"
    assert CliRunner().invoke(PROGRAM, ["calibrate", "simulate", str(shown)]).exit_code == 0
    (shown / "colour" / LIST).rename(shown / "later")
    assert "To do: colour" in site.run("guide", shown, code=1).output
    assert "colour" in site.run("sign", *site.by("ada"), "--camera", "C1", "--objective", "O",
                                "--targets", shown / "later", code=2).output  # fmt: skip
    (shown / "later").rename(shown / "colour" / LIST)
    again = site.run("guide", shown).output
    assert again.count("measured already") == len(STEPS) - 1
    assert site.json("history", code=1)["in_force"] is None

    first = site.signed()
    assert "another person" in site.run("activate", first, *site.by("ada"), code=2).output
    site.run("activate", first, *site.by("bo"))
    second = site.signed(days=5)
    site.run("activate", second, *site.by("bo"))
    assert site.json("history") == {
        "bundles": [first, second], "in_force": second, "ends_within_days": 7, "has_ended": False
    }  # fmt: skip
    site.run("rollback", *site.by("bo"))
    assert site.json("history")["in_force"] == first
    site.run("rollback", *site.by("bo"), code=2)

    site.run("certificate", tmp_path / "c.pdf")
    assert (tmp_path / "c.pdf").read_bytes().startswith(b"%PDF")
    site.run("export", first, tmp_path / "b.zip")
    other = Site(tmp_path / "other", keys)
    other.run("import", tmp_path / "b.zip")
    other.run("activate", first, *other.by("bo"))
    assert other.json("history")["in_force"] == first
    (tmp_path / "b.zip").write_bytes(b"no archive")
    assert "no exported bundle" in other.run("import", tmp_path / "b.zip", code=2).output


def test_a_step_says_what_is_wrong_and_what_to_do(keys: Path, tmp_path: Path) -> None:
    site, folder = Site(tmp_path / "site", keys), tmp_path / "shown"
    assert "no list of pictures" in site.run("scale", folder, code=2).output
    folder.mkdir()
    listed: dict[str, Any] = {"settings": {}, "pictures": [{"file": "a.png", "role": "grid"}]}
    (folder / LIST).write_text(json.dumps(listed))
    assert "is no PNG" in site.run("scale", folder, code=2).output
    cv2.imwrite(str(folder / "a.png"), np.full((512, 640), 200, np.uint8))
    assert "settings.pitch_um" in site.run("scale", folder, code=2).output
    listed["settings"] = {"pitch_um": 10, "pitch_uncertainty": 2e-4, "nominal_um_per_px": 0.25}
    (folder / LIST).write_text(json.dumps(listed))
    assert "Put the ruled grid on" in site.json("scale", folder, code=1)["problem"]


def test_the_golden_slide_keeps_its_verdict(keys: Path, tmp_path: Path) -> None:
    site = Site(tmp_path / "site", keys)
    verdict = {"state": "final", "outcome": "category", "category": "LSIL", "counts": {"LSIL": 40}}
    many, other = verdict | {"counts": {"LSIL": 60}}, verdict | {"category": "NILM"}
    for name, content in zip("abc", (verdict, many, other), strict=True):
        (tmp_path / name).write_text(json.dumps(content))
    site.run("golden_slide", tmp_path / "a", tmp_path / "a")
    assert not site.json("golden_slide", tmp_path / "b", tmp_path / "a", code=1)["passes"]
    assert "LSIL" in site.json("golden_slide", tmp_path / "c", tmp_path / "a", code=1)["problem"]
