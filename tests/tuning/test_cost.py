"""Costs of stages, and the rate that they make."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveseg.tuning.cost import NOTHING, Cost, EngineCost, Line, LineCost, fit, rung


@given(base=st.floats(1e-4, 0.1), per_pixel=st.floats(1e-9, 1e-5))
def test_a_straight_line_is_found_again(base, per_pixel):
    found = fit([(pixels, base + per_pixel * pixels) for pixels in (20_000, 90_000, 200_000)])
    assert found.base == pytest.approx(base, rel=1e-6)
    assert found.per_pixel == pytest.approx(per_pixel, rel=1e-6)
    assert found.deviation < 1e-6


def test_small_inputs_are_fitted_as_well_as_large_ones():
    points = [(10_000, 0.001), (100_000, 0.02), (400_000, 0.08)]
    found = fit(points)
    assert found.deviation == pytest.approx(max(abs(found(pixels) / seconds - 1) for pixels, seconds in points))
    assert found.deviation < 0.35  # by absolute distances the first would be off by more than its own size


@pytest.mark.parametrize("points", [[(100, 0.1)], [(100, 0.3), (100, 0.3)], [(100, 0.01), (200, 0.03), (300, 0.08)]])
def test_costs_never_fall_below_zero(points):
    found = fit(points)
    assert found.base >= 0
    assert found.per_pixel >= 0
    assert found(0) >= 0


def test_one_point_says_that_time_grows_with_the_pixels():
    assert fit([(1000, 0.1)])(3000) == pytest.approx(0.3)


def test_times_that_fall_with_the_size_count_as_constant():
    found = fit([(100, 0.02), (1000, 0.01)])
    assert found.per_pixel == 0
    assert 0.01 < found(500) < 0.02


def test_the_scarcest_of_cores_workers_decoding_and_encoding_sets_the_rate(cost_of):
    network = cost_of("lite", 0.1)  # 0.01 s and 0.01 core seconds at 100,000 pixels
    free = LineCost(NOTHING, NOTHING, NOTHING)

    def rate(rest, cores=8, parallel=2):
        return rung(network, rest, Line(cores, parallel), 100_000).rate

    assert rate(free) == pytest.approx(200)
    assert rate(free, cores=1) == pytest.approx(100)
    assert rate(free, parallel=1) == pytest.approx(100)
    assert rate(replace(free, decode=Cost(0.02, 0.0))) == pytest.approx(50)
    assert rate(replace(free, encode=Cost(0.04, 0.0))) == pytest.approx(25)
    assert rate(replace(free, render=Cost(0.01, 0.0))) == pytest.approx(100)
    assert rate(replace(free, encode=Cost(0.001, 0.07))) == pytest.approx(100)  # 8 cores / 0.08 core seconds


def test_streams_share_the_rate(cost_of, rest):
    alone = rung(cost_of("lite", 0.1), rest, Line(cores=2, parallel=2), 100_000)
    shared = rung(cost_of("lite", 0.1), rest, Line(cores=2, parallel=2, streams=4), 100_000)
    assert shared.rate == pytest.approx(alone.rate / 4)
    assert shared.pace == pytest.approx(alone.pace / 4)
    assert shared.busy == alone.busy


def test_a_frame_step_divides_the_networks_cost_and_nothing_else(cost_of, rest):
    line = Line(cores=100, parallel=1)
    network = cost_of("lite", 1.0)
    one, three = (rung(network, rest, line, 100_000, every) for every in (1, 3))
    assert three.busy == one.busy == pytest.approx(0.1)
    assert three.cores == pytest.approx(one.cores - 0.1 * 2 / 3)
    assert three.pace == pytest.approx(1 / (0.1 / 3 + 0.001))


def test_of_a_live_source_only_so_many_frames_can_wait_for_one_mask(cost_of, rest):
    network = cost_of("lite", 1.0)
    file, live = (rung(network, rest, Line(100, 1, live=live), 100_000, 8) for live in (False, True))
    assert live.pace == pytest.approx(3 / 0.101)
    assert file.pace > 2 * live.pace


def test_the_records_survive_json(cost_of, rest):
    network = cost_of("lite", 0.1)
    assert EngineCost.from_json(json.loads(json.dumps(network.to_json()))) == network
    assert LineCost.from_json(json.loads(json.dumps(asdict(rest)))) == rest


@pytest.mark.parametrize(
    "damage",
    [
        {"samples": []}, {"samples": [{"size": 1}]}, {"samples": None}, {"contract": "{}"}, {"contract": 7},
        {"samples": [{"size": 1, "pixels": 1, "wall": -1.0, "cores": 1}]},
        {"samples": [{"size": 1, "pixels": 1, "wall": 1.0, "cores": 0}]},
    ],
)  # fmt: skip
def test_damaged_records_are_refused(cost_of, damage):
    with pytest.raises((KeyError, TypeError, ValueError)):
        EngineCost.from_json(cost_of("lite", 0.1).to_json() | damage)
