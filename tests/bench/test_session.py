"""A benchmark from beginning to end."""

from __future__ import annotations

import pytest

from liveseg.bench import random_weights, session
from liveseg.bench.child import FailedMeasurementError
from liveseg.bench.session import Session
from liveseg.bench.table import remarks
from liveseg.errors import MediaError, SourceNotFoundError
from liveseg.settings import BenchSettings


@pytest.mark.long
def test_rounds_take_turns_and_what_is_not_here_is_left_out_with_its_reason(clip, monkeypatch, tmp_path):
    monkeypatch.setenv("LIVESEG_HOME", str(tmp_path))
    steps = []
    settings = BenchSettings(model=("lite", "lraspp"), size=(97,), frames=3, rounds=2, warmup=1, threads=1, sink="null")
    result = Session(settings, clip, command="liveseg bench", say=steps.append).run()
    lite, lraspp = result.entries
    assert lraspp.offered
    assert result.failed
    assert "liveseg pull lraspp" in lraspp.error
    assert lraspp.rounds == []
    assert lite.error is None
    assert lite.weights == "bundled"
    assert [row["frames"] for row in lite.rounds] == [3, 3]
    assert [row["frames"] for row in lite.network_rounds] == [3, 3]
    assert len(result.limits) == 2
    assert result.limits[0]["threads"] == 1
    assert result.summary(lite)["share_of_limit"] > 0
    assert result.source == {"name": "video_1.mp4", "width": 480, "height": 360, "frames": 150, "frames_per_second": 25}
    assert result.settings["frames"] == 3
    rounds = [step for step in steps if step.startswith("round")]
    assert [step.split(":")[0] for step in rounds] == ["round 1 of 2"] * 3 + ["round 2 of 2"] * 3
    assert type(result).from_json(result.to_json()).to_json() == result.to_json()


@pytest.fixture
def answers(monkeypatch):
    """Answers in place of measurements, so that only their order and their failures are looked at."""
    fixed = {
        "probe": {"runtime": "onnx", "precision": "float32", "network_input": [129, 97], "size": 97, "device": "cpu"},
        "limit": {"products": []},
    }

    def answer(task, environment=None):
        if task.do == "line" and task.combination.size == 65:
            raise FailedMeasurementError("line ended with signal 9")
        if task.do == "limit" and task.combination.size == 129:
            raise FailedMeasurementError("no library multiplies here")
        if task.do == "streams":
            return {"streams": task.streams, "held": task.streams <= 2}
        return fixed.get(task.do) or {"frames_per_second": 10.0, "peak_bytes": 1, "other_cores": None}

    monkeypatch.setattr(session, "measure", answer)


def test_rounds_go_from_one_to_the_next(answers, clip):
    steps = []
    settings = BenchSettings(size=(129, 97), rounds=2, network_only=True)
    result = Session(settings, clip, command="", say=steps.append).run()
    assert [entry.rounds for entry in result.entries] == [[], []]
    assert [entry.rate.count for entry in result.entries] == [2, 2]
    assert [step.split(" at ")[1].split()[0] for step in steps if "network" in step] == ["129", "97", "129", "97"]
    assert result.limits == []
    assert result.notes == ["the machine's limit was not measured: no library multiplies here"]
    assert result.notes[0] in remarks(result)


def test_what_fails_is_left_out_and_the_rest_goes_on(answers, clip, tmp_path, require_module):
    require_module("torch", "torch")
    settings = BenchSettings(
        model=("own",), weights=(f"own={tmp_path / 'own.onnx'}",), size=(97, 65), agreement=True, streams=True
    )
    result = Session(settings, clip, command="", say=lambda _step: None).run()
    fine, killed = result.entries
    assert fine.error is None
    assert len(fine.rounds) == 3
    assert "checkpoint" in fine.notes[0]
    assert [trial["streams"] for trial in fine.streams] == [1, 2, 3, 4]
    assert fine.held_streams == 2
    assert killed.error == "line ended with signal 9"
    assert killed.network_rounds == []
    assert killed.streams is None


@pytest.mark.long
def test_the_tutorial_and_pytorch_beside_it(clip, require_module):
    require_module("torch", "torch")
    settings = BenchSettings(baseline="tutorial", agreement=True, frames=2, rounds=1, warmup=0, threads=1)
    result = Session(settings, clip, command="", say=lambda _step: None).run()
    (entry,) = result.entries
    assert entry.error is None
    assert entry.notes == []
    assert entry.found["network_input"] == [481, 353]
    assert entry.agreement["share"] > 0.98
    assert "person" in entry.agreement["classes"]
    (own,) = result.baselines
    assert own.error is None
    assert own.rounds[0]["threads"] == 1
    ratio = result.summary(entry)["ratio_to_tutorial"]
    assert ratio["median"] == pytest.approx(entry.rates[0] / own.rates[0])


@pytest.mark.long
def test_what_no_runtime_offers_is_named_and_is_no_failure(clip):
    settings = BenchSettings(
        runtime=("onnx",),
        precision=("float32", "bfloat16"),
        size=(97,),
        frames=2,
        rounds=1,
        warmup=0,
        network_only=True,
    )
    result = Session(settings, clip, command="", say=lambda _step: None).run()
    fine, absent = result.entries
    assert (fine.error, fine.offered) == (None, True)
    assert absent.error
    assert not absent.offered
    assert not result.failed


def test_masks_of_another_runtime_than_was_measured_do_not_count(answers, clip, monkeypatch):
    real = session.measure

    def answer(task, environment=None):
        if task.do == "agreement":
            return {"runtime": "openvino", "device": "cpu", "precision": "bfloat16", "share": 1.0, "classes": []}
        return real(task, environment)

    monkeypatch.setattr(session, "measure", answer)
    settings = BenchSettings(size=(97,), rounds=1, agreement=True)
    (entry,) = Session(settings, clip, command="", say=lambda _step: None).run().entries
    assert entry.agreement is None
    assert "openvino on cpu in bfloat16 would be compared, and onnx on cpu in float32 was measured" in entry.notes[0]


def test_random_weights_leave_published_ones_that_are_here_alone(answers, clip, monkeypatch):
    made = []
    monkeypatch.setattr(session, "verify", lambda entry: "ok" if entry.name == "lraspp" else "missing")
    monkeypatch.setattr(random_weights, "write_random_weights", lambda name, path: made.append(name) or path)
    settings = BenchSettings(model=("lraspp", "deeplabv3", "lite"), random_weights=True, size=(97,), rounds=1)
    result = Session(settings, clip, command="", say=lambda _step: None).run()
    assert made == ["deeplabv3"]
    assert [entry.weights for entry in result.entries] == ["published", "random", "bundled"]


@pytest.mark.long
def test_random_weights_serve_everything_where_there_are_no_others(clip, require_module, monkeypatch, tmp_path):
    require_module("torch", "torch")
    monkeypatch.setenv("LIVESEG_HOME", str(tmp_path))
    settings = BenchSettings(
        model=("lraspp",), random_weights=True, baseline="tutorial", agreement=True, frames=2, rounds=1, warmup=1
    )
    result = Session(settings, clip, command="", say=lambda _step: None).run()
    (entry,) = result.entries
    assert (entry.error, entry.weights, entry.notes) == (None, "random", [])
    assert entry.found["network_input"] == [480, 360]
    assert entry.agreement["share"] > 0.9
    assert result.baselines[0].error is None


@pytest.mark.parametrize(
    ("name", "error"), [("nothing.mp4", SourceNotFoundError), ("image_1.jpg", MediaError), (".", MediaError)]
)
def test_what_is_no_video_is_refused_before_anything_is_measured(samples, name, error):
    with pytest.raises(error):
        Session(BenchSettings(), samples / name, command="", say=lambda _step: None)
