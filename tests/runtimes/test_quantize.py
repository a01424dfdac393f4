"""Int8 graphs: near the float network on real photos, the same on every processor, quiet, and refused if bad."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from liveseg.errors import LivesegError, MediaError, MissingExtraError
from liveseg.models.registry import find_model
from liveseg.runtimes.onnx import OnnxRuntime
from liveseg.runtimes.parity import INT8, Picture, compare
from liveseg.runtimes.quantize import quantize_onnx, safe_ranges
from liveseg.runtimes.torch import TorchRuntime
from liveseg.weights.integrity import sha256
from liveseg.weights.locate import bundled

LITE, LITE8 = bundled("lite", "onnx"), bundled("lite", "int8.onnx")
CONTRACT = find_model("lite").contract


def saturating_sums(activations, weights):
    """`vpmaddubsw`: products of neighbours along the last axis, added in 16 bits with saturation."""
    products = activations.astype(np.int32) * weights.astype(np.int32)
    return np.clip(products[..., 0::2] + products[..., 1::2], -(2**15), 2**15 - 1)


@pytest.mark.parametrize("shape", [(40, 16, 1, 1), (24, 3, 3, 3), (8, 6, 5, 5), (12, 7, 1, 1)])
def test_integers_within_the_safe_range_never_saturate(shape):
    weights = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    ranges = safe_ranges(weights)
    assert (ranges >= np.abs(weights).reshape(shape[0], -1).max(axis=1)).all()
    integers = np.round(weights / (ranges / 127).reshape(-1, 1, 1, 1)).astype(np.int8)
    # As the engines lay them out: all input channels of one place after another, filled up to an even number.
    rows = integers.transpose(0, 2, 3, 1).reshape(shape[0], -1)
    rows = np.pad(rows, ((0, 0), (0, rows.shape[1] % 2)))
    for worst in (rows > 0, rows < 0):
        activations = np.where(worst, 255, 0)
        exact = activations.astype(np.int32) * rows
        assert np.array_equal(saturating_sums(activations, rows), exact[:, 0::2] + exact[:, 1::2])


def test_without_the_safe_range_they_would():
    weights = np.random.default_rng(0).normal(size=(40, 16, 1, 1)).astype(np.float32)
    plain = np.abs(weights).reshape(40, -1).max(axis=1)
    rows = np.round(weights / (plain / 127).reshape(-1, 1, 1, 1)).astype(np.int8).reshape(40, 16)
    assert saturating_sums(np.where(rows > 0, 255, 0), rows).max() == 2**15 - 1
    # And it costs less than weights of 7 bits, which would double each range.
    assert (safe_ranges(weights) / plain).mean() < 1.6


def test_depthwise_weights_keep_all_their_steps():
    weights = np.random.default_rng(0).normal(size=(32, 1, 3, 3)).astype(np.float32)
    assert np.array_equal(safe_ranges(weights), np.abs(weights).reshape(32, -1).max(axis=1))


def test_the_bundled_int8_file_cannot_saturate():
    tensors = onnx.load(LITE8).graph.initializer
    weights = [numpy_helper.to_array(own) for own in tensors if own.data_type == onnx.TensorProto.INT8]
    weights = [own.astype(np.int32) for own in weights if own.ndim == 4]
    assert sum(own.size for own in weights) > 2_900_000
    for own in weights:
        if own.shape[1] > 1:
            pairs = own.reshape(own.shape[0], -1, 2, *own.shape[2:])
            assert np.maximum(pairs, 0).sum(axis=2).max() <= 128
            assert np.minimum(pairs, 0).sum(axis=2).min() >= -128


def test_the_bundled_int8_file_agrees_with_the_float_network(lite, require_module, photos):
    require_module("openvino", "openvino")
    from liveseg.runtimes.openvino import OpenvinoRuntime

    runtimes = [OnnxRuntime(LITE8), OpenvinoRuntime(LITE8), OpenvinoRuntime(LITE8, steady=True)]
    assert [runtime.contract for runtime in runtimes] == 3 * [replace(CONTRACT, quantized=True)]
    pictures = [Picture(photo[0]) for photo in photos(289, 385)]
    for parity in compare(TorchRuntime(lite, CONTRACT), runtimes, pictures, size=289):
        assert parity.within(INT8), parity


def test_the_card_of_the_bundled_model_names_the_int8_file():
    card = (LITE8.parent / "README.md").read_text(encoding="utf-8")
    assert sha256(LITE8) in card, "re-make its section: python tools/quantize_lite.py"


def test_results_are_the_same_on_a_processor_without_vnni(require_module, samples, tmp_path):
    # oneDNN, which computes for OpenVINO, can be told to leave VNNI alone where the processor has AVX-512.
    require_module("openvino", "openvino")
    code = (
        "import sys; import numpy as np; from pathlib import Path\n"
        "from liveseg.media.images import read_image; from liveseg.preprocess import resize\n"
        "from liveseg.runtimes.openvino import OpenvinoRuntime\n"
        "runtime = OpenvinoRuntime(Path(sys.argv[1]))\n"
        "np.save(sys.argv[3], runtime(resize(read_image(sys.argv[2]), 289, 385)[None]))"
    )
    logits = []
    for name, isa in (("with", "ALL"), ("without", "AVX512_CORE")):
        command = [sys.executable, "-c", code, LITE8, samples / "image_1.jpg", tmp_path / f"{name}.npy"]
        subprocess.run(command, check=True, timeout=120, env={**os.environ, "ONEDNN_MAX_CPU_ISA": isa})
        logits.append(np.load(tmp_path / f"{name}.npy"))
    assert np.abs(logits[0] - logits[1]).max() <= 0.02 * np.abs(logits[0]).max()


def inputs(photos, count=4):
    return photos(145, 193)[:count]


@pytest.fixture(scope="module")
def quantized(photos, tmp_path_factory):
    """`lite` in QDQ form, calibrated on a few small photos: scales at layers, and at the inputs of convolutions."""
    folder = tmp_path_factory.mktemp("quantized")
    paths = {}
    for scales in ("layers", "inputs"):
        paths[scales] = folder / f"{scales}.onnx"
        quantize_onnx(LITE, CONTRACT, paths[scales], inputs(photos), scales=scales)
    return paths


@pytest.mark.parametrize(("scales", "runtime"), [("layers", "onnx"), ("layers", "openvino"), ("inputs", "openvino")])
def test_each_kind_of_scales_agrees_in_the_runtimes_that_it_is_for(
    scales, runtime, quantized, lite, require_module, photos
):
    require_module("openvino", "openvino")
    from liveseg.runtimes.openvino import OpenvinoRuntime

    candidate = (OnnxRuntime if runtime == "onnx" else OpenvinoRuntime)(quantized[scales])
    assert candidate.precision == "int8"
    pictures = [Picture(photo[0]) for photo in photos(321, 417)]
    (parity,) = compare(TorchRuntime(lite, CONTRACT), [candidate], pictures, size="native")
    assert parity.within(INT8), parity


def test_a_quantised_file_says_so_and_nothing_else(quantized):
    model = onnx.load(quantized["layers"])
    assert [own.key for own in model.metadata_props] == ["liveseg"]
    assert OnnxRuntime(quantized["layers"]).contract == replace(CONTRACT, quantized=True)


def test_the_layer_that_sees_the_picture_stays_float_for_onnx_runtime_only(quantized):
    def first_weights(path):
        model = onnx.load(path)
        kinds = {tensor.name: tensor.data_type for tensor in model.graph.initializer}
        makers = {output: node for node in model.graph.node for output in node.output}
        name = next(node for node in model.graph.node if node.op_type == "Conv").input[1]
        return kinds[name] if name in kinds else kinds[makers[name].input[0]]

    assert first_weights(quantized["layers"]) == onnx.TensorProto.FLOAT
    assert first_weights(quantized["inputs"]) == onnx.TensorProto.INT8


def test_the_same_photos_give_the_same_file(quantized, photos, tmp_path, capfd):
    quantize_onnx(LITE, CONTRACT, tmp_path / "again.onnx", inputs(photos), scales="layers")
    assert (tmp_path / "again.onnx").read_bytes() == quantized["layers"].read_bytes()
    assert capfd.readouterr() == ("", "")
    assert not list(LITE.parent.glob("*-inferred*"))


@pytest.mark.parametrize("suffix", [".xml", pytest.param(".onnx", marks=pytest.mark.long)])
def test_nncf_agrees_too_prints_nothing_and_stays_off_the_network(suffix, lite, photos, require_module, tmp_path):
    require_module("nncf", "nncf")
    np.save(tmp_path / "photos.npy", np.concatenate(photos(321, 417)[:4]))
    code = (
        "import sys, socket; import numpy as np; from pathlib import Path\n"
        "def refuse(*_): raise AssertionError('the network was used')\n"
        "socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse\n"
        "from liveseg.models.registry import find_model\n"
        "from liveseg.runtimes.quantize_nncf import quantize_nncf\n"
        "photos = [photo[None] for photo in np.load(sys.argv[1])]\n"
        "quantize_nncf(Path(sys.argv[2]), find_model('lite').contract, Path(sys.argv[3]), photos)\n"
        "import logging; print(logging.getLogger().handlers, logging.root.manager.disable)\n"
        "print(any(name.startswith('openvino_telemetry.') for name in sys.modules))"
    )
    path = tmp_path / f"lite{suffix}"
    command = [sys.executable, "-c", code, tmp_path / "photos.npy", LITE, path]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=240)
    assert (done.stderr, done.stdout.splitlines()) == ("", ["[] 0", "False"])
    from liveseg.runtimes.openvino import OpenvinoRuntime

    candidate = OpenvinoRuntime(path)
    assert candidate.contract == replace(CONTRACT, quantized=True)
    pictures = [Picture(photo[0]) for photo in photos(321, 417)]
    (parity,) = compare(TorchRuntime(lite, CONTRACT), [candidate], pictures, size="native")
    assert parity.within(INT8), parity


@pytest.mark.parametrize("module", ["onnx", "nncf", "openvino"])
def test_a_missing_package_names_the_extra(module, monkeypatch, tmp_path):
    from liveseg.runtimes.quantize_nncf import quantize_nncf

    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=re.escape("pip install 'liveseg[quantize]'")):
        quantize_nncf(LITE, CONTRACT, tmp_path / "lite.xml", [])


def test_without_onnx_the_default_quantiser_names_the_extra(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingExtraError, match=re.escape("pip install 'liveseg[quantize]'")):
        quantize_onnx(LITE, CONTRACT, tmp_path / "lite.onnx", [], scales="layers")


def test_a_graph_that_cannot_be_quantised_is_one_line_with_another_way(other_model, tmp_path):
    with pytest.raises(LivesegError, match=r"other\.onnx cannot be quantised: .*--method nncf") as caught:
        quantize_onnx(other_model, CONTRACT, tmp_path / "lite.onnx", [], scales="layers")
    assert "\n" not in str(caught.value)


def test_a_photo_that_cannot_be_read_is_told_as_that(tmp_path):
    def broken():
        raise MediaError("photo.jpg is cut off")
        yield

    with pytest.raises(MediaError, match="cut off"):
        quantize_onnx(LITE, CONTRACT, tmp_path / "lite.onnx", broken(), scales="layers")
    assert not Path(tmp_path / "lite.onnx").exists()
