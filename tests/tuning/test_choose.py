"""What is chosen, and which levels make the ladder."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveseg.contract import ModelContract
from liveseg.labels import PASCAL_VOC
from liveseg.models.registry import MODELS, find_model
from liveseg.tuning.cache import Measurement
from liveseg.tuning.choose import (
    MOST_RUNGS,
    PRECISION_SHARE,
    STEP_SHARE,
    Row,
    choose,
    ladder,
    levels_of,
    quality_of,
    sizes_measured,
    sizes_of,
    table,
)
from liveseg.tuning.cost import Cost, Line
from liveseg.tuning.engines import Engine
from liveseg.tuning.governor import HEADROOM

FRAME = (768, 576)
LITE = find_model("lite").contract


@pytest.fixture
def levels(cost_of, rest):
    """`levels(lite=seconds a megapixel, …)`: every way to run these models."""

    def make(*, size=None, **models):
        engines = [Engine(name) for name in models]
        costs = {engine.key: cost_of(engine.model, models[engine.model]) for engine in engines}
        return levels_of(Measurement(rest, costs), engines, Line(cores=8, parallel=1), FRAME, size)

    return make


def test_the_best_quality_that_reaches_the_target_is_taken(levels):
    ways = levels(lite=0.1)
    for target in (20, 60, 90, 120):
        best = choose(ways, target)
        assert best.rung.rate >= HEADROOM * target
        better = [level for level in ways if level.every == 1 and level.quality > best.quality]
        assert all(level.rung.rate < HEADROOM * target for level in better)
    assert choose(ways, 20).size == 385
    assert choose(ways, 90).size < 321


def test_a_better_model_is_taken_where_it_is_fast_enough(levels):
    ways = levels(lite=0.1, lraspp=0.2)
    assert choose(ways, 8).model == "lraspp"
    assert choose(ways, 8).size == 520
    assert choose(levels(lite=0.1, lraspp=20.0), 25).model == "lite"


def test_leaving_frames_out_is_the_last_resort(levels):
    ways = levels(lite=1.0)
    fastest = max(level.rung.rate for level in ways if level.every == 1)
    assert choose(ways, fastest / HEADROOM - 0.1).every == 1
    assert choose(ways, fastest / HEADROOM + 0.1).every > 1


def test_what_nothing_reaches_gets_the_fastest(levels):
    ways = levels(lite=1.0)
    best = choose(ways, 1e6)
    assert best.rung.rate == max(level.rung.rate for level in ways)
    assert not best.reaches(1e6)


def test_of_equally_fast_ways_that_reach_nothing_one_without_gaps_is_taken(cost_of, rest):
    """Where encoding sets the rate, small inputs and left-out frames gain nothing."""
    slow = replace(rest, encode=Cost(0.5, 0.5))
    engine = Engine("lite")
    ways = levels_of(Measurement(slow, {engine.key: cost_of("lite", 0.1)}), [engine], Line(8, 1), FRAME)
    best = choose(ways, 25)
    assert len({level.rung.rate for level in ways}) == 1
    assert (best.every, best.size) == (1, 385)
    assert ladder(ways, best) == [best]


@given(target=st.floats(1, 500), speed=st.floats(0.01, 3), other=st.floats(0.01, 3))
def test_any_ladder_falls_in_quality_and_rises_in_rate_and_holds_the_choice(cost_of, rest, target, speed, other):
    engines = [Engine("lite"), Engine("lraspp")]
    costs = {engines[0].key: cost_of("lite", speed), engines[1].key: cost_of("lraspp", other)}
    ways = levels_of(Measurement(rest, costs), engines, Line(cores=2, parallel=1, live=True), FRAME)
    home = choose(ways, target)
    rungs = ladder(ways, home)
    assert home in rungs
    assert len(rungs) <= MOST_RUNGS
    assert all(after.rung.rate >= 1.2 * before.rung.rate for before, after in pairwise(rungs))
    steps = [level.every > 1 for level in rungs]
    assert steps == sorted(steps)
    for kind in (False, True):
        qualities = [level.quality for level in rungs if (level.every > 1) is kind]
        assert qualities == sorted(qualities, reverse=True)
    assert not any(way.quality > home.quality and way.reaches(target) and way.every == 1 for way in ways)


def test_a_size_that_the_user_names_is_not_changed(levels):
    ways = levels(lite=0.1, size=200)
    assert {level.size for level in ways} == {200}
    assert {level.every for level in ways} == set(STEP_SHARE)
    native = levels(lite=0.1, size="native")
    assert {level.size for level in native} == {"native"}
    assert native[0].rung.busy == pytest.approx(0.1 * 577 * 769 / 1e6, rel=1e-3)


def test_equal_ways_of_two_wishes_count_once(cost_of, rest):
    engines = [Engine("lite"), Engine("lite", precision="int8")]
    same = {engine.key: cost_of("lite", 0.1) for engine in engines}
    ways = levels_of(Measurement(rest, same), engines, Line(2, 1), FRAME)
    assert len(ways) == len(sizes_of(LITE)) * len(STEP_SHARE)


def test_sizes_obey_the_models_rule():
    assert sizes_of(LITE)[0] == 129
    assert sizes_of(LITE)[-1] == 385
    assert all(LITE.fit(size) == size for size in sizes_of(LITE))
    own = ModelContract("mine", PASCAL_VOC, multiple=32, default_size=512)
    assert all(size % 32 == 0 for size in sizes_of(own))
    assert sizes_of(own)[-1] == 512
    for contract in (LITE, own):
        assert set(sizes_measured(contract)) < set(sizes_of(contract))
        assert len(sizes_measured(contract)) == 3


def test_the_registrys_qualities_are_those_of_the_default_size_and_rise():
    for info in MODELS.values():
        assert list(info.quality) == sorted(info.quality)
        values = [value for _, value in info.quality]
        assert values == sorted(values)
        if info.quality:
            assert dict(info.quality)[info.contract.default_size] == info.measured_miou


def test_quality_follows_the_measured_numbers_and_the_stated_assumptions():
    assert quality_of(LITE, 321, "float32") == 38.0
    assert quality_of(LITE, 385, "bfloat16") == 39.2
    assert quality_of(LITE, 353, "float32") == pytest.approx(38.6)
    assert quality_of(LITE, 1000, "float32") == 39.2
    assert 0 < quality_of(LITE, 64, "float32") < quality_of(LITE, 129, "float32") == 29.2
    assert quality_of(LITE, 321, "int8") == pytest.approx(38.0 * PRECISION_SHARE["int8"])
    assert quality_of(LITE, 321, "float32", 2) == pytest.approx(38.0 * STEP_SHARE[2])
    lraspp = find_model("lraspp").contract
    assert [quality_of(lraspp, size, "float32") for size in (520, 900)] == pytest.approx([57.9, 57.9])
    assert quality_of(lraspp, 520 * 161 / 321, "float32") == pytest.approx(57.9 * 31.6 / 38.0)
    own = ModelContract("mine", PASCAL_VOC, default_size=400)
    assert quality_of(own, 400, "float32") == 100
    assert quality_of(own, "native", "float32", native=400) == 100


def test_the_table_shows_the_choice_and_what_reaches(levels):
    ways = levels(lite=0.1)
    best = choose(ways, 60)
    rows = table(ways, best, 60)
    assert [row.level for row in rows if row.verdict == "chosen"] == [best]
    assert all(row.level.reaches(60) == (row.verdict != "") for row in rows)
    assert 3 <= len(rows) <= 9
    assert all(len(row.cells) == len(Row.HEADINGS) for row in rows)
    assert f"{best.rung.rate:.1f}" in next(row for row in rows if row.verdict == "chosen").cells


def test_a_level_has_a_name_that_says_all(levels):
    ways = levels(lite=0.1)
    assert ways[0].name == "lite 129 (onnx float32)"
    assert ways[2].name == "lite 129 (onnx float32), one frame of 3"
