"""An export is the same network, or it does not exist."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
import torch

from liveseg.contract import METADATA_KEY, ModelContract
from liveseg.errors import ParityError
from liveseg.labels import LabelSet, voc_palette
from liveseg.models.registry import find_model
from liveseg.runtimes.export import export_onnx, write_onnx, write_pt2
from liveseg.runtimes.onnx import OnnxRuntime
from liveseg.runtimes.parity import FLOAT, Picture, compare
from liveseg.runtimes.pt2 import Pt2Runtime
from liveseg.runtimes.torch import TorchRuntime
from liveseg.weights.locate import bundled


def noise(*shapes):
    rng = np.random.default_rng(1)
    return [Picture(rng.integers(0, 256, (*shape, 3), dtype=np.uint8)) for shape in shapes]


@pytest.mark.parametrize("name", ["lraspp", "deeplabv3"])
def test_an_export_agrees_at_sizes_it_was_not_traced_at(name, network_of, tmp_path):
    info = find_model(name)
    network = network_of(name)
    target = tmp_path / "model.onnx"
    assert export_onnx(network, info.contract, target).within(FLOAT)
    runtime = OnnxRuntime(target)
    assert runtime.contract == info.contract
    reference = TorchRuntime(network, info.contract, device="cpu")
    (parity,) = compare(reference, [runtime], noise((77, 131), (240, 96)), size="native")
    assert parity.within(FLOAT)


def test_an_export_of_other_weights_is_refused_and_leaves_nothing(network_of, tmp_path, monkeypatch):
    from liveseg.runtimes import export

    network = network_of("lraspp")
    broken = network_of("lraspp")
    with torch.no_grad():
        broken.classifier.low_classifier.bias += 10 * torch.randn(21)
    real = export.TorchRuntime
    monkeypatch.setattr(export, "TorchRuntime", lambda _network, contract, **options: real(broken, contract, **options))
    with pytest.raises(ParityError, match=r"differs from PyTorch.*nothing was written"):
        export_onnx(network, find_model("lraspp").contract, tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("write", [write_onnx, write_pt2])
def test_an_export_carries_its_labels_and_names_no_folder_of_its_maker(write, network_of, tmp_path):
    labels = LabelSet(("background", "vine", "grape"), voc_palette(3))
    contract = ModelContract("vines", labels)
    path = tmp_path / ("vines.onnx" if write is write_onnx else "vines.pt2")
    write(network_of("lraspp", 3), contract, path)
    runtime = OnnxRuntime(path) if write is write_onnx else Pt2Runtime(path, device="cpu")
    assert runtime.contract == contract
    content = path.read_bytes()
    assert b".py" not in content
    assert b"site-packages" not in content


def test_a_graph_holds_no_more_than_the_network(lite, tmp_path):
    # What the exporter writes of memory layouts, and sizes read off layers, are computed wrongly once quantised.
    write_onnx(lite, find_model("lite").contract, tmp_path / "lite.onnx")
    nodes = onnx.load(tmp_path / "lite.onnx").graph.node
    assert {"Gather", "BatchNormalization"}.isdisjoint(node.op_type for node in nodes)
    assert sum(node.op_type == "Conv" for node in nodes) == sum(
        isinstance(module, torch.nn.Conv2d) for module in lite.modules()
    )


def test_the_bundled_files_hold_the_same_network(lite):
    contract = find_model("lite").contract
    onnx_runtime = OnnxRuntime(bundled("lite", "onnx"))
    assert onnx_runtime.contract == contract, "re-make lite.onnx: python tools/export_lite.py"
    (parity,) = compare(TorchRuntime(lite, contract), [onnx_runtime], noise((113, 161)), size="native")
    assert parity.within(FLOAT)


def test_the_bundled_int8_file_holds_the_same_network_in_8_bits(lite, require_module, photos):
    from dataclasses import replace

    require_module("openvino", "openvino")
    from liveseg.runtimes.openvino import OpenvinoRuntime
    from liveseg.runtimes.parity import INT8

    contract = find_model("lite").contract
    path = bundled("lite", "int8.onnx")
    runtimes = [OnnxRuntime(path), OpenvinoRuntime(path), OpenvinoRuntime(path, steady=True)]
    assert [runtime.contract for runtime in runtimes] == 3 * [replace(contract, quantized=True)]
    pictures = [Picture(photo[0]) for photo in photos(289, 385)]
    for parity in compare(TorchRuntime(lite, contract), runtimes, pictures, size=289):
        assert parity.within(INT8), parity
    weights = [tensor for tensor in onnx.load(path).graph.initializer if tensor.data_type == onnx.TensorProto.INT8]
    assert METADATA_KEY in {own.key for own in onnx.load(path).metadata_props}
    assert sum(np.prod(tensor.dims) for tensor in weights if len(tensor.dims) == 4) > 2_900_000
