"""One test class for every runtime: each is held to eager PyTorch on real pictures."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from liveseg.errors import DeviceError, WeightsError
from liveseg.models.build import build
from liveseg.models.checkpoint import load_into, load_state
from liveseg.models.registry import IMAGENET_MEAN, IMAGENET_STD, find_model
from liveseg.runtimes.base import available_cores, parse_device
from liveseg.runtimes.onnx import OnnxRuntime
from liveseg.runtimes.torch import TorchRuntime
from liveseg.weights.locate import bundled


@pytest.fixture(scope="module")
def network():
    network = build("lite")
    load_into(network, load_state(bundled("lite", "safetensors")))
    return network


def eager(network, images):
    """The definition: normalise as torchvision does, run the network."""
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
    x = (torch.tensor(images).permute(0, 3, 1, 2).float() / 255 - mean) / std
    with torch.inference_mode():
        return network.low_logits(x).numpy()


class RuntimeTest:
    """What every runtime must do; a new one's test is `make`."""

    @classmethod
    def make(cls, network, **options):
        raise NotImplementedError

    @pytest.fixture(scope="class")
    @classmethod
    def runtime(cls, network):
        return cls.make(network)

    @pytest.mark.parametrize(("height", "width"), [(257, 385), (385, 257), (33, 49)])
    def test_logits_equal_eager_pytorch(self, runtime, network, skimage_data, height, width):
        photo = Image.open(skimage_data / "chelsea.png").convert("RGB").resize((width, height))
        images = np.asarray(photo)[None]
        wanted, got = eager(network, images), runtime(images)
        assert got.shape == wanted.shape
        assert got.dtype == np.float32
        assert np.abs(got - wanted).max() <= 1e-4 * np.abs(wanted).max()

    def test_a_batch_equals_its_pictures(self, runtime):
        images = np.random.default_rng(0).integers(0, 256, (3, 65, 81, 3), dtype=np.uint8)
        together = runtime(images)
        alone = np.concatenate([runtime(image[None]) for image in images])
        np.testing.assert_allclose(together, alone, atol=1e-4 * np.abs(alone).max())

    def test_it_says_what_it_is(self, runtime):
        assert runtime.device == "cpu"
        assert runtime.contract == find_model("lite").contract

    def test_threads_are_honoured_and_change_nothing(self, network):
        images = np.random.default_rng(0).integers(0, 256, (1, 97, 97, 3), dtype=np.uint8)
        one, two = self.make(network, threads=1)(images), self.make(network, threads=2)(images)
        np.testing.assert_allclose(one, two, atol=1e-4 * np.abs(one).max())


class TestOnnx(RuntimeTest):
    @classmethod
    def make(cls, network, **options):
        return OnnxRuntime(bundled("lite", "onnx"), device="cpu", **options)


class TestTorch(RuntimeTest):
    @classmethod
    def make(cls, network, **options):
        return TorchRuntime(network, find_model("lite").contract, device="cpu", **options)


def test_half_precision_changes_little(network):
    # CUDA's default, held to single precision as far as a CPU can compute it.
    images = np.random.default_rng(0).integers(0, 256, (1, 97, 129, 3), dtype=np.uint8)
    contract = find_model("lite").contract
    half, single = (TorchRuntime(network, contract, device="cpu", half=choice)(images) for choice in (True, False))
    assert half.dtype == np.float32
    assert np.mean(half.argmax(axis=1) == single.argmax(axis=1)) > 0.97


def test_a_provider_that_fell_back_in_silence_is_an_error(monkeypatch):
    # The edge of what cannot run here: an ONNX Runtime that lists CUDA but gives a CPU session.
    import onnxruntime

    real = onnxruntime.InferenceSession
    monkeypatch.setattr(
        onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"]
    )
    monkeypatch.setattr(
        onnxruntime, "InferenceSession", lambda path, options, providers: real(path, options, ["CPUExecutionProvider"])
    )
    with pytest.raises(DeviceError, match="fell back to the CPU"):
        OnnxRuntime(bundled("lite", "onnx"), device="cuda")
    assert OnnxRuntime(bundled("lite", "onnx"), device="auto").device == "cpu"


def test_a_provider_that_is_not_installed_is_an_error():
    with pytest.raises(DeviceError, match="onnxruntime-gpu"):
        OnnxRuntime(bundled("lite", "onnx"), device="cuda")


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08\x07" + bytes(100)])
def test_a_file_that_is_no_onnx_model_is_one_line(tmp_path, content):
    path = tmp_path / "broken.onnx"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"broken\.onnx cannot be loaded") as caught:
        OnnxRuntime(path)
    assert "\n" not in str(caught.value)


def test_a_truncated_onnx_model_is_one_line(tmp_path):
    path = tmp_path / "half.onnx"
    path.write_bytes(bundled("lite", "onnx").read_bytes()[:1_000_000])
    with pytest.raises(WeightsError, match=r"half\.onnx cannot be loaded"):
        OnnxRuntime(path)


def test_a_model_with_another_input_says_what_is_wanted(tmp_path):
    import onnx
    from onnx import TensorProto, helper

    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])], "g",
        [value("x", TensorProto.FLOAT, [1, 3, 8, 8])], [value("y", TensorProto.FLOAT, [1, 3, 8, 8])],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.save(model, str(tmp_path / "other.onnx"))
    with pytest.raises(WeightsError, match="does not say what its classes are"):
        OnnxRuntime(tmp_path / "other.onnx")
    with pytest.raises(WeightsError, match=r"uint8 input \(N, H, W, 3\)"):
        OnnxRuntime(tmp_path / "other.onnx", contract=find_model("lite").contract)


def test_devices_are_parsed():
    assert parse_device("CUDA:1") == ("cuda", 1)
    assert parse_device("auto") == ("auto", 0)
    assert available_cores() >= 1
