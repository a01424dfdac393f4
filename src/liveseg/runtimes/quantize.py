"""Static post-training quantisation: 8-bit weights, a scale each channel, and 8-bit activations, a scale each tensor.

Two ways, measured on two cores of a processor with AVX512-VNNI (one thread, 513x385 pixels, milliseconds); this `lite`
is the first one, of stride 16:

| network | runtime | floats | `onnx` | `nncf` |
|---|---|---|---|---|
| `lite` | ONNX Runtime | 36.0 | 14.2 | 51 at 433x289, where floats take 22 |
| `lite` | OpenVINO | 19.3 (bfloat16) | 13.2 | 14.7 |
| `lraspp` | ONNX Runtime | 28.3 | 23.8 | |
| `lraspp` | OpenVINO | 14.0 (bfloat16) | 10.5 | 16.6 |
| `deeplabv3` | ONNX Runtime | 51.8 | 33.3 | |
| `deeplabv3` | OpenVINO | 24.3 (bfloat16) | 15.9 | 19.2 |

Their masks agree with those of the float network alike (`lite` on 115 photos: 99.4 and 99.3 %), so `auto` is `onnx`.
What makes it fast is where the scales stand. ONNX Runtime computes a layer in integers only if its output has a
scale, too; and its first layer, of three channels, is faster in floats. OpenVINO fuses what follows a convolution
itself, which a scale on the convolution's output would prevent. No other layer is kept in floats: classifiers and
pooled branch so kept gain 0.05 % of the pixels, the first layer 0.01 %.
"""

from __future__ import annotations

import importlib
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from liveseg.contract import METADATA_KEY
from liveseg.errors import LivesegError, MissingExtraError
from liveseg.runtimes.base import first_line
from liveseg.runtimes.quiet import quietly

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from liveseg.contract import ModelContract

    Inputs = Iterable[NDArray[np.uint8]]
    """Calibration pictures as a network takes them: `(1, H, W, 3)` `uint8` RGB, sizes by the size rule."""

Scales = Literal["layers", "inputs"]
"""Which tensors get a scale: inputs and outputs of layers (for ONNX Runtime), or inputs of convolutions (OpenVINO)."""

_LAYERS = ("Conv", "Clip", "Relu", "Add")


def quantize_onnx(graph: Path, contract: ModelContract, path: Path, inputs: Inputs, *, scales: Scales) -> None:
    """Write an ONNX graph in QDQ form by ONNX Runtime's quantiser, unchecked.

    Ranges of activations are the least and largest values seen; those of weights are `safe_ranges`, so that no sum
    saturates on any processor.

    Args:
        graph: the float graph.
        contract: its contract.
        path: the file to write; its contract says that it is quantised.
        inputs: what to calibrate on.
        scales: see `Scales`.

    Raises:
        MissingExtraError: the `onnx` package is not installed.
        LivesegError: the quantiser cannot take the graph; or what reading `inputs` raises.
    """
    onnx = require_quantizer("onnx", "ONNX's package")
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    model = onnx.load(str(graph))
    for number, node in enumerate(model.graph.node):
        node.name = node.name or f"node_{number}"
    first = [node.name for node in model.graph.node if node.op_type == "Conv"][:1]
    with refusing(graph, other="nncf"), quietly():
        options: dict[str, Any] = {"TensorQuantOverrides": _overrides(model, QuantType.QInt8)}
        if scales == "inputs":
            options["OpTypesToExcludeOutputQuantization"] = ["Conv"]
        quantize_static(
            model,
            str(path),
            _Reader(model.graph.input[0].name, inputs),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=list(_LAYERS) if scales == "layers" else ["Conv"],
            nodes_to_exclude=first if scales == "layers" else [],
            extra_options=options,
        )
    stamp(path, contract)


def safe_ranges(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """The largest magnitude that the 8-bit scale of each output channel must reach for no sum to overflow.

    Processors without VNNI (Intel before 2019, AMD before Zen 4) multiply unsigned activations by signed weights with
    `vpmaddubsw`, which adds the products of two neighbours in 16 bits and saturates. The usual remedy, weights of 7
    bits, costs half of each scale's steps. Saturation needs two neighbours of one sign whose integers exceed 128
    together, though, so it is enough to choose a channel's scale by its largest pair. Neighbours are input channels
    2k and 2k + 1, in oneDNN and in ONNX Runtime's MLAS alike. Depthwise layers have no such pairs: both multiply
    them in 16 or 32 bits.

    Measured on `lite` in OpenVINO with oneDNN kept from VNNI, 30 photos: without this 97.5 % of the pixels agree with
    the float network (the worst photo 66 %), with it 99.3 %, and the logits are the same with and without VNNI. With
    VNNI it costs 0.07 % of the pixels; weights of 7 bits cost 0.3 to 1 %.

    Args:
        weights: of a convolution, `(out, in / groups, kh, kw)`.

    Returns:
        `(out,)`: at least the largest magnitude of each channel.
    """
    outputs, inputs = weights.shape[:2]
    largest: NDArray[np.float32] = np.abs(weights).reshape(outputs, -1).max(axis=1)
    if inputs == 1:
        return largest
    if inputs % 2:
        # Neighbours then lie across the ends of rows: any two may meet.
        pairs = 2 * largest
    else:
        both = weights.reshape(outputs, inputs // 2, 2, -1)
        positive, negative = np.maximum(both, 0).sum(axis=2), np.maximum(-both, 0).sum(axis=2)
        pairs = np.maximum(positive, negative).reshape(outputs, -1).max(axis=1)
    # Rounding adds up to a half to each of the two: 127.5 stays below 129, and 128 * 255 below 2 ** 15.
    return np.asarray(np.maximum(largest, pairs * (127 / 127.5)), np.float32)


def require_quantizer(module: str, title: str) -> Any:
    """A module that quantising needs.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtraError(f"quantising needs {title}: pip install 'liveseg[quantize]'") from error


def stamp(path: Path, contract: ModelContract) -> None:
    """Write the contract into a quantised ONNX file, in place of what the quantiser noted there; its size, too."""
    import onnx

    model = onnx.load(str(path))
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, {METADATA_KEY: replace(contract, quantized=True).to_json()})
    if contract.fixed_size is not None:
        sides = model.graph.input[0].type.tensor_type.shape.dim[1:3]
        for side, length in zip(sides, contract.fixed_size, strict=True):
            side.dim_value = length
        # Inferred for any size.
        del model.graph.value_info[:]
    onnx.save(model, str(path))


@contextmanager
def refusing(graph: Path, *, other: str) -> Iterator[None]:
    """Report whatever a quantiser raises as one line; a quantiser meets graphs that nobody foresaw."""
    try:
        yield
    except (LivesegError, MemoryError):
        raise
    except Exception as error:
        raise LivesegError(
            f"{graph.name} cannot be quantised: {first_line(error)}; try `liveseg quantize --method {other}`"
        ) from error


class _Reader:
    """Calibration pictures as ONNX Runtime asks for them."""

    def __init__(self, name: str, inputs: Inputs) -> None:
        self._name = name
        self._inputs = iter(inputs)

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        picture = next(self._inputs, None)
        return None if picture is None else {self._name: picture}


def _overrides(model: Any, kind: Any) -> dict[str, list[dict[str, Any]]]:
    """`safe_ranges` for every convolution, in the quantiser's own form."""
    from onnx import numpy_helper

    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    names = {node.input[1] for node in model.graph.node if node.op_type == "Conv"} & weights.keys()
    return {
        name: [
            {"quant_type": kind, "axis": 0, "rmin": -float(most), "rmax": float(most)}
            for most in safe_ranges(numpy_helper.to_array(weights[name]))
        ]
        for name in sorted(names)
    }
