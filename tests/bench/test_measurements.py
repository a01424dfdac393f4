"""The measurements themselves, on a real clip with the bundled model; none says anything of a speed."""

from __future__ import annotations

import time

import pytest

from liveseg.bench import agreement, line, network, streams
from liveseg.bench.combination import Combination
from liveseg.errors import UsageError
from liveseg.job import Outcome
from liveseg.runtimes import choose
from liveseg.streams import Stream


def test_a_probe_says_what_really_runs(task):
    told = line.probe(task("probe"))
    assert told["runtime"] in ("onnx", "openvino")
    assert told["network_input"] == [129, 97]
    assert told["threads"] == 1
    assert told["precision"] != "auto"


def test_the_whole_line_counts_its_frames_and_stages_without_those_that_warm_up(task):
    began = time.time()
    told = line.measure(task("line", encode=True, begun=began - 100))
    assert told["frames"] == 3
    assert told["stages_ms"].keys() == {"decode", "preprocess", "infer", "smooth", "postprocess", "render", "encode"}
    assert next(iter(told["stages_ms"])) == "decode"
    assert told["frames_per_second"] == pytest.approx(3 / told["seconds"])
    assert told["latency_ms"]["p5"] <= told["latency_ms"]["p95"]
    assert 100 < told["first_frame_seconds"] < 100 + time.time() - began
    assert {row["thread"] for row in told["thread_times"]} >= {"reader", "caller"}
    assert told["peak_bytes"] > 50_000_000
    assert told["own_cores"] > 0


def test_a_line_to_nothing_does_not_encode(task):
    assert "encode" not in line.measure(task("line", warmup=0))["stages_ms"]


class Spy:
    """A runtime that notes what it is called with."""

    def __init__(self, runtime, shapes):
        self.runtime, self.shapes = runtime, shapes

    def __call__(self, images):
        self.shapes.append(images.shape)
        return self.runtime(images)

    def __getattr__(self, name):
        return getattr(self.runtime, name)


def test_the_network_alone_is_called_once_a_frame(task, monkeypatch):
    shapes = []

    def opened(combination):
        segmenter = line.open_segmenter(combination)
        segmenter._runtime = Spy(segmenter._runtime, shapes)
        return segmenter

    monkeypatch.setattr(network, "open_segmenter", opened)
    told = network.measure(task("network", frames=5, warmup=2))
    assert shapes == [(1, 97, 129, 3)] * 7
    assert told["frames"] == 5
    assert told["call_ms"]["p5"] <= told["call_ms"]["p50"] <= told["call_ms"]["p95"]


def test_masks_agree_with_pytorch_and_not_with_those_of_another_size(task, require_module):
    require_module("torch", "torch")
    ours = Combination("lite", runtime="onnx", precision="float32", size=97, threads=1)
    reference = Combination("lite", runtime="torch", precision="float32", size=97, threads=1)
    same = agreement.measure(task("agreement", combination=ours, reference=reference))
    assert same["frames"] == 3
    assert same["pixels"] == 3 * 480 * 360
    assert same["share"] > 0.999
    assert same["worst_frame"] <= same["share"]
    assert "person" in same["classes"]
    other = agreement.measure(
        task("agreement", combination=Combination("lite", size=257, threads=1), reference=reference)
    )
    assert 0.5 < other["share"] < 0.99


@pytest.mark.parametrize("threads", [1, 2])
def test_what_is_compared_is_what_is_measured(task, require_module, monkeypatch, threads):
    require_module("torch", "torch")
    require_module("openvino", "openvino")
    monkeypatch.setattr(choose.platform, "machine", lambda: "x86_64")
    ours = Combination("lite", size=97, threads=threads, device="cpu")
    reference = Combination("lite", runtime="torch", precision="float32", size=97, threads=threads, device="cpu")
    probed = line.probe(task("probe", combination=ours))
    told = agreement.measure(task("agreement", combination=ours, reference=reference, frames=1))
    assert probed["runtime"] == told["runtime"] == "openvino"
    assert (probed["device"], probed["precision"]) == (told["device"], told["precision"])


def test_streams_that_nobody_could_hold_are_not_held(task):
    told = streams.measure(
        task("streams", streams=2, seconds=1.0, combination=Combination("lite", size=1537, threads=1))
    )
    assert told["held"] is False
    assert len(told["each"]) == 2
    assert told["dropped_share"] == max(row["dropped_share"] for row in told["each"]) > 0.01


def outcome(frames, ages):
    made = Outcome(frames=frames, seconds=1.0)
    for age in ages:
        made.age.add(age)
    return made


@pytest.mark.parametrize(
    ("frames", "age", "held"), [(300, 0.1, True), (298, 0.1, True), (290, 0.1, False), (300, 0.3, False)]
)
def test_a_stream_is_held_while_it_loses_no_frames_and_stays_young(task, monkeypatch, frames, age, held):
    def ran(made, *, stop):
        for stream in made:
            stream.outcome = outcome(frames, [age] * 10)

    monkeypatch.setattr(streams, "run_streams", ran)
    told = streams.measure(task("streams", streams=2, seconds=10.0))
    assert told["held"] is held
    assert told["dropped_share"] == pytest.approx(1 - frames / 300)
    assert told["age_ms"]["p95"] == pytest.approx(age * 1e3)


def test_a_stream_that_failed_fails_the_measurement(task):
    broken = Stream("one", lambda: None, error=UsageError("broken"))
    with pytest.raises(UsageError, match="broken"):
        streams._row(broken, task("streams", seconds=1.0))
    silent = Stream("two", lambda: None, outcome=Outcome())
    assert streams._row(silent, task("streams", seconds=1.0))["dropped_share"] == 1.0
