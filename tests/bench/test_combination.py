"""What is measured, and with which weights."""

from __future__ import annotations

from pathlib import Path

import pytest

from liveseg.bench.combination import expand
from liveseg.errors import UsageError
from liveseg.settings import BenchSettings


def test_every_model_meets_every_size_runtime_and_precision():
    settings = BenchSettings(
        model=("lite", "lraspp"), size=(257, "native"), runtime=("onnx", "openvino"), precision=("float32", "int8")
    )
    made = expand(settings)
    assert len(made) == len(set(made)) == 16
    assert (made[0].model, made[0].size, made[0].runtime, made[0].precision) == ("lite", 257, "onnx", "float32")
    assert (made[-1].model, made[-1].size, made[-1].runtime, made[-1].precision) == (
        "lraspp", "native", "openvino", "int8",
    )  # fmt: skip


def test_by_default_it_is_lite_at_its_own_size_and_beside_the_tutorial_at_the_videos():
    (alone,) = expand(BenchSettings(threads=3))
    assert (alone.model, alone.size, alone.runtime, alone.threads) == ("lite", None, "auto", 3)
    assert [each.size for each in expand(BenchSettings(baseline="tutorial"))] == ["native"]


def test_weights_go_to_the_model_and_the_precision_that_they_name():
    settings = BenchSettings(
        model=("lraspp", "mine"),
        runtime=("onnx", "openvino"),
        precision=("float32", "int8"),
        weights=("lraspp=a.pth", "lraspp:int8=b.onnx", "lraspp:openvino:int8=c.xml", "mine=d.onnx"),
    )
    files = {(each.model, each.runtime, each.precision): Path(each.weights).name for each in expand(settings)}
    assert files[("lraspp", "onnx", "float32")] == "a.pth"
    assert files[("lraspp", "onnx", "int8")] == "b.onnx"
    assert files[("lraspp", "openvino", "int8")] == "c.xml"
    assert files[("mine", "openvino", "int8")] == "d.onnx"


def test_weights_without_a_name_are_the_only_models():
    (made,) = expand(BenchSettings(model=("lraspp",), weights=("folder/x.pth",)))
    assert made.weights == str(Path("folder/x.pth").absolute())
    with pytest.raises(UsageError, match=r"--weights lite=x\.pth"):
        expand(BenchSettings(model=("lite", "lraspp"), weights=("x.pth",)))


@pytest.mark.parametrize("text", ["lrasp=x.pth", "lraspp:int9=x.pth", "int8=x.pth"])
def test_weights_for_nothing_that_is_measured_are_refused(text):
    with pytest.raises(UsageError, match="not one of the models measured"):
        expand(BenchSettings(model=("lraspp",), weights=(text,)))


def test_a_model_that_does_not_exist_is_named():
    with pytest.raises(UsageError, match="lraspp"):
        expand(BenchSettings(model=("lrasp",)))


def test_extra_weights_serve_where_none_are_named(tmp_path):
    settings = BenchSettings(model=("lraspp",), precision=("float32", "int8"), weights=("lraspp:int8=own.onnx",))
    names = [Path(each.weights).name for each in expand(settings, {"lraspp": tmp_path / "random.pth"})]
    assert names == ["random.pth", "own.onnx"]


@pytest.mark.parametrize(
    ("about", "message"),
    [
        ({"runtime": ("onnx", "tensorflow")}, "--runtime"),
        ({"precision": ("int4",)}, "--precision"),
        ({"baseline": "tutorial", "size": (384,)}, "native"),
        ({"baseline": "tutorial", "network_only": True}, "contradict"),
        ({"rounds": 0}, "--rounds"),
        ({"sink": "tape"}, "--sink"),
    ],
)
def test_settings_that_make_no_sense_are_refused(about, message):
    with pytest.raises(UsageError, match=message):
        BenchSettings(**about)
