import json
import math
from dataclasses import replace

import numpy as np
import pytest

from engines.evaluation.figures import HEADLINES, figures, headlines, to_json
from engines.evaluation.looked import HIGH_GRADE, TIER, Looked
from engines.evaluation.text import tables
from tests.engines.evaluation.made import Found, class_scores, looked


def mixed(number: int) -> Looked:
    """Four nuclei: one missed, one 20 px off, one graded too low; a false one besides."""
    found: list[Found] = [
        (50, 50, "NILM", 0.9),
        (170, 50, "HSIL", 0.8),
        (250, 55, "NILM", 0.6),
        (800, 800, "HSIL", 0.75),
        (500, 500, "NILM", 0.3),
    ]
    return looked(["NILM", "HSIL", "LSIL", "SCC"], found, number=number)


FIELDS = [mixed(number) for number in range(0, 96, 8)]


def value(name: str, fields: list[Looked] = FIELDS) -> float:
    return figures(fields, resamples=20).by_name[name].value


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("findings_per_field", 4),
        ("findings_per_mm2", 4 / 0.0625),
        ("recall_23px", 0.75),
        ("recall_12px", 0.5),
        ("recall_23px_high_grade", 0.5),
        ("recall_12px_high_grade", 0),
        ("recall_23px_LSIL", 1),
        ("recall_23px_SCC", 0),
        ("recall_23px_at_10_false_per_field", 0.75),
        ("high_grade_recall_at_1_false_per_field", 0.5),
        ("high_grade_recall_at_bar", 0.5),
        ("false_high_grade_per_field_at_bar", 1),
    ],
)
def test_findings_and_recalls_are_counted_one_to_one(name: str, expected: float) -> None:
    assert value(name) == pytest.approx(expected)


def test_at_points_grading_is_measured_whether_or_not_a_nucleus_was_found() -> None:
    assert value("auc_abnormal_at_points") == 1
    assert value("auc_high_grade_at_points") == 1
    assert value("balanced_accuracy_three_tiers") == 1
    assert value("balanced_accuracy_six_classes") == 1


def test_a_group_that_is_rare_is_not_lost_in_balanced_accuracy_for_being_rare() -> None:
    # Of four negative nuclei and one of low grade, whose chance is told as twice what others' is.
    labels = ["NILM", "NILM", "NILM", "NILM", "LSIL"]
    said = np.zeros((5, 7))
    said[:, 1], said[:, 3] = (0.85, 0.85, 0.85, 0.85, 0.6), (0.15, 0.15, 0.15, 0.15, 0.4)
    fields = [replace(looked(labels, []), at_points=said)]
    assert value("balanced_accuracy_three_tiers", fields) == 1


def test_end_to_end_a_missed_nucleus_ranks_last_and_is_graded_wrongly() -> None:
    # NILM 0, HSIL 0.8, LSIL graded NILM 0, SCC missed: under all others
    assert value("auc_abnormal_end_to_end") == pytest.approx((1 + 0.5 + 0) / 3)
    assert value("auc_high_grade_end_to_end") == pytest.approx((1 + 1 + 0 + 0) / 4)
    assert value("balanced_accuracy_three_tiers_end_to_end") == pytest.approx((1 + 0 + 0.5) / 3)


def test_a_missed_negative_nucleus_is_graded_wrongly_too() -> None:
    fields = [looked(["NILM", "NILM", "LSIL"], [(50, 50, "NILM", 0.9), (250, 50, "LSIL", 0.9)])]
    assert value("balanced_accuracy_three_tiers_end_to_end", fields) == pytest.approx(0.75)
    assert value("auc_abnormal_end_to_end", fields) == 1


def test_each_nucleus_is_graded_by_the_finding_of_its_own_field() -> None:
    fields = [
        looked(["NILM"], [(50, 50, "NILM", 0.9), (500, 500, "NILM", 0.9)], number=0),
        looked(["HSIL"], [(700, 500, "NILM", 0.9), (50, 50, "HSIL", 0.9)], number=8),
    ]
    assert value("auc_high_grade_end_to_end", fields) == 1
    assert value("balanced_accuracy_three_tiers_end_to_end", fields) == 1


def test_what_is_no_finding_is_not_high_grade_and_a_negative_nucleus_is_no_hit() -> None:
    under = looked(["HSIL"], [(50, 50, "HSIL", 0.4)], high_grade_bar=0.3)
    assert value("high_grade_recall_at_bar", [under]) == 0
    assert value("high_grade_per_mm2_on_hsil_fields", [under]) == 0
    mistaken = looked(["NILM", "HSIL"], [(50, 50, "HSIL", 0.9), (150, 50, "HSIL", 0.8)])
    assert value("false_high_grade_per_field_at_bar", [mistaken]) == 1
    assert value("high_grade_recall_at_bar", [mistaken]) == 1


def test_a_detector_that_finds_nothing_has_no_recall_and_chance_end_to_end() -> None:
    blind = [replace(one, threshold=1.1) for one in FIELDS]
    assert value("recall_23px", blind) == 0
    assert value("findings_per_field", blind) == 0
    assert value("auc_abnormal_end_to_end", blind) == 0.5
    assert value("high_grade_recall_at_4_false_per_field", blind) == 0
    controls = figures(blind, resamples=20).by_name["auc_abnormal_end_to_end"].controls
    assert {one.value for one in controls} == {0.5}


def test_findings_at_random_places_gain_nothing_over_chance() -> None:
    chance = np.random.default_rng(5)
    fields = []
    for number in range(60):
        places = chance.random((40, 2)) * 1000
        fields.append(
            looked(["NILM"] * 9, [(x, y, "NILM", 0.9) for x, y in places.tolist()], number=number)
        )
    (control,) = figures(fields, resamples=200).by_name["recall_23px"].controls
    assert control.name == "chance"
    assert control.low < 0 < control.high


def test_high_grade_is_compared_by_area_with_fields_of_negative_nuclei_alone() -> None:
    def clean(found: list[Found]) -> list[Looked]:
        return [looked(["NILM"], found, number=number) for number in (200, 208)]

    hsil = [(50.0, 50.0, "HSIL", 0.9), (300.0, 300.0, "HSIL", 0.8)]
    worse = [looked(["HSIL"], hsil, number=number) for number in (0, 8)]
    one_false = clean([(400, 400, "SCC", 0.9)])
    assert value("high_grade_per_mm2_on_hsil_fields", worse + one_false) == pytest.approx(32)
    assert value("high_grade_per_mm2_on_nilm_fields", worse + one_false) == pytest.approx(16)
    assert value("high_grade_per_field_without_high_grade_at_bar", worse + one_false) == 1
    assert value("high_grade_per_mm2_ratio", worse + one_false) == pytest.approx(2)
    assert value("high_grade_per_mm2_ratio", worse + clean([])) == pytest.approx(4)


def test_nuclei_are_ranked_by_what_is_said_given_that_a_cell_is_there() -> None:
    doubtful = np.array([[0.9, 0.01, 0, 0.09, 0, 0, 0], [0, 0.8, 0, 0.2, 0, 0, 0]])
    one = replace(looked(["LSIL", "NILM"], []), at_points=doubtful)
    assert value("auc_abnormal_at_points", [one]) == 1


def test_thresholds_may_differ_by_field() -> None:
    strict, loose = (replace(FIELDS[0], threshold=threshold) for threshold in (0.85, 0.2))
    made = figures([strict, loose], resamples=20)
    assert made.by_name["findings_per_field"].value == (1 + 5) / 2
    assert made.thresholds == (0.2, 0.85)


def test_a_network_that_knows_no_more_than_colour_gains_nothing_over_it() -> None:
    chance = np.random.default_rng(1)
    fields = []
    for number in range(0, 480, 8):
        labels = chance.choice(["NILM", "LSIL"], 10).tolist()
        red = np.array([label == "LSIL" for label in labels]) + chance.normal(0, 0.7, 10)
        said = np.zeros((10, 7))
        said[:, 3] = 1 / (1 + np.exp(-red))
        said[:, 1] = 1 - said[:, 3]
        one = looked(labels, [], number=number)
        colours = np.column_stack([red, *chance.random((11, 10))])
        fields.append(replace(one, at_points=said, colours=colours))
    made = figures(fields, resamples=200)
    by_name = {one.name: one for one in made.by_name["auc_abnormal_at_points"].controls}
    assert by_name["colour"].low < 0.02
    assert by_name["size"].low > 0.2
    assert headlines(made)["auc_abnormal_gain_over_colour_lower"] == by_name["colour"].low


def test_intervals_hold_the_value_and_come_again_from_the_same_seed() -> None:
    fields = [
        looked(["NILM", "HSIL"], [(50, 50, "NILM", 0.9)] * (n % 3 > 0), number=8 * n)
        for n in range(12)
    ]
    made, again, other = (figures(fields, resamples=300, seed=seed) for seed in (0, 0, 1))
    figure = made.by_name["recall_23px"]
    assert figure.value == pytest.approx(1 / 3)
    assert figure.low < figure.value < figure.high
    assert (figure.value, figure.count) == (other.by_name["recall_23px"].value, 24)
    assert to_json(made) == to_json(again) != to_json(other)


def test_json_holds_the_headlines_as_numbers_and_null_for_what_can_not_be_had() -> None:
    fields = [looked(["NILM", "LSIL"], [(50, 50, "NILM", 0.9)], number=n) for n in range(3)]
    said = json.loads(json.dumps(to_json(figures(fields, resamples=20)), allow_nan=False))
    assert set(said) == {*HEADLINES, "details"}
    assert said["recall_23px_high_grade"] is None
    assert said["auc_high_grade_at_points"] is None
    assert said["recall_23px"] == 0.5
    details = said["details"]
    assert "auc_high_grade_at_points" in " ".join(details["remarks"])
    assert "3 fields are too few" in " ".join(details["remarks"])
    assert details["cells"]["LSIL"] == 3
    assert {row["threshold"]: row["findings_per_field"] for row in details["along"]}[0.95] == 0


def test_along_the_threshold_findings_and_recall_fall() -> None:
    along = figures(FIELDS, resamples=20).along
    for name in ("findings_per_field", "recall_23px"):
        course = [row[name] for row in along]
        assert course == sorted(course, reverse=True)
    assert (along[0]["findings_per_field"], along[-1]["findings_per_field"]) == (5, 0)


def test_certainty_is_an_error_where_it_is_wrong() -> None:
    sure = looked(["NILM"] * 4, [], [("HSIL", 1.0)] * 4)
    right = looked(["NILM"] * 4, [], [("NILM", 1.0)] * 4)
    assert value("calibration_error_high_grade", [sure]) == pytest.approx(1)
    assert value("calibration_error_three_tiers", [sure]) == pytest.approx(1)
    assert value("calibration_error_six_classes", [right]) == pytest.approx(0)


def test_fields_without_a_nucleus_or_a_candidate_are_measured_too() -> None:
    made = figures([looked([], []), looked([], [(10, 10, "HSIL", 0.9)], number=8)], resamples=20)
    assert made.by_name["findings_per_field"].value == 0.5
    assert math.isnan(made.by_name["recall_23px"].value)
    assert len(list(tables(made))) == 2


def test_none_is_in_no_group_of_a_question() -> None:
    scores = class_scores([("HSIL", 0.7), ("none", 1.0), ("ASC-US", 0.9)])
    assert TIER.scores(scores).tolist() == [[0, 0, 0.7], [0, 0, 0], [0, 0.9, 0]]
    assert HIGH_GRADE.groups(np.arange(6)).tolist() == [0, 0, 0, 1, 1, 1]
