"""The charts of the pages say what their numbers are."""

from __future__ import annotations

import re
from itertools import pairwise
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveseg.evaluate.page_charts import difference_bar, histogram, interval_bar, photo_counts, reliability, scatter
from liveseg.evaluate.result import Interval

shares = st.floats(0, 1, allow_nan=False)


def parsed(drawing):
    return ET.fromstring(drawing)  # noqa: S314 - our own drawing


def percents(drawing, *names):
    return [float(value) for name in names for value in re.findall(rf'{name}="([\d.]+)%"', drawing)]


def test_a_bar_is_as_long_as_its_share_and_its_whisker_as_the_interval():
    bar = interval_bar(Interval(0.42, 0.3, 0.55))
    assert percents(bar, "width")[-1] == 42
    assert percents(bar, "x1")[0] == 30
    assert percents(bar, "x2")[0] == 55
    assert "whisker" not in interval_bar(Interval(0.42)), "where there is no interval none is drawn"
    parsed(bar)


@given(shares, shares, shares)
def test_no_bar_leaves_its_place(value, low, high):
    for number in percents(interval_bar(Interval(value, min(low, high), max(low, high))), "x1", "x2", "width"):
        assert 0 <= number <= 100


@pytest.mark.parametrize(
    ("difference", "place", "kind"),
    [
        (Interval(0.05, 0.02, 0.08), 75, "fill"),
        (Interval(-0.05, -0.08, -0.02), 25, "bad"),
        (Interval(0.0, -0.08, 0.02), 50, "even"),
        (Interval(-5.0, -6.0, -4.0), 0, "bad"),
    ],
)
def test_a_difference_stands_beside_the_middle_and_says_whether_it_is_one(difference, place, kind):
    bar = difference_bar(difference, 0.1)
    assert percents(bar, "cx") == [place]
    assert f'circle class="{kind}"' in bar


def test_perfect_confidence_lies_on_the_dashed_line_and_few_pixels_are_hollow():
    sure = np.array([0.2, 0.5, 0.9])
    drawing = reliability(sure, np.array([0.9, 0.5, 0.9]), np.array([0.0001, 0.3999, 0.6]))
    root = parsed(drawing)
    points = [(float(own.get("cx")), float(own.get("cy")), own.get("class")) for own in root.iter("circle")]
    ideal = next(own for own in root.iter("line") if own.get("class") == "ideal")
    x1, y1, x2, y2 = (float(ideal.get(name)) for name in ("x1", "y1", "x2", "y2"))
    for (x, y, kind), share in zip(points, sure, strict=True):
        assert x == pytest.approx(x1 + share * (x2 - x1), abs=0.01)
        if kind == "fill":
            assert y == pytest.approx(y1 + share * (y2 - y1), abs=0.01)
    assert [kind for *_, kind in points] == ["hollow", "fill", "fill"]
    heights = [float(own.get("height")) for own in root.iter("rect")]
    assert heights[2] / heights[1] == pytest.approx(0.6 / 0.3999, abs=0.01)


@given(st.lists(shares, min_size=1, max_size=60))
def test_every_photo_is_in_the_histogram_once(scores):
    counts, edges = photo_counts(scores)
    assert counts.sum() == len(scores)
    drawing = histogram(scores)
    assert sum(int(text) for text in re.findall(r"to \d+: (\d+)</title>", drawing)) == len(scores)
    assert f"median {100 * np.median(scores):.1f}" in drawing
    assert len(edges) == 21
    parsed(drawing)


@given(
    st.lists(
        st.tuples(st.floats(0.01, 5000), shares, shares),
        min_size=2,
        max_size=6,
    )
)
def test_every_point_lies_in_the_drawing_and_a_higher_score_higher(rows):
    scores = [Interval(value, min(value, other), max(value, other)) for _, value, other in rows]
    root = parsed(scatter([f"m<{index}" for index in range(len(rows))], [rate for rate, *_ in rows], scores))
    width, height = (float(number) for number in root.get("viewBox").split()[2:])
    points = [(float(own.get("cx")), float(own.get("cy"))) for own in root.iter("circle")]
    assert all(0 <= x <= width and 0 <= y <= height for x, y in points)
    for (rate, score, _), (x, y) in zip(rows, points, strict=True):
        for (other_rate, other_score, _), (other_x, other_y) in zip(rows, points, strict=True):
            assert not (rate > other_rate and x < other_x)
            assert not (score > other_score and y > other_y)


def test_names_of_points_at_one_place_stand_below_each_other():
    scores = [Interval(0.65, 0.6, 0.7), Interval(0.651, 0.6, 0.7), Interval(0.652, 0.6, 0.7)]
    root = parsed(scatter(["a", "b", "c"], [10.0, 10.05, 10.1], scores))
    levels = sorted(float(own.get("y")) for own in root.iter("text") if own.text in ("a", "b", "c"))
    assert all(after - before >= 13 for before, after in pairwise(levels))
