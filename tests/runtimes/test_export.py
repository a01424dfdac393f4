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
from liveseg.runtimes.export import compare, export_onnx
from liveseg.runtimes.onnx import OnnxRuntime
from liveseg.runtimes.torch import TorchRuntime
from liveseg.weights.locate import bundled


@pytest.mark.parametrize("name", ["lraspp", "deeplabv3"])
def test_an_export_agrees_at_sizes_it_was_not_traced_at(name, network_of, tmp_path):
    info = find_model(name)
    network = network_of(name)
    target = tmp_path / "model.onnx"
    parity = export_onnx(network, info.contract, target)
    assert parity.holds
    runtime = OnnxRuntime(target)
    assert runtime.contract == info.contract
    pictures = [
        np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8) for shape in [(77, 131, 3), (240, 96, 3)]
    ]
    assert compare(TorchRuntime(network, info.contract), runtime, pictures).holds


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


def test_an_export_carries_its_labels_and_names_no_folder_of_its_maker(network_of, tmp_path):
    labels = LabelSet(("background", "vine", "grape"), voc_palette(3))
    contract = ModelContract("vines", labels)
    export_onnx(network_of("lraspp", 3), contract, tmp_path / "vines.onnx")
    model = onnx.load(tmp_path / "vines.onnx")
    assert ModelContract.from_json({p.key: p.value for p in model.metadata_props}[METADATA_KEY]) == contract
    content = (tmp_path / "vines.onnx").read_bytes()
    assert b".py" not in content
    assert b"site-packages" not in content


def test_the_bundled_files_hold_the_same_network():
    from liveseg.models.build import build
    from liveseg.models.checkpoint import load_into, load_state

    network = build("lite")
    load_into(network, load_state(bundled("lite", "safetensors")))
    contract = find_model("lite").contract
    pictures = [np.random.default_rng(2).integers(0, 256, (113, 161, 3), dtype=np.uint8)]
    onnx_runtime = OnnxRuntime(bundled("lite", "onnx"))
    assert onnx_runtime.contract == contract, "re-make lite.onnx: python tools/export_lite.py"
    assert compare(TorchRuntime(network, contract), onnx_runtime, pictures).holds
