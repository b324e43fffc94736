"""Our own formulas against those of others: colour-science, emva1288, a real focus stack."""

import warnings
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from calibration.steps import sensor, through_focus
from calibration.steps.delta_e import delta_e_2000, lab
from drivers.sources.targets.sensor import Camera, Picture, Sensor

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import colour
    from emva1288.process.data import Data1288
    from emva1288.process.results import Results1288
    from emva1288.process.routines import get_int_imgs


def test_colour_agrees_with_colour_science() -> None:
    chance = np.random.default_rng(5)
    first, second = chance.uniform(0, 1, (2, 2_000, 3))
    second[:100] = first[:100]
    first[100:200], second[100:200] = (chance.uniform(0, 1, (100, 1)) * np.ones(3) for _ in "12")
    xyz = first @ np.array(colour.RGB_COLOURSPACES["sRGB"].matrix_RGB_to_XYZ).T
    white = colour.CCS_ILLUMINANTS["CIE 1931 2 Degree Standard Observer"]["D65"]

    assert np.abs(lab(first) - colour.XYZ_to_Lab(xyz, white)).max() < 0.05
    ours = delta_e_2000(lab(first), lab(second))
    theirs = colour.delta_E(lab(first), lab(second), method="CIE 2000")
    assert np.abs(ours - theirs).max() < 1e-6


def test_photon_transfer_agrees_with_emva1288(monkeypatch: pytest.MonkeyPatch) -> None:
    # The reference was written for numpy 1.
    monkeypatch.setattr(np, "asfarray", lambda v: np.asarray(v, np.float64), raising=False)
    # Even light: the reference takes no slope off its spatial variances.
    true = Sensor()
    camera = Camera(true, np.random.default_rng(3))
    levels = np.linspace(0.05, 0.9, 12)
    pairs = [
        sensor.Pair(float(v), camera.expose(float(v)), camera.expose(float(v))) for v in levels
    ]
    darks = [camera.expose(0.0) for _ in range(16)]
    brights = [camera.expose(0.5) for _ in range(16)]
    ours = sensor.measure(pairs, darks, brights)
    theirs = _reference(pairs, darks, brights)

    assert ours["gain"].value == pytest.approx(theirs.K, rel=0.01)
    assert ours["read noise"].value == pytest.approx(theirs.sigma_d, rel=0.02)
    assert ours["dsnu"].value == pytest.approx(theirs.DSNU1288, rel=0.02)
    assert ours["prnu"].value == pytest.approx(theirs.PRNU1288, rel=0.02)


@pytest.mark.data
def test_focus_falls_on_both_sides_of_the_real_stack(data_dir: Path) -> None:
    names = (
        [f"z_minus{i}" for i in range(9, 0, -1)] + ["z_0"] + [f"z_plus{i}" for i in range(1, 10)]
    )
    stack = [cv2.imread(str(data_dir / "smear_focus_stack" / f"{name}.bmp")) for name in names]
    pictures = [np.asarray(p, np.uint8) for p in stack if p is not None]
    assert len(pictures) == 19
    planes = list(range(-9, 10))
    found = through_focus.measure(pictures, planes)
    assert found.passes, found.problem
    assert found["best height"].holds(0)
    assert not through_focus.measure([pictures[9]] * 19, planes).passes
    assert not through_focus.measure(pictures[:9], planes[:9]).passes


def _reference(pairs: list[sensor.Pair], darks: list[Picture], brights: list[Picture]) -> Any:
    def in_time(pictures: list[Picture]) -> dict[str, Any]:
        found = get_int_imgs([p.astype(np.int64) for p in pictures])
        return {
            "sum": np.sum(found["sum"]), "pvar": np.sum(found["pvar"]), "dmean": found["dmean"]
        }  # fmt: skip

    height, width = darks[0].shape
    temporal = {1.0: {0.0: in_time(darks[:2])}}
    temporal[1.0] |= {1000 * p.exposure: in_time([p.first, p.second]) for p in pairs}
    spatial = {1.0: {0.0: get_int_imgs([d.astype(np.int64) for d in darks])}}
    spatial[1.0][500.0] = get_int_imgs([b.astype(np.int64) for b in brights])
    data = {"width": width, "height": height, "temporal": temporal, "spatial": spatial}
    return Results1288(Data1288(data).data)
