"""The units as systemd reads them, installed into a folder as a packager does."""

import configparser
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from drivers.problem import Refusal
from edge.cli import app
from edge.commands.sampling import toml
from edge.settings import Settings, load

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "systemd" / "cytoedge.toml"
UNIT = "etc/systemd/system/cytoedge.service"
CPU_EXPOSURE, GPU_EXPOSURE = 1.2, 1.5
BACK_OFF_SINCE = 254
"""The systemd that knows RestartSteps=. Source: systemd.service(5)."""

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)


def install(folder: Path, *options: str) -> Path:
    command = ["make", "--silent", "install", f"DESTDIR={folder}", *options]
    subprocess.run(command, cwd=ROOT, check=True, env=os.environ | {"MAKEFLAGS": ""})
    return folder


def analyze(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["systemd-analyze", *arguments], capture_output=True, text=True, check=False
    )


def version() -> int:
    found = re.search(r"systemd (\d+)", analyze("--version").stdout)
    assert found is not None
    return int(found[1])


@needs_systemd
@pytest.mark.parametrize("options", [(), ("WITH=gpu",), ("WITH=serial",), ("WITH=gpu serial",)])
def test_the_installed_unit_is_one_that_systemd_takes_without_a_word(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    install(tmp_path, *options, f"SYSTEMD={version()}")
    program = tmp_path / "opt/cytoedge/bin/cytoedge"  # `make install` puts it there for real
    program.parent.mkdir(parents=True)
    shutil.copy("/bin/true", program)
    for target in ("sysinit", "basic", "shutdown", "multi-user"):
        (tmp_path / UNIT).with_name(f"{target}.target").write_text("[Unit]\nDescription=x\n")
    found = analyze("verify", "--man=no", f"--root={tmp_path}", "cytoedge.service")
    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")


@needs_systemd
@pytest.mark.parametrize(
    ("options", "most"),
    [
        ("", CPU_EXPOSURE),
        ("serial", CPU_EXPOSURE),
        ("gpu", GPU_EXPOSURE),
        ("gpu serial", GPU_EXPOSURE),
    ],
)
def test_i10_the_sandbox_leaves_little_exposed(tmp_path: Path, options: str, most: float) -> None:
    install(tmp_path, f"WITH={options}", f"SYSTEMD={version()}")
    found = analyze("security", "--offline=true", "--no-pager", str(tmp_path / UNIT))
    exposure = re.search(r"Overall exposure level for cytoedge.service: ([\d.]+)", found.stdout)
    assert exposure is not None, found.stderr
    assert float(exposure[1]) <= most


def unit(path: Path) -> configparser.SectionProxy:
    parser = configparser.RawConfigParser(strict=False, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(path)
    return parser["Service"]


def test_the_service_is_started_again_without_limit_and_with_back_off(tmp_path: Path) -> None:
    install(tmp_path, f"SYSTEMD={BACK_OFF_SINCE}")
    text = (tmp_path / UNIT).read_text()
    assert "\nStartLimitIntervalSec=0\n" in text
    service = unit(tmp_path / UNIT)
    back_off = unit(tmp_path / f"{UNIT}.d/back-off.conf")
    assert (service["Type"], service["Restart"], service["RestartSec"]) == (
        "notify", "always", "500ms",
    )  # fmt: skip
    # Each step multiplies the last pause by the same: sixteen times and more in five doublings.
    assert (
        0.5 * 2 ** int(back_off["RestartSteps"]) >= 10 == int(back_off["RestartMaxDelaySec"][:-1])
    )


def test_an_older_systemd_is_not_given_what_it_does_not_know(tmp_path: Path) -> None:
    install(tmp_path, f"SYSTEMD={BACK_OFF_SINCE - 1}", "WITH=gpu")
    assert sorted(path.name for path in (tmp_path / f"{UNIT}.d").iterdir()) == ["gpu.conf"]
    install(tmp_path, f"SYSTEMD={BACK_OFF_SINCE}")
    assert sorted(path.name for path in (tmp_path / f"{UNIT}.d").iterdir()) == ["back-off.conf"]


def test_the_folders_that_the_unit_and_tmpfiles_make_are_those_of_the_settings(
    tmp_path: Path,
) -> None:
    install(tmp_path)
    settings, service = Settings(), unit(tmp_path / UNIT)
    assert settings.state_dir == Path("/var/lib") / service["StateDirectory"]
    assert (
        f"--settings /etc/{service['ConfigurationDirectory']}/cytoedge.toml" in service["ExecStart"]
    )
    made = {
        line.split()[1]: line.split()[2:5]
        for line in (tmp_path / "etc/tmpfiles.d/cytoedge.conf").read_text().splitlines()
        if line.startswith("d ")
    }
    groups = (tmp_path / "etc/sysusers.d/cytoedge.conf").read_text()
    for name, endpoint in settings.endpoints:
        mode, user, group = made[str(Path(endpoint.removeprefix("ipc://")).parent)]
        assert (mode, user) == ("2750", service["User"]), name
        assert re.search(rf"^m +{user} +{group}$", groups, re.MULTILINE)
        assert re.search(rf"^g +{group} ", groups, re.MULTILINE)


def test_a_sites_settings_outlive_an_installation(tmp_path: Path) -> None:
    site = install(tmp_path) / "etc/cytoedge/cytoedge.toml"
    assert site.read_text() == SAMPLE.read_text()
    site.write_text("engine_threads = 2\n")
    install(tmp_path)
    assert site.read_text() == "engine_threads = 2\n"


def test_the_sample_says_every_setting_with_its_default() -> None:
    text = SAMPLE.read_text()
    assert text == toml(Settings()), "systemd/cytoedge.toml is old: run `make settings`"
    assert load(SAMPLE) == Settings()
    said = tomllib.loads(re.sub(r"^#(\w+ = )", r"\1", text, flags=re.MULTILINE))
    assert Settings.model_validate(said) == Settings()
    assert set(_keys(said)) | {"model"} == set(_keys(Settings().model_dump()))
    for key in re.findall(r"^#\w+ = ", text, re.MULTILINE):
        before = text[: text.index(f"\n{key}")].splitlines()[-1]
        assert before.startswith("# "), f"{key}: edge/settings.py says no reason"


def _keys(section: dict[str, Any]) -> list[str]:
    return [
        key
        for name, value in section.items()
        for key in (
            [f"{name}.{sub}" for sub in _keys(value)] if isinstance(value, dict) else [name]
        )
    ]


def test_the_settings_in_force_are_told_and_can_be_loaded_again(tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    file.write_text('engine_threads = 4\nmodel = "/srv/a model"\n[window]\nfields = 3\n')
    told = CliRunner().invoke(app(), ["settings", "--settings", str(file)])
    assert told.exit_code == 0
    copy = tmp_path / "copy.toml"
    copy.write_text(told.stdout)
    assert load(copy) == load(file) != Settings()
    assert "\nengine_threads = 4\n" in told.stdout
    assert "\n#quality_threads = 2\n" in told.stdout
    as_json = CliRunner().invoke(app(), ["settings", "--settings", str(file), "--json"])
    assert '"engine_threads": 4' in as_json.stdout


def test_a_default_that_is_taken_from_the_sample_wrongly_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    file.write_text(SAMPLE.read_text().replace("#free_disk_percent = 5", "free_disk_percent = 90"))
    with pytest.raises(Refusal, match="free_disk_percent"):
        load(file)
