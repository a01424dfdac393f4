"""The machine's own limit."""

from __future__ import annotations

import numpy as np
import pytest

from liveseg.bench import limit


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(limit, "_SIDE", 64)
    monkeypatch.setattr(limit, "_SECONDS", 0.01)


def first(answer):
    if hasattr(answer, "values"):  # OpenVINO's, by output
        answer = list(answer.values())
    return np.asarray(answer[0] if isinstance(answer, list) else answer)


@pytest.mark.parametrize(
    ("library", "module", "precision", "error"),
    [
        ("numpy", "numpy", "float32", 1e-5),
        ("onnx", "onnx", "float32", 1e-5),
        ("openvino", "openvino", "float32", 1e-5),
        ("openvino", "openvino", "bfloat16", 2e-2),
        ("openvino", "openvino", "int8", 2e-2),
    ],
)
def test_each_library_really_multiplies_the_matrices(library, module, precision, error, require_module):
    require_module(module, module)
    product = limit._product(library, precision, 1, "cpu")
    wanted = limit._floats(0) @ limit._floats(1)
    assert np.abs(first(product()) / wanted - 1).max() < error


def test_the_8_bit_product_of_onnx_runtime_is_exact(require_module):
    require_module("onnx", "onnx")
    left, right = (limit._floats(0) * 255).astype(np.uint8), (limit._floats(1) * 127).astype(np.int8)
    assert np.array_equal(
        first(limit._product("onnx", "int8", 1, "cpu")()), left.astype(np.int32) @ right.astype(np.int32)
    )


def test_the_limit_is_told_with_the_name_of_the_blas(task, require_module):
    require_module("torch", "torch")
    # The last two cannot be had simply; they are left out, not faked.
    asked = (("torch", "float32", "cpu"), ("torch", "int8", "cpu"), ("onnx", "float32", "cuda:0"))
    told = limit.measure(task("limit", products=asked))
    assert [(row["library"], row["precision"]) for row in told["products"]] == [
        ("numpy", "float32"),
        ("torch", "float32"),
    ]
    assert all(row["gops"] > 0 for row in told["products"])
    assert told["blas"].split()[0] not in ("", "unknown")
    assert told["threads"] == 1
