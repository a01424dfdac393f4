"""This machine's own limit: how many operations a second it reaches in a large matrix product.

A convolution is a matrix product at heart, and no network is faster than the product alone. Each library does it in
its own way, so NumPy's BLAS and the runtimes themselves are asked, each in the precision that it runs networks in; the
best of several products is the limit.
"""

from __future__ import annotations

import importlib.util
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from liveseg.runtimes.base import available_cores

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from liveseg.bench.task import Task

    Product = Callable[[], object]
    Matrix = NDArray[Any]

_SIDE = 2048
"""Rows and columns: large enough that the time goes into multiplying, 16 MB a matrix in float32."""

_SECONDS, _LEAST = 0.5, 5
"""How long each product is repeated, and how often at least."""

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
"""What holds BLAS libraries to a number of threads; read when they are loaded."""


def measure(task: Task) -> dict[str, Any]:
    """Giga-operations a second (a multiplication and an addition are two) of each product that can be made here."""
    threads = task.combination.threads or available_cores()
    products = []
    for library, precision, device in (("numpy", "float32", "cpu"), *task.products):
        product = _product(library, precision, threads, device)
        if product is not None:
            about = {"library": library, "precision": precision, "device": device}
            products.append({**about, "gops": _best(product)})
    return {"blas": blas(), "side": _SIDE, "threads": threads, "products": products}


def blas() -> str:
    """The name and version of NumPy's BLAS."""
    about: Any = np.show_config(mode="dicts")
    found = about.get("Build Dependencies", {}).get("blas", {})
    return f"{found.get('name', 'unknown')} {found.get('version', '')}".strip()


def _best(product: Product) -> float:
    product()
    fastest, times, begun = float("inf"), 0, time.perf_counter()
    while times < _LEAST or time.perf_counter() - begun < _SECONDS:
        started = time.perf_counter()
        product()
        fastest = min(fastest, time.perf_counter() - started)
        times += 1
    return 2 * _SIDE**3 / fastest / 1e9


def _product(library: str, precision: str, threads: int, device: str) -> Product | None:
    """A product by that library in that precision; `None` where there is no simple way to have one."""
    match library:
        case "numpy":
            left, right = _floats(0), _floats(1)
            return lambda: left @ right
        case "openvino" if device == "cpu":
            return _by_openvino(precision, threads)
        case "onnx" if device == "cpu":
            return _by_onnx(precision, threads)
        case "torch":
            return _by_torch(precision, threads, device)
    return None


def _floats(seed: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).random((_SIDE, _SIDE), np.float32)


def _by_openvino(precision: str, threads: int) -> Product | None:
    from liveseg.runtimes.base import import_openvino

    ov = import_openvino()
    op = ov.opset13
    hints = {"float32": "f32", "bfloat16": "bf16", "int8": "f32"}
    if precision not in hints:
        return None
    taken = op.parameter([_SIDE, _SIDE], np.float32)
    left, right = taken, op.constant(_floats(1))
    if precision == "int8":
        # A product between quantised matrices is what OpenVINO's own passes make an 8-bit one of.
        zero, one = np.float32(0), np.float32(1)
        left = op.fake_quantize(left, zero, one, zero, one, 256)
        right = op.fake_quantize(right, -one, one, -one, one, 255)
    model = ov.Model([op.matmul(left, right, False, False)], [taken])
    settings = {"INFERENCE_PRECISION_HINT": hints[precision], "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1}
    request = ov.Core().compile_model(model, "CPU", settings).create_infer_request()
    matrix = _floats(0)
    return lambda: request.infer({0: matrix})


def _by_onnx(precision: str, threads: int) -> Product | None:
    if importlib.util.find_spec("onnx") is None or precision not in ("float32", "int8"):
        return None
    import onnxruntime as ort
    from onnx import TensorProto, helper, numpy_helper

    shape = [_SIDE, _SIDE]
    left: Matrix = _floats(0)
    right: Matrix = _floats(1)
    operator, taken, given = "MatMul", TensorProto.FLOAT, TensorProto.FLOAT
    if precision == "int8":
        left, right = (left * 255).astype(np.uint8), (right * 127).astype(np.int8)
        operator, taken, given = "MatMulInteger", TensorProto.UINT8, TensorProto.INT32
    graph = helper.make_graph(
        [helper.make_node(operator, ["left", "right"], ["product"])],
        "product",
        [helper.make_tensor_value_info("left", taken, shape)],
        [helper.make_tensor_value_info("product", given, shape)],
        [numpy_helper.from_array(right, "right")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"left": left})


def _by_torch(precision: str, threads: int, device: str) -> Product | None:
    import torch

    kinds = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
    if precision not in kinds:
        return None
    torch.set_num_threads(threads)
    place = torch.device(device)
    left, right = (torch.from_numpy(_floats(seed)).to(place, kinds[precision]) for seed in (0, 1))

    def product() -> None:
        left @ right
        if place.type != "cpu":
            torch.accelerator.synchronize(place)

    return product
