"""The statistics of a benchmark."""

from __future__ import annotations

import statistics
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveseg.bench.summary import Summary, median, median_by_key, ratios, rounded, summarize

rates = st.floats(1e-3, 1e6)
several = st.lists(rates, min_size=1, max_size=60)


@given(several)
def test_the_percentiles_lie_in_order_within_the_values(values):
    found = summarize(values)
    bounds = [min(values), found.p5, found.median, found.p95, max(values)]
    slack = 1e-9 * max(values)
    assert all(low <= high + slack for low, high in pairwise(bounds))
    assert found.median == pytest.approx(statistics.median(values))
    assert found.count == len(values)


@given(several, st.randoms())
def test_the_order_of_the_rounds_does_not_matter(values, random):
    shuffled = random.sample(values, len(values))
    assert summarize(shuffled) == summarize(values)


@given(several, st.floats(0.1, 10))
def test_a_machine_twice_as_fast_has_percentiles_twice_as_large(values, factor):
    before, after = summarize(values), summarize([value * factor for value in values])
    assert (after.median, after.p5, after.p95) == pytest.approx(
        (before.median * factor, before.p5 * factor, before.p95 * factor)
    )


def test_of_nothing_nothing_is_said():
    assert summarize([]) is None
    assert median([]) is None
    assert median_by_key([]) == {}


def test_known_percentiles():
    assert summarize([1.0, 2.0, 3.0, 4.0, 100.0]) == Summary(3.0, pytest.approx(1.2), pytest.approx(80.8), 5)


@given(st.lists(st.tuples(rates, rates, st.floats(0.01, 100)), min_size=1, max_size=30))
def test_what_slows_a_round_down_leaves_its_ratio_as_it_was(rounds):
    calm = ratios([ours for ours, _, _ in rounds], [theirs for _, theirs, _ in rounds])
    noisy = ratios([ours * slow for ours, _, slow in rounds], [theirs * slow for _, theirs, slow in rounds])
    assert noisy == pytest.approx(calm)
    assert calm[0] == pytest.approx(rounds[0][0] / rounds[0][1])


def test_rounds_that_one_side_did_not_finish_have_no_ratio():
    assert ratios([4.0, 6.0, 8.0], [2.0, 3.0]) == [2.0, 2.0]


def test_medians_by_stage_keep_the_order_of_the_line_and_stages_that_come_later():
    rows = [{"decode": 1.0, "infer": 5.0}, {"decode": 3.0, "infer": 7.0, "render": 2.0}]
    assert list(median_by_key(rows).items()) == [("decode", 2.0), ("infer", 6.0), ("render", 2.0)]


@given(rates)
def test_rounding_twice_is_rounding_once_and_changes_little(value):
    once = rounded({"a": [value, (value,)], "b": 10**9, "c": None, "d": "text"})
    assert rounded(once) == once
    assert once["a"][0] == pytest.approx(value, rel=1e-5)
    assert (once["b"], once["c"], once["d"]) == (10**9, None, "text")
