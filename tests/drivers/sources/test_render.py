"""The simulated slide: what an image shows, and what it may depend on."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from drivers.problem import Refusal
from drivers.scanner.lists import ImageKey
from drivers.scanner.words import PixelFormat, Preparation
from drivers.sources.camera import Camera
from drivers.sources.faults import REGION_DEFOCUS_UM, Faults
from drivers.sources.simulated.kinds import Kind
from drivers.sources.simulated.render import Options, SimulatedSlide
from drivers.sources.simulated.specimen import PRESETS, Contents, preset

SMALL = Options(
    seed=3,
    fields=6,
    contents=Contents(lsil=6, hsil=6),
    camera=Camera(width_px=512, height_px=512),
)


@cache
def slide(options: Options = SMALL) -> SimulatedSlide:
    return SimulatedSlide(options)


def faulty(**faults: object) -> SimulatedSlide:
    return slide(replace(SMALL, faults=Faults(**faults)))  # type: ignore[arg-type]


def key(field: int, capture: int = 1, plane: int = 0) -> ImageKey:
    return ImageKey(field=field, capture=capture, plane=plane)


def sharpness(picture: np.ndarray) -> float:
    green = picture[:, :, 1].astype(float)
    return float(np.square(np.diff(green, axis=1)).mean())


def test_the_same_seed_gives_the_same_bytes_in_whatever_order_on_any_thread() -> None:
    first = {number: slide().capture(key(number)) for number in range(6)}
    fresh, numbers = SimulatedSlide(SMALL), (4, 1, 5, 0, 3, 2, 2)
    with ThreadPoolExecutor(4) as threads:
        again = dict(zip(numbers, threads.map(fresh.capture, map(key, numbers)), strict=True))
    assert again == first


def test_another_seed_gives_another_slide_in_other_colours() -> None:
    other = slide(replace(SMALL, seed=4))
    assert other.capture(key(0)).pixels != slide().capture(key(0)).pixels
    assert other.truth() != slide().truth()
    blanks = [np.percentile(s.picture(key(0)), 90, axis=(0, 1)) for s in (slide(), other)]
    assert np.abs(blanks[0] - blanks[1]).max() > 3


def test_a_rescan_shows_the_same_cells_with_other_noise_from_another_place() -> None:
    once, again = slide().capture(key(1)), slide().capture(key(1, capture=2))
    assert once.pixels != again.pixels
    assert (once.x_nm, once.y_nm) != (again.x_nm, again.y_nm)
    cells = [
        {mark.cell for mark in slide().marks(k) if 20 < mark.x_px < 490 and 20 < mark.y_px < 490}
        for k in (key(1), key(1, capture=2))
    ]
    assert cells[0] & cells[1]


def test_a_cell_in_an_overlap_is_seen_at_one_stage_place_within_t() -> None:
    t_nm, seen_twice = SMALL.registration_nm, 0
    places: dict[object, list[tuple[float, float]]] = {}
    for planned in slide().facts.plan.fields:
        shot = slide().capture(key(planned.field))
        for mark in slide().marks(key(planned.field)):
            x_nm = shot.x_nm + (mark.x_px - 256) * 250
            y_nm = shot.y_nm + (mark.y_px - 256) * 250
            assert np.hypot(x_nm - mark.cell.x_nm, y_nm - mark.cell.y_nm) <= t_nm
            places.setdefault(mark.cell, []).append((x_nm, y_nm))
    for twice in (found for found in places.values() if len(found) > 1):
        seen_twice += 1
        assert max(np.ptp(twice, axis=0)) <= 2 * t_nm
    assert seen_twice > 0


def test_overlapping_images_show_the_same_pixels_where_they_overlap() -> None:
    exact = slide(replace(SMALL, registration_nm=0, faults=Faults()))
    pictures = [exact.picture(key(number)).astype(int) for number in (0, 1)]
    corners = [exact._corner(key(number)) for number in (0, 1)]
    dx, dy = (b - a for a, b in zip(*corners, strict=True))
    assert 0 < dx < 512
    first = pictures[0][max(dy, 0) : 512 + min(dy, 0), dx:]
    second = pictures[1][max(-dy, 0) : 512 + min(-dy, 0), : 512 - dx]
    inner = (slice(8, -8), slice(8, -8))
    # Vignetting and the focus drive's own error differ; what lies there does not.
    assert np.corrcoef(first[inner].ravel(), second[inner].ravel())[0, 1] > 0.98


def test_nuclei_are_darker_than_what_is_around_them() -> None:
    darker = []
    for number in range(6):
        picture = slide().picture(key(number))[:, :, 0].astype(float)
        for mark in slide().marks(key(number)):
            x, y = int(mark.x_px), int(mark.y_px)
            if 60 < x < 450 and 60 < y < 450:
                around = picture[y - 50 : y + 50, x - 50 : x + 50]
                darker.append(picture[y - 4 : y + 4, x - 4 : x + 4].mean() < np.median(around) - 15)
    assert len(darker) > 10
    assert np.mean(darker) > 0.9


def test_abnormal_nuclei_are_as_much_larger_as_their_grade_says() -> None:
    big = slide(replace(SMALL, contents=Contents(lsil=40, hsil=40)))
    area = {
        kind: np.mean([cell.diameter_nm**2 for cell in big.truth() if cell.kind is kind])
        for kind in (Kind.INTERMEDIATE, Kind.LSIL, Kind.HSIL)
    }
    assert area[Kind.LSIL] / area[Kind.INTERMEDIATE] > 2
    assert area[Kind.LSIL] > area[Kind.HSIL] > area[Kind.INTERMEDIATE]


def test_exactly_as_many_abnormal_cells_are_planted_as_asked_for() -> None:
    planted = {Kind.LSIL: 9, Kind.ASC_H: 7, Kind.HSIL: 8, Kind.SCC: 5}
    contents = Contents(lsil=9, asc_h=7, hsil=8, scc=5)
    kinds = [cell.kind for cell in slide(replace(SMALL, contents=contents)).truth()]
    assert {kind: kinds.count(kind) for kind in planted} == planted
    assert [kind.label for kind in kinds].count("NILM") > 10


def test_a_standard_slide_holds_well_over_the_minimum_of_cells_and_a_scant_one_does_not() -> None:
    camera = Camera()
    expected = {
        name: preset(name).contents.squamous_per_mm2 * 60 * 0.561 * 0.461 for name in PRESETS
    }
    assert camera.w_nm == 612_000
    assert expected.pop("scant") < 5_000 / 3
    assert min(expected.values()) > 6_500


@pytest.mark.parametrize("format_", [PixelFormat.RGB8, PixelFormat.BAYER_GB8, PixelFormat.PNG])
def test_a_shot_says_what_its_pixels_are(format_: PixelFormat) -> None:
    camera = replace(SMALL.camera, format=format_)
    shot = slide(replace(SMALL, camera=camera)).capture(key(0))
    assert (shot.width_px, shot.height_px, shot.format) == (512, 512, format_)
    if format_.bytes_per_px:
        assert len(shot.pixels) == shot.stride * 512 == 512 * 512 * format_.bytes_per_px


def test_the_sharpest_plane_of_three_is_the_middle_one() -> None:
    deep = slide(replace(SMALL, planes=3))
    assert [planned.planes for planned in deep.facts.plan.fields] == [3] * 6
    values = [sharpness(deep.picture(key(1, plane=plane))) for plane in range(3)]
    assert values[1] > values[0]
    assert values[1] > values[2]
    z_nm = [deep.capture(key(1, plane=plane)).z_nm for plane in range(3)]
    assert z_nm[1] - z_nm[0] == z_nm[2] - z_nm[1] == 2_000


def test_in_a_thick_preparation_cells_are_not_all_sharp_in_one_plane() -> None:
    thick = replace(SMALL, preparation=Preparation.SUREPATH, planes=3)
    green = [
        slide(thick).picture(key(number, plane=plane))[:, :, 1].astype(float)
        for number in range(thick.fields)
        for plane in range(3)
    ]
    blocks = np.square([np.diff(picture, axis=1)[:, :480] for picture in green])
    energy = blocks.reshape(thick.fields, 3, 16, 32, 12, 40).mean(axis=(3, 5))
    # Where something lies, the sharpest plane is mostly, but not everywhere, the middle one.
    sharpest = energy.argmax(axis=1)[energy.max(axis=1) > 20]
    assert 0.5 < (sharpest == 1).mean() < 0.98


def test_a_round_spot_can_be_asked_for() -> None:
    spot = slide(replace(SMALL, spot_nm=500_000))
    assert spot.facts.plan.spot.kind == "circle"


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"overlap_nm": 13_000}, "overlap_nm"),
        ({"fields": 0}, "fields"),
        ({"preparation": Preparation.CYTOSPIN}, "preparation"),
    ],
)
def test_options_that_no_slide_can_have_are_refused(wrong: dict[str, object], named: str) -> None:
    with pytest.raises(Refusal, match=named):
        SimulatedSlide(replace(SMALL, **wrong))  # type: ignore[arg-type]


def test_a_field_that_is_not_planned_is_refused() -> None:
    with pytest.raises(Refusal, match="field=6"):
        slide().capture(key(6))


def test_an_unknown_specimen_is_refused_by_the_names_of_the_known_ones() -> None:
    with pytest.raises(Refusal, match="negative, lsil, asc-h, hsil, scc, scant"):
        preset("nothing")


# Faults ------------------------------------------------------------------------------------------


def test_a_defocused_slide_is_blurred_everywhere_and_keeps_its_light() -> None:
    for number in range(6):
        sharp, blurred = (s.picture(key(number)) for s in (slide(), faulty(defocus_um=8.0)))
        assert sharpness(blurred) < 0.25 * sharpness(sharp)
        assert abs(float(blurred.mean()) - float(sharp.mean())) < 1


def test_a_blurred_region_lies_in_the_middle_and_leaves_the_rest_sharp() -> None:
    partly = faulty(blurred=0.4)
    same = [partly.picture(key(n)) == slide().picture(key(n)) for n in range(6)]
    assert same[0][:100, :100].all()
    assert not all(pixels.all() for pixels in same)
    totals = [sum(sharpness(s.picture(key(n))) for n in range(6)) for s in (partly, slide())]
    assert totals[0] < 0.8 * totals[1]


def test_an_unfocused_field_is_blurred_and_most_often_found_again() -> None:
    s = faulty(unfocused=frozenset({2}), requests="obey")
    assert s._unfocused_um(key(2)) == REGION_DEFOCUS_UM
    assert s._unfocused_um(key(1)) == s._unfocused_um(key(1, 2)) == 0
    again = [s._unfocused_um(key(2, capture)) for capture in range(2, 102)]
    assert 60 <= again.count(0.0) <= 80
    assert max(again) == REGION_DEFOCUS_UM
    s._options = replace(s._options, faults=replace(s._options.faults, requests="worse"))
    for number in (1, 2):
        worse = [s._unfocused_um(key(number, capture)) for capture in range(2, 102)]
        assert 60 <= worse.count(0.0) <= 80
        assert max(worse) == 2 * REGION_DEFOCUS_UM
    assert sharpness(s.picture(key(2))) < 0.25 * sharpness(slide().picture(key(2)))


def test_a_blank_region_holds_nothing() -> None:
    empty = faulty(blank=2.0).picture(key(0))
    assert float(np.ptp(empty[:, :, 1])) < 20
    assert np.percentile(slide().picture(key(0))[:, :, 1], 1) < empty.min()


def test_a_frozen_camera_repeats_the_bytes_of_the_field_before() -> None:
    frozen = faulty(frozen=frozenset({2, 3}))
    shots = [frozen.capture(key(number)) for number in range(5)]
    assert shots[1].pixels == shots[2].pixels == shots[3].pixels
    assert len({shot.pixels for shot in shots}) == 3
    assert len({(shot.x_nm, shot.y_nm) for shot in shots}) == 5


def test_the_lamp_over_and_underexposes() -> None:
    assert np.mean(faulty(light=1.6).picture(key(0)) == 255) > 0.5
    assert np.percentile(faulty(light=0.25).picture(key(0)), 99) < 70
