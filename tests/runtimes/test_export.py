"""An export is the same network, or it does not exist."""

from __future__ import annotations

import shutil

import numpy as np
import onnx
import pytest
import torch

from liveseg.errors import ParityError
from liveseg.models.registry import find_model
from liveseg.runtimes.export import export_onnx, write_pt2
from liveseg.runtimes.onnx import OnnxRuntime
from liveseg.runtimes.parity import FLOAT, Picture, compare
from liveseg.runtimes.pt2 import Pt2Runtime
from liveseg.runtimes.torch import TorchRuntime
from liveseg.weights.locate import bundled


def noise(*shapes):
    rng = np.random.default_rng(1)
    return [Picture(rng.integers(0, 256, (*shape, 3), dtype=np.uint8)) for shape in shapes]


def test_an_export_agrees_at_sizes_it_was_not_traced_at(models, network_of, tmp_path):
    contract, network = find_model("deeplabv3").contract, network_of("deeplabv3")
    assert export_onnx(network, contract, tmp_path / "deeplabv3.onnx").within(FLOAT)
    networks = [(network, contract, tmp_path / "deeplabv3.onnx")]
    networks += [(model.network, model.contract, model.onnx) for model in models.values()]
    for network, contract, path in networks:
        runtime = OnnxRuntime(path)
        assert runtime.contract == contract
        shapes = [(contract.fit(height), contract.fit(width)) for height, width in ((77, 131), (240, 96))]
        reference = TorchRuntime(network, contract, device="cpu")
        (parity,) = compare(reference, [runtime], noise(*shapes), size="native")
        assert parity.within(FLOAT)


def test_an_export_of_other_weights_is_refused_and_leaves_nothing(models, network_of, tmp_path, monkeypatch):
    from liveseg.runtimes import export

    vines = models["vines"]
    broken = network_of("lraspp", 3)
    with torch.no_grad():
        broken.classifier.low_classifier.bias += 10 * torch.randn(3)
    monkeypatch.setattr(export, "write_onnx", lambda _network, _contract, path: shutil.copy(vines.onnx, path))
    with pytest.raises(ParityError, match=r"differs from PyTorch.*nothing was written"):
        export_onnx(broken, vines.contract, tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []
    assert export_onnx(vines.network, vines.contract, tmp_path / "model.onnx").within(FLOAT)


@pytest.mark.long
def test_an_export_names_no_folder_of_its_maker(models, tmp_path):
    vines = models["vines"]
    write_pt2(vines.network, vines.contract, tmp_path / "vines.pt2")
    assert Pt2Runtime(tmp_path / "vines.pt2", device="cpu").contract == vines.contract
    for path in (vines.onnx, tmp_path / "vines.pt2"):
        content = path.read_bytes()
        assert b".py" not in content
        assert b"site-packages" not in content


def test_a_graph_holds_no_more_than_the_network(lite):
    # What the exporter writes of memory layouts, and sizes read off layers, are computed wrongly once quantised.
    nodes = onnx.load(bundled("lite", "onnx")).graph.node
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
