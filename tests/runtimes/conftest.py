"""Networks with fixed random weights, and the checkpoints made of them."""

from __future__ import annotations

import shutil
from pathlib import Path

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


@pytest.fixture
def checkpoint(_exported, tmp_path):
    """A Lite R-ASPP with three classes of one's own, saved as people save them; not exported yet."""
    return Path(shutil.copy(_exported / "vines.pth", tmp_path))


@pytest.fixture
def exported(_exported, checkpoint, home):
    """The ONNX export of `checkpoint`, in the cache."""
    shutil.copytree(_exported / "home", home)
    return next((home / "exported").glob("vines-*.onnx"))
