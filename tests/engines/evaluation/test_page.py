from collections.abc import Iterator
from xml.etree import ElementTree

import numpy as np
import pytest

from engines.evaluation.charts import HEIGHT, WIDTH, Line, chart
from engines.evaluation.curves import false_high_grade, found, reliability, told_apart
from engines.evaluation.figures import figures
from engines.evaluation.looked import ABNORMAL
from engines.evaluation.page import page_of
from engines.evaluation.pool import pooled
from engines.evaluation.worst import worst_false, worst_misses
from engines.fields import AnnotatedField
from tests.engines.evaluation.made import Found, looked

FIELDS = [
    looked(
        ["NILM", "HSIL", "LSIL", "SCC"],
        [
            (50, 50, "HSIL", 0.9),
            (150, 50, "NILM", 0.8),
            (250, 50, "LSIL", 0.95),
            (800, 800, "SCC", 0.6),
        ],
        number=number,
    )
    for number in (0, 8)
]


def pictures() -> Iterator[AnnotatedField]:
    for one in FIELDS:
        yield AnnotatedField(
            folder=one.folder,
            name=one.name,
            number=one.number,
            um_per_px=one.um_per_px,
            picture=np.full((1000, 1000, 3), one.number, np.uint8),
            points_px=one.points_px,
            labels=one.labels,
            annotated_px=one.annotated_px,
        )


def test_the_worst_misses_are_severe_nuclei_not_found_or_graded_negative() -> None:
    worst = worst_misses(pooled(FIELDS), FIELDS)
    assert [(one.field, one.place_px) for one in worst] == [
        (0, (350, 50)),
        (1, (350, 50)),
        (0, (150, 50)),
        (1, (150, 50)),
    ]
    assert worst[0].said == "annotated SCC\nnot found"
    assert worst[2].said == "annotated HSIL\nsaid NILM 0.80"


def test_the_worst_false_findings_say_what_is_annotated_there() -> None:
    right: Found = (150, 50, "HSIL", 0.99)
    fields = [looked(["NILM", "HSIL"], [(50, 50, "HSIL", 0.9), right, (800, 800, "SCC", 0.6)])]
    worst = worst_false(pooled(fields), fields)
    assert [one.said for one in worst] == [
        "annotated NILM\nsaid HSIL 0.90",
        "nothing annotated\nsaid SCC 0.60",
    ]
    assert worst[0].place_px == (50, 50)


def test_curves_end_where_everything_is_found_and_pass_the_operating_point() -> None:
    pool = pooled(FIELDS)
    line, here = found(pool)
    assert (line.x[-1], line.y[-1]) == (4, 0.75)
    assert (here.x[0], here.y[0]) == (4, 0.75)
    line, here = false_high_grade(pool)
    assert (line.x[0], line.y[-1], line.x[-1]) == (0.5, 0.5, 3)
    assert (here.x[0], here.y[0]) == (1, 0)
    _, here = false_high_grade(pooled([looked(["HSIL"], [(50, 50, "HSIL", 0.9)])]))
    assert (here.x[0], here.y[0]) == (0, 1)
    by_name = {line.name: line for line in told_apart(pool, {ABNORMAL: np.eye(2)[[0, 1] * 4]})}
    assert set(by_name) == {"abnormal", "abnormal, colour", "high grade"}
    for line in by_name.values():
        assert (line.x[0], line.y[0], line.x[-1], line.y[-1]) == (0, 0, 1, 1)
    abnormal = reliability(pool)[0]
    assert abnormal.x.tolist() == pytest.approx([0, 1])
    assert abnormal.y.tolist() == [0, 1]


def test_a_chart_is_well_formed_and_cuts_off_what_lies_too_far_right() -> None:
    line = Line("a < b", np.arange(2_000.0), np.linspace(0, 1, 2_000), "first")
    svg = ElementTree.fromstring(chart("A & B", "x", "y", 500, [line]))  # noqa: S314  (our own)
    (drawn,) = svg.iter("polyline")
    places = [place.split(",") for place in drawn.attrib["points"].split()]
    assert len(places) == 300
    assert all(0 <= float(x) <= WIDTH and 0 <= float(y) <= HEIGHT for x, y in places)
    assert "a < b" in [text.text for text in svg.iter("text")]


def test_the_page_shows_every_worst_cell_as_a_crop() -> None:
    html = page_of("model <1>", figures(FIELDS, resamples=20), FIELDS, pictures())
    pool = pooled(FIELDS)
    cells = len(worst_misses(pool, FIELDS)) + len(worst_false(pool, FIELDS))
    assert html.count("data:image/jpeg;base64,") == cells
    assert "model &lt;1&gt;" in html
    assert "annotated SCC\nnot found" in html
