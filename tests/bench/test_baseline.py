"""The tutorial's loop as the baseline."""

from __future__ import annotations

import pytest

from liveseg.bench import baseline
from liveseg.bench.combination import Combination
from liveseg.bench.random_weights import write_random_weights
from liveseg.errors import UsageError, WeightsUnavailableError


@pytest.fixture(autouse=True)
def torch(require_module):
    require_module("torch", "torch")


def test_five_frames_of_the_tutorials_loop(clip):
    told = baseline.measure(baseline.find_script(), Combination("lite", threads=1), str(clip), 4, 1)
    assert told["frames"] == 4
    assert told["threads"] == 1, "what --threads says holds for the baseline, too"
    assert told["stages_ms"].keys() == {"network", "argmax and colour", "overlay", "write", "frame"}
    # The frame that warmed up is not in the time: what is left is near the others' own, with the end of the file.
    assert told["seconds"] < 4 * told["stages_ms"]["frame"] / 1e3 * 3
    assert told["peak_bytes"] > 100_000_000


def test_without_the_source_tree_the_remedy_is_said(monkeypatch, tmp_path):
    folder = tmp_path / "site" / "liveseg" / "bench"
    monkeypatch.setattr(baseline, "__file__", str(folder / "baseline.py"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="clone of liveseg"):
        baseline.find_script()
    script = tmp_path / "benchmarks" / "tutorial_loop.py"
    script.parent.mkdir()
    script.touch()
    assert baseline.find_script() == script


def test_the_loop_runs_checkpoints_only(monkeypatch, tmp_path):
    monkeypatch.setenv("LIVESEG_HOME", str(tmp_path))
    assert baseline.checkpoint(Combination("lite")) is None
    assert baseline.checkpoint(Combination("lraspp", weights="x.pth")) == "x.pth"
    with pytest.raises(UsageError, match=r"--weights lraspp=FILE\.pth"):
        baseline.checkpoint(Combination("lraspp", weights="x.onnx"))
    with pytest.raises(WeightsUnavailableError, match="liveseg pull lraspp"):
        baseline.checkpoint(Combination("lraspp"))


def test_random_weights_are_the_same_every_time_and_load(tmp_path):
    import torch

    from liveseg.models.checkpoint import identify, load_state

    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    first, second = (load_state(write_random_weights("lraspp", tmp_path / f"{name}.pth")) for name in "ab")
    assert identify(first) == "lraspp"
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert torch.equal(torch.random.get_rng_state(), before), "the caller's own random numbers go on undisturbed"
