"""Weights and shapes to test the networks with."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
import torch

from liveseg.models.build import build

GOLDEN = Path(__file__).parent.parent / "golden"


@pytest.fixture(scope="session")
def golden_folder() -> Path:
    return GOLDEN


@pytest.fixture(scope="session")
def fill():
    """The module `tests/golden/fill.py`, which makes the weights and inputs of the golden outputs."""
    spec = importlib.util.spec_from_file_location("golden_fill", GOLDEN / "fill.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def golden_shapes():
    """`golden_shapes(golden)`: torchvision's names and shapes, auxiliary head and counters included."""

    def read(golden: str) -> dict[str, tuple[int, ...]]:
        keys = json.loads((GOLDEN / f"{golden}.keys.json").read_text(encoding="utf-8"))
        return {name: tuple(shape) for name, shape in keys.items()}

    return read


@pytest.fixture(scope="session")
def blank():
    """`blank(shapes)`: tensors of one zero each, repeated to those shapes, so that they cost no memory."""

    def make(shapes: dict[str, tuple[int, ...]]) -> dict[str, torch.Tensor]:
        return {name: torch.zeros(()).expand(shape) for name, shape in shapes.items()}

    return make


@pytest.fixture(scope="session")
def meta_network():
    """`meta_network(name, num_classes)`: a network of shapes without values, built at no cost."""

    def make(name: str, num_classes: int = 21):
        with torch.device("meta"):
            return build(name, num_classes)

    return make


@pytest.fixture(scope="session")
def bundled_lite() -> Path:
    """The checkpoint that ships with the package."""
    import liveseg.labels

    return Path(liveseg.labels.__file__).parent / "weights" / "bundled" / "lite.safetensors"
