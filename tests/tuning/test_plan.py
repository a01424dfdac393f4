"""From a wanted rate to what runs: measured once, explained, and obedient."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from liveseg.errors import LivesegError, UsageError, WeightsUnavailableError
from liveseg.settings import ModelSettings
from liveseg.tuning import survey as survey_module
from liveseg.tuning.cost import Line
from liveseg.tuning.engines import Networks
from liveseg.tuning.measure import Encode
from liveseg.tuning.plan import plan

FRAME = (320, 240)
SECONDS_A_PIXEL = 4e-7
"""What the stand-in for a network takes: 17 ms at size 177, 52 ms at 321."""


@pytest.fixture
def planned(home, fake_runtime, monkeypatch):
    """`planned(target, **of plan and ModelSettings)`: a plan with stand-ins for networks, told lines in `.told`."""
    monkeypatch.setattr(survey_module, "BUDGET", 1.5)
    monkeypatch.setattr(survey_module._Others, "used", lambda self: 0.0)  # whatever else this machine does

    def make(
        target,
        *,
        live=True,
        missing=("int8",),
        streams=1,
        source_rate=None,
        encode=None,
        keep=True,
        fixed=None,
        **asked,
    ):
        settings = ModelSettings(**asked)
        loads, told = [], []

        def loader(request):
            loads.append((request.model, request.runtime, request.precision))
            if request.precision in missing:
                raise WeightsUnavailableError("no such file")
            runtime = fake_runtime(request.model or "own", per_pixel=SECONDS_A_PIXEL)
            if fixed is not None:
                runtime.contract = replace(runtime.contract, fixed_size=fixed, default_size=min(fixed))
            if request.precision != "auto":
                runtime.precision, runtime.per_pixel = request.precision, SECONDS_A_PIXEL / 2
            return runtime

        networks = Networks(settings, Line(2, 1, streams, live=live), loader=loader)
        made = plan(
            target, FRAME, settings=settings, live=live, encode=encode, streams=streams, source_rate=source_rate,
            networks=networks, tell=told.append, keep=keep,
        )  # fmt: skip
        made.loads, made.told = loads, told
        return made

    return make


def test_the_largest_size_that_holds_the_target_is_chosen_and_said(planned):
    found = planned(25)
    size = found.chosen.size
    assert 177 <= size <= 273  # 1 / (25 * 1.1) s is what size 241 takes
    assert found.reaches
    assert found.chosen.reaches(25)
    assert found.said[-1].startswith(f"lite {size} (fake float32) is the best that holds 25 frames a second at 320x240")
    assert [row.level for row in found.table if row.verdict == "chosen"] == [found.chosen]
    assert found.levels[found.home] == found.chosen


def test_a_target_out_of_reach_gets_the_fastest_and_what_to_expect(planned):
    found = planned(100_000)
    assert not found.reaches
    assert found.chosen.rung.rate == max(level.rung.rate for level in found.levels)
    assert found.said[-1].startswith("nothing here holds 100000 frames a second at 320x240; lite 129")
    assert f"expect about {found.chosen.rung.rate:.1f}" in found.said[-1]


def test_it_is_measured_once(planned, home):
    first = planned(25, missing=())
    assert first.told
    (file,) = (home / "tuning").glob("*.json")
    before = file.stat().st_mtime_ns
    second = planned(40, missing=())
    assert second.told == second.loads == []
    assert str(file) in second.said[0]
    assert file.stat().st_mtime_ns == before
    assert second.chosen.size < first.chosen.size


@pytest.mark.long
def test_another_source_size_line_or_encoder_is_measured_anew(planned, home):
    for changed in ({}, {"live": False}, {"encode": Encode()}, {"encode": Encode(preset="ultrafast")}, {"threads": 1}):
        assert planned(25, **changed).told
    assert len(list((home / "tuning").glob("*.json"))) == 5


@pytest.mark.long
def test_a_corrupt_cache_is_measured_again(planned, home):
    planned(25)
    (file,) = (home / "tuning").glob("*.json")
    file.write_text("{", encoding="utf-8")
    survey_module._recent.clear()
    assert planned(25).told
    assert json.loads(file.read_text(encoding="utf-8"))["schema"] == 2


@pytest.mark.long
def test_a_model_that_came_later_is_measured_beside_what_is_known(planned, home):
    planned(25, precision="float32")
    again = planned(25, precision="bfloat16")
    assert again.told
    assert ("lite", "auto", "float32") not in again.loads
    (file,) = (home / "tuning").glob("*.json")
    assert len(json.loads(file.read_text(encoding="utf-8"))["engines"]) == 2


@pytest.mark.long
def test_a_faster_precision_buys_a_larger_size(planned):
    without, with_it = planned(25, missing=("int8",)).chosen, planned(25, missing=(), threads=2).chosen
    assert with_it.precision == "int8"
    assert with_it.size > without.size


@pytest.mark.long
def test_what_could_not_be_had_is_named_and_tried_again_without_measuring_the_rest(planned):
    first, second = planned(25), planned(30)
    for found in (first, second):
        assert ("lite", "auto", "int8") in found.loads
        assert "left out lite (auto int8): no such file" in found.said
    assert second.told == []
    third = planned(30, missing=())
    assert third.told
    assert "int8" in {row.level.precision for row in third.table}


@pytest.mark.long
def test_beside_other_lines_of_this_process_figures_are_used_but_not_kept(planned, home):
    found = planned(25, keep=False)
    assert any("other lines of this process" in line for line in found.said)
    assert not (home / "tuning").exists()
    assert planned(25).told == []
    planned(25, missing=())  # one more network beside those figures, which did not become better
    assert not (home / "tuning").exists()
    survey_module._recent.clear()
    assert planned(25).told
    assert len(list((home / "tuning").glob("*.json"))) == 1


def test_a_network_of_one_size_runs_at_that(planned):
    found = planned(5, model="lite", fixed=(177, 225))
    assert {level.size for level in found.levels} == {177}
    assert found.segmenter()._inner[0]._runtime.inputs[-1] == (177, 225)
    assert planned(5, model="lite", fixed=(177, 225), size=177).chosen.size == 177
    with pytest.raises(UsageError, match="takes inputs of 225x177 only"):
        planned(5, model="lite", fixed=(177, 225), size=129)


def test_on_a_busy_machine_figures_are_used_but_not_kept(planned, home, monkeypatch):
    monkeypatch.setattr(survey_module._Others, "used", lambda self: 1.0)
    found = planned(25)
    assert any("others used 1.0 of" in line for line in found.said)
    assert not (home / "tuning").exists()
    again = planned(25)
    assert again.told == []  # for this process they will do
    assert again.said[0] == "measured just now"


def test_streams_that_start_at_the_same_time_measure_once(planned):
    with ThreadPoolExecutor(3) as pool:
        plans = list(pool.map(lambda _: planned(8, streams=3), range(3)))
    assert sorted(len(each.told) for each in plans) == [0, 0, 1]
    assert len({each.chosen for each in plans}) == 1


@pytest.mark.parametrize(
    "asked", [{"size": 161}, {"model": "lraspp"}, {"runtime": "onnx"}, {"precision": "float32"}, {"size": "native"}]
)
def test_what_the_user_names_is_not_chosen_otherwise(planned, asked):
    found = planned(5, **asked)
    for name, value in asked.items():
        assert {getattr(level.engine, name, None) or level.size for level in found.levels} == {value}


def test_a_model_that_cannot_be_had_is_an_error_in_one_line(planned):
    with pytest.raises(LivesegError, match="no such file"):
        planned(25, precision="int8")


@pytest.mark.parametrize("target", [0, -1, float("nan")])
def test_a_target_that_is_no_rate_is_refused(planned, target):
    with pytest.raises(UsageError, match="--target-fps is above 0"):
        planned(target)


def test_streams_share_the_machine(planned):
    assert planned(8, streams=3).chosen.size < planned(8).chosen.size
    assert "of each of 3 streams" in planned(8, streams=3).said[-1]


@pytest.mark.long
def test_no_more_is_aimed_at_than_a_live_source_gives(planned):
    found = planned(25, source_rate=12)
    assert found.target == 12
    assert "the source gives 12 frames a second, so that is the target" in found.said
    assert found.chosen.size > planned(25).chosen.size
    assert planned(25, source_rate=12, live=False).target == 25


def test_of_a_live_source_the_segmenter_adapts_of_a_file_it_stays(planned):
    live, file = planned(25), planned(25, live=False)
    on_ladder, fixed = live.segmenter(), file.segmenter()
    assert len(on_ladder.levels) == len(live.levels) > 1
    assert on_ladder.size == live.chosen.size
    assert fixed.levels == (file.chosen,)
    assert fixed.size == file.chosen.size
    assert live.segmenter() is not on_ladder  # one for each stream, which share their networks
    assert live.segmenter()._inner[0]._runtime is on_ladder._inner[0]._runtime


def test_measuring_takes_about_as_long_as_it_says(planned):
    began = time.perf_counter()
    planned(25, encode=Encode())
    assert time.perf_counter() - began < 20  # with a budget of 1.5 s, on a machine that may be very busy


def test_with_the_bundled_model_everything_is_real(home):
    """No stand-in: the cheapest target there is, on the default runtime, once measured and once remembered."""
    told = []
    asked = {"settings": ModelSettings(runtime="onnx", model="lite"), "live": True, "encode": Encode()}
    found = plan(1, (160, 120), tell=told.append, **asked)
    assert found.chosen.quality == max(level.quality for level in found.levels)
    assert found.chosen.runtime == "onnx"
    assert len(told) == 1
    segmenter = found.segmenter()
    from liveseg.tuning.scene import scene

    assert segmenter.segment(scene(160, 120)[0]).mask.shape == (120, 160)
    again = plan(1, (160, 120), tell=told.append, **asked)
    assert len(told) == 1
    assert again.chosen.model == "lite"
