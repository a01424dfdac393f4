"""Networks with fixed random weights, and the checkpoints made of them."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch


@pytest.fixture(scope="session")
def network_of():
    """`network_of(name, classes)`: a network of the registry with random weights from a fixed seed."""
    from liveseg.models.build import build

    def make(name, classes=21):
        torch.manual_seed(0)
        return build(name, num_classes=classes)

    return make


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty cache, and no network."""
    monkeypatch.setenv("LIVESEG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LIVESEG_OFFLINE", "1")
    return tmp_path / "home"


@pytest.fixture(scope="session")
def _exported(network_of, tmp_path_factory):
    """A checkpoint of three classes, `vines.pth`, and a cache that holds its export: made once, it takes seconds."""
    folder = tmp_path_factory.mktemp("vines")
    torch.save(network_of("lraspp", 3).state_dict(), folder / "vines.pth")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIVESEG_HOME", str(folder / "home"))
        from liveseg.runtimes.load import Request, load

        load(Request(weights=folder / "vines.pth"))
    return folder


@dataclass(frozen=True)
class Model:
    """A network, and the same one as an ONNX file."""

    network: Any
    contract: Any
    onnx: Path


@pytest.fixture(scope="session")
def models(lite, network_of, _exported):
    """The bundled network, `lite`, and one with random weights and three classes, `vines`; not to be changed."""
    from liveseg.runtimes.onnx import OnnxRuntime
    from liveseg.weights.locate import bundled

    vines = next((_exported / "home" / "exported").glob("vines-*.onnx"))
    files = {"lite": bundled("lite", "onnx"), "vines": vines}
    networks = {"lite": lite, "vines": network_of("lraspp", 3)}
    return {name: Model(networks[name], OnnxRuntime(path).contract, path) for name, path in files.items()}


@pytest.fixture
def other_model(tmp_path):
    """An ONNX model that takes floats, as `(1, 3, 8, 8)`."""
    import onnx
    from onnx import TensorProto, helper

    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])], "g",
        [value("x", TensorProto.FLOAT, [1, 3, 8, 8])], [value("y", TensorProto.FLOAT, [1, 3, 8, 8])],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.save(model, str(tmp_path / "other.onnx"))
    return tmp_path / "other.onnx"


@pytest.fixture(scope="session")
def photos(samples, skimage_data):
    """`photos(size)`: five real photos as `(1, H, W, 3)` `uint8`, resized to `(height, width)`."""
    import numpy as np
    from PIL import Image

    files = [samples / "image_1.jpg", samples / "image_2.jpg"]
    files += [skimage_data / name for name in ("chelsea.png", "astronaut.png", "rocket.jpg")]

    def read(height, width):
        return [np.asarray(Image.open(file).convert("RGB").resize((width, height)))[None] for file in files]

    return read


@pytest.fixture
def checkpoint(_exported, tmp_path):
    """A Lite R-ASPP with three classes of one's own, saved as people save them; not exported yet."""
    return Path(shutil.copy(_exported / "vines.pth", tmp_path))


@pytest.fixture
def exported(_exported, checkpoint, home):
    """The ONNX export of `checkpoint`, in the cache."""
    shutil.copytree(_exported / "home", home)
    return next((home / "exported").glob("vines-*.onnx"))


@pytest.fixture(params=["cpu", "cuda"])
def device(request):
    """Each device that PyTorch has here: what is tested on the CPU everywhere is tested on CUDA where there is one."""
    if request.param == "cuda" and not torch.cuda.is_available():
        pytest.skip("tests CUDA where PyTorch has it")
    return request.param


@pytest.fixture(scope="session")
def lite():
    """The bundled network, with its trained weights; not to be changed."""
    from liveseg.models.build import build
    from liveseg.models.checkpoint import load_into, load_state
    from liveseg.weights.locate import bundled

    network = build("lite")
    load_into(network, load_state(bundled("lite", "safetensors")))
    return network


@pytest.fixture(scope="session")
def save_program():
    """`save_program(module, contract, path)`: a module in the contract's form, as `torch.export` saves it."""

    def save(module, contract, path, **extra):
        dim, steps = torch.export.Dim, contract.multiple
        height, width = (dim(name, min=3 if steps > 1 else 33) for name in ("rows", "columns"))
        if steps > 1:
            height, width = (steps * size + contract.offset for size in (height, width))
        example = torch.zeros((2, contract.fit(96), contract.fit(128), 3), dtype=torch.uint8)
        with torch.inference_mode():
            program = torch.export.export(
                module.eval(), (example,), dynamic_shapes=({0: dim("batch", min=1), 1: height, 2: width},)
            )
        torch.export.save(program, path, extra_files={"liveseg.json": contract.to_json()} | extra)
        return path

    return save
