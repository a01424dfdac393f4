"""The rule of `--runtime auto`, and the requests that contradict themselves."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

import pytest
import torch

from liveseg.errors import MissingExtraError, UsageError
from liveseg.runtimes import choose as rule
from liveseg.runtimes.choose import choose, installed
from liveseg.runtimes.load import Request

VIDEO = {"live": True}


@pytest.fixture
def machine(monkeypatch):
    """`machine(*installed, …)`: the edge of what differs between machines; an x86 processor without CUDA by default."""

    def prepare(*there, processor="x86_64", driver=False, torch_cuda=False, providers=()):
        monkeypatch.setattr(rule, "installed", lambda name: name in ("onnx", *there))
        monkeypatch.setattr(rule.platform, "machine", lambda: processor)
        monkeypatch.setattr(rule, "_cuda_driver_works", lambda: driver)
        monkeypatch.setattr(rule, "_torch_sees_cuda", lambda: torch_cuda)
        monkeypatch.setattr(rule, "_onnx_holds", lambda library: library in providers)

    return prepare


CUDA = {"driver": True, "torch_cuda": True}
ONNX_CUDA = {"providers": ("onnxruntime_providers_cuda",)}


@pytest.mark.parametrize(
    ("there", "machine_has", "asked", "runtime", "reason"),
    [
        ((), {}, {}, "onnx", "starts soonest"),
        (("openvino", "torch"), {}, {}, "onnx", "many sizes"),
        (("openvino", "torch"), {}, VIDEO, "openvino", "fastest on x86"),
        (("openvino",), {}, {"parallel": 2}, "openvino", "fastest on x86"),
        (("openvino",), {"processor": "AMD64"}, VIDEO, "openvino", "fastest on x86"),
        (("openvino",), {"processor": "arm64"}, VIDEO, "onnx", "every processor"),
        (("torch",), {}, VIDEO, "onnx", r"pip install 'liveseg\[openvino\]'"),
        # A GPU: for videos by itself, for pictures if asked for.
        (("openvino", "torch"), CUDA, VIDEO, "torch", "CUDA"),
        (("openvino", "torch"), CUDA, {}, "onnx", "soonest"),
        (("openvino", "torch"), CUDA, {"device": "cuda"}, "torch", "CUDA"),
        (("openvino", "torch"), CUDA, {"device": "cpu", **VIDEO}, "openvino", "x86"),
        (("openvino", "torch"), {"driver": True, **ONNX_CUDA}, VIDEO, "onnx", "its package has CUDA"),
        (("openvino",), CUDA | ONNX_CUDA, VIDEO, "onnx", "its package has CUDA"),
        (("openvino",), ONNX_CUDA, VIDEO, "openvino", "x86"),
        (("openvino",), {"providers": ("DirectML",)}, VIDEO, "onnx", "its package has DirectML"),
        # What only one of them can do.
        (("openvino", "torch"), {}, {"device": "mps"}, "torch", "drive mps"),
        (("openvino", "torch"), {}, {"device": "gpu:1"}, "openvino", "drive gpu"),
        (("openvino", "torch"), {}, {"device": "npu"}, "openvino", "drive npu"),
        (("openvino", "torch"), {}, {"device": "tensorrt"}, "onnx", "drive tensorrt"),
        (("openvino", "torch"), {}, {"weights": Path("a.xml")}, "openvino", r"read a\.xml"),
        (("openvino", "torch"), {}, {"weights": Path("a.PT2"), **VIDEO}, "torch", r"read a\.PT2"),
        (("openvino", "torch"), CUDA, {"weights": Path("a.onnx"), **VIDEO}, "openvino", "x86"),
        (("openvino", "torch"), {}, {"precision": "bfloat16"}, "openvino", "bfloat16"),
        (("torch",), {}, {"precision": "bfloat16"}, "torch", "compute in bfloat16"),
        (("openvino", "torch"), {}, {"precision": "float16"}, "torch", "float16"),
        (("openvino", "torch"), {}, {"precision": "float16", "device": "gpu"}, "openvino", "drive gpu and compute"),
        (("openvino", "torch"), {}, {"precision": "int8"}, "onnx", "soonest"),
        (("openvino", "torch"), {}, {"precision": "int8", **VIDEO}, "openvino", "x86"),
        # What was asked for is taken.
        (("openvino", "torch"), CUDA, {"runtime": "onnx", **VIDEO}, "onnx", "asked for"),
        (("openvino", "torch"), {}, {"runtime": "torch"}, "torch", "asked for"),
    ],
)  # fmt: skip
def test_auto_takes_the_fastest_that_can_do_it_and_says_why(machine, there, machine_has, asked, runtime, reason):
    machine(*there, **machine_has)
    choice = choose(Request(**asked))
    assert choice.runtime == runtime
    assert re.search(reason, choice.reason), choice.reason
    assert str(choice).startswith(f"{runtime}: ")
    assert "\n" not in str(choice)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"runtime": "tflite"}, "no such runtime 'tflite'; choose one of auto, onnx, openvino, torch"),
        ({"precision": "float8"}, "no such precision 'float8'; choose one of auto, float32"),
        ({"device": "tpu"}, "no such device 'tpu'"),
        ({"runtime": "onnx", "device": "npu"}, "onnx runtime does not drive npu; use --runtime openvino, or leave"),
        ({"runtime": "openvino", "device": "cuda"}, "does not drive cuda; use --runtime onnx or --runtime torch"),
        ({"runtime": "onnx", "precision": "bfloat16"}, "does not compute in bfloat16; use --runtime openvino or"),
        ({"runtime": "torch", "precision": "int8"}, "does not compute in int8; use --runtime onnx or --runtime"),
        ({"runtime": "torch", "weights": Path("a.onnx")}, "does not read a.onnx; use --runtime onnx or --runtime"),
        ({"runtime": "onnx", "weights": Path("a.pt2")}, "does not read a.pt2; use --runtime torch, or leave it out"),
        ({"device": "mps", "precision": "int8"}, "no runtime can drive mps and compute in int8; leave out one"),
        ({"device": "npu", "weights": Path("a.pt2")}, "no runtime can read a.pt2 and drive npu; leave out one"),
    ],
)  # fmt: skip
def test_a_request_that_contradicts_itself_is_wrong_usage(machine, asked, message):
    machine("openvino", "torch")
    with pytest.raises(UsageError) as caught:
        choose(Request(**asked))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"device": "gpu"}, "to drive gpu takes OpenVINO: pip install 'liveseg[openvino]'"),
        ({"weights": Path("a.xml")}, "to read a.xml takes OpenVINO: pip install 'liveseg[openvino]'"),
        ({"weights": Path("a.pt2")}, "to read a.pt2 takes PyTorch: pip install 'liveseg[torch]'"),
        ({"precision": "bfloat16"}, "to compute in bfloat16 takes OpenVINO: pip install 'liveseg[openvino]'"),
    ],
)
def test_what_is_not_installed_is_named_with_its_extra(machine, asked, message):
    machine()
    with pytest.raises(MissingExtraError) as caught:
        choose(Request(**asked))
    assert message in str(caught.value)


def test_what_is_installed_is_found_without_importing_it(monkeypatch):
    assert installed("onnx")
    assert installed("openvino") == (importlib.util.find_spec("openvino") is not None)
    monkeypatch.setitem(sys.modules, "torch", None)
    assert not installed("torch")


def test_a_library_of_onnx_runtime_is_found_by_its_name():
    assert rule._onnx_holds("onnxruntime_pybind11_state")
    assert not rule._onnx_holds("no_such_library")


def test_cuda_is_seen_where_pytorch_has_it():
    assert rule._torch_sees_cuda() == torch.cuda.is_available()
    assert rule._cuda_driver_works() or not torch.cuda.is_available()
