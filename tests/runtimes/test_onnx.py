"""What ONNX Runtime's other providers ask for, and the files that it refuses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnxruntime
import pytest

from liveseg.errors import DeviceError, UsageError, WeightsError
from liveseg.models.registry import find_model
from liveseg.runtimes.onnx import OnnxRuntime, provided
from liveseg.weights.locate import bundled

LITE = bundled("lite", "onnx")
PICTURE = np.zeros((1, 33, 49, 3), np.uint8)


@pytest.fixture
def edge(monkeypatch):
    """The edge of what cannot run here: an ONNX Runtime that lists providers, and records what it is asked for.

    `edge(*listed, works=True)`; its sessions compute on the CPU, and say that they run on the first provider asked
    for where it works.
    """
    real = onnxruntime.InferenceSession
    asked = []

    def prepare(*listed, works=True):
        class Session:
            def __init__(self, path, options, providers):
                asked.append((options, providers))
                self._real = real(path, options, ["CPUExecutionProvider"])

            def get_providers(self):
                names = [own if isinstance(own, str) else own[0] for own in asked[-1][1]]
                return names if works else ["CPUExecutionProvider"]

            def __getattr__(self, name):
                return getattr(self._real, name)

        names = [f"{own}ExecutionProvider" for own in (*listed, "CPU")]
        monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: names)
        monkeypatch.setattr(onnxruntime, "InferenceSession", Session)
        return asked

    return prepare


@pytest.mark.parametrize(
    ("listed", "device", "runs_on", "provider"),
    [
        (("CUDA",), "auto", "cuda:0", "CUDA"),
        (("Tensorrt", "CUDA"), "auto", "cuda:0", "CUDA"),
        (("Tensorrt", "CUDA"), "cuda:1", "cuda:1", "CUDA"),
        (("Tensorrt", "CUDA"), "tensorrt:1", "tensorrt:1", "Tensorrt"),
        (("Dml",), "auto", "directml:0", "Dml"),
        (("Dml",), "directml:1", "directml:1", "Dml"),
        (("CoreML",), "coreml", "coreml", "CoreML"),
        (("CoreML",), "auto", "cpu", "CPU"),
        (("Tensorrt",), "auto", "cpu", "CPU"),
        (("CUDA", "Dml"), "cpu", "cpu", "CPU"),
    ],
)
def test_a_device_asks_for_its_provider(edge, home, listed, device, runs_on, provider):
    asked = edge(*listed)
    runtime = OnnxRuntime(LITE, device=device)
    assert runtime.device == runs_on
    first = asked[0][1][0]
    assert (first if isinstance(first, str) else first[0]) == f"{provider}ExecutionProvider"
    assert asked[0][1][-1] == "CPUExecutionProvider"
    if ":" in runs_on:
        assert first[1]["device_id"] == int(runs_on[-1])
    assert runtime(PICTURE).shape[:2] == (1, 21)


def test_float32_on_cuda_rounds_no_factor(edge):
    asked = edge("CUDA")
    for precision in ("auto", "float32"):
        OnnxRuntime(LITE, device="cuda", precision=precision)
    assert [providers[0][1]["use_tf32"] for _, providers in asked] == [1, 0]


def test_tensorrt_keeps_its_engines_in_liveseg_s_home(edge, home):
    asked = edge("Tensorrt")
    OnnxRuntime(LITE, device="tensorrt")
    folder = asked[0][1][0][1]["trt_engine_cache_path"]
    assert folder == str(home / "tensorrt")
    assert (home / "tensorrt").is_dir()


def test_directml_gets_the_settings_that_it_needs(edge):
    asked = edge("Dml")
    OnnxRuntime(LITE, device="directml")
    assert not asked[0][0].enable_mem_pattern


@pytest.mark.parametrize(
    ("listed", "device"), [("CUDA", "cuda"), ("Tensorrt", "tensorrt"), ("Dml", "directml"), ("CoreML", "coreml")]
)
def test_a_provider_that_fell_back_in_silence_is_an_error(edge, home, listed, device):
    edge(listed, works=False)
    with pytest.raises(DeviceError, match="fell back to the CPU"):
        OnnxRuntime(LITE, device=device)
    assert OnnxRuntime(LITE, device="auto").device == "cpu"


@pytest.mark.parametrize(
    ("device", "remedy"),
    [
        ("cuda", "CUDA was asked for.*onnxruntime-gpu"), ("tensorrt", "onnxruntime-gpu and install TensorRT"),
        ("directml", "onnxruntime-directml"), ("coreml", "macOS"),
    ],
)  # fmt: skip
def test_a_provider_that_is_not_installed_is_an_error_with_its_package(device, remedy):
    if device in provided():
        pytest.skip(f"this ONNX Runtime has {device}")
    with pytest.raises(DeviceError, match=remedy):
        OnnxRuntime(LITE, device=device)


@pytest.mark.parametrize("device", ["mps", "gpu", "npu"])
def test_a_device_of_another_runtime_is_an_error(device):
    with pytest.raises(DeviceError, match=f"does not drive {device}"):
        OnnxRuntime(LITE, device=device)


@pytest.mark.parametrize(
    ("precision", "remedy"),
    [("bfloat16", "--runtime openvino"), ("float16", "--runtime openvino"), ("int8", "liveseg quantize")],
)
def test_a_precision_that_it_has_not_is_an_error_with_its_remedy(precision, remedy):
    with pytest.raises(UsageError, match=remedy):
        OnnxRuntime(LITE, precision=precision)


def test_a_quantised_graph_is_int8_and_nothing_else():
    contract = replace(find_model("lite").contract, quantized=True)
    assert OnnxRuntime(LITE, contract=contract).precision == "int8"
    assert OnnxRuntime(LITE, contract=contract, precision="int8").precision == "int8"
    with pytest.raises(UsageError, match="holds 8-bit integers; leave out --precision float32"):
        OnnxRuntime(LITE, contract=contract, precision="float32")


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08\x07" + bytes(100)])
def test_a_file_that_is_no_onnx_model_is_one_line(tmp_path, content):
    path = tmp_path / "broken.onnx"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"broken\.onnx cannot be loaded") as caught:
        OnnxRuntime(path)
    assert "\n" not in str(caught.value)


def test_a_truncated_onnx_model_is_one_line(tmp_path):
    path = tmp_path / "half.onnx"
    path.write_bytes(LITE.read_bytes()[:1_000_000])
    with pytest.raises(WeightsError, match=r"half\.onnx cannot be loaded"):
        OnnxRuntime(path)


def test_a_model_with_another_input_says_what_is_wanted(other_model):
    with pytest.raises(WeightsError, match="does not say what its classes are"):
        OnnxRuntime(other_model)
    with pytest.raises(WeightsError, match=r"uint8 input \(N, H, W, 3\)"):
        OnnxRuntime(other_model, contract=find_model("lite").contract)
