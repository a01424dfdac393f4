"""The runtime of every installation: ONNX Runtime, on the CPU and on what its other providers drive.

Which device name asks for which provider, and from which package it comes:

| device | provider | package | `auto` |
|---|---|---|---|
| `cuda[:N]` | CUDA | `onnxruntime-gpu` | takes it first |
| `directml[:N]` | DirectML, Windows | `onnxruntime-directml` | takes it second |
| `tensorrt[:N]` | TensorRT | `onnxruntime-gpu`, and TensorRT itself | never |
| `coreml` | Core ML, macOS | `onnxruntime` | never |
| `cpu` | CPU | any | takes it last |

`auto` takes what somebody installed a package for and what starts at once. TensorRT's provider is listed by packages
without its libraries, and builds an engine for minutes at its first picture. Core ML's lies in every macOS package,
but takes only graphs of fixed sizes whole; of liveseg's it leaves parts to the CPU and copies between the two.
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime as ort

from liveseg.contract import METADATA_KEY
from liveseg.errors import DeviceError, LivesegError, UsageError, WeightsError
from liveseg.runtimes.base import (
    available_cores,
    check_logits,
    check_quantized,
    first_line,
    parse_device,
    stated_contract,
)
from liveseg.weights.home import home

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from liveseg.contract import ModelContract
    from liveseg.labels import LabelSet
    from liveseg.settings import Precision

PROVIDERS = {
    "cuda": "CUDAExecutionProvider",
    "directml": "DmlExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "cpu": "CPUExecutionProvider",
}
"""The provider behind each device."""

_INSTALL = {
    "cuda": "replace onnxruntime by onnxruntime-gpu or install PyTorch for CUDA",
    "directml": "replace onnxruntime by onnxruntime-directml, on Windows",
    "tensorrt": "replace onnxruntime by onnxruntime-gpu and install TensorRT",
    "coreml": "install onnxruntime on macOS",
}
_TITLES = {"cuda": "CUDA", "directml": "DirectML", "tensorrt": "TensorRT", "coreml": "Core ML", "cpu": "the CPU"}
_INDEXED = ("cuda", "directml", "tensorrt")


class OnnxRuntime:
    """A network in an ONNX file that keeps liveseg's contract.

    Args:
        path: the file; its metadata may hold the contract.
        contract: the contract, in place of the one that the file holds.
        labels: the classes, in place of those of the contract.
        device: `auto` (CUDA, then DirectML, where they work; else the CPU), `cpu`, `cuda[:N]`, `tensorrt[:N]`,
            `coreml` or `directml[:N]`.
        threads: threads of one call on the CPU; all available cores by default.
        precision: `auto`, `float32` or, of a quantised graph, `int8`. `float32` also forbids CUDA to round factors to
            TensorFloat-32, which `auto` allows.

    Raises:
        WeightsError: a file that is no ONNX model, or one whose input or output breaks the contract.
        DeviceError: a device that was asked for and is not there.
        UsageError: a precision that the graph does not have.
    """

    name = "onnx"

    def __init__(
        self,
        path: Path,
        *,
        contract: ModelContract | None = None,
        labels: LabelSet | None = None,
        device: str = "auto",
        threads: int | None = None,
        precision: Precision = "auto",
    ) -> None:
        kind, index = parse_device(device)
        if precision not in ("auto", "float32", "int8"):
            raise UsageError(
                f"the onnx runtime computes in float32, or in int8 with a quantised model, not in {precision}; use"
                " --runtime openvino, or leave out --precision"
            )
        wanted = _wanted(kind)
        options = _options(threads or available_cores(), wanted)
        providers = [_provider(own, index, precision) for own in [*wanted, "cpu"]]
        try:
            self._session = ort.InferenceSession(str(path), options, providers=providers)
        except Exception as error:  # ONNX Runtime's own exceptions share no base class
            raise WeightsError(f"{path} cannot be loaded as an ONNX model: {first_line(error)}") from error
        # ONNX Runtime falls back to the CPU in silence when a provider's libraries do not load.
        got = next(kind for kind, provider in PROVIDERS.items() if provider == self._session.get_providers()[0])
        if kind not in ("auto", got):
            raise DeviceError(
                f"{_TITLES[kind]} was asked for, but ONNX Runtime fell back to {_TITLES[got]}; install the libraries"
                f" that {_TITLES[kind]} needs, or use --device cpu"
            )
        self.device = f"{got}:{index}" if got in _INDEXED else got
        # DirectML's sessions answer one call at a time.
        self._turn = threading.Lock() if got == "directml" else contextlib.nullcontext()
        text = self._session.get_modelmeta().custom_metadata_map.get(METADATA_KEY)
        self.contract = stated_contract(text, path, contract=contract, labels=labels)
        check_quantized(path, self.contract, precision)
        self.precision = "int8" if self.contract.quantized else "float32"
        self._input = _checked_input(self._session, path)

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Run the network; see `Runtime`."""
        try:
            with self._turn:
                logits = self._session.run(None, {self._input: images})[0]
        except Exception as error:  # ONNX Runtime's own exceptions share no base class
            raise LivesegError(f"the network failed on an input of {images.shape}: {first_line(error)}") from error
        check_logits(logits.shape, self.contract)
        return np.asarray(logits, np.float32)


def provided() -> list[str]:
    """The devices that the installed ONNX Runtime lists providers for."""
    there = ort.get_available_providers()
    return [kind for kind, provider in PROVIDERS.items() if provider in there]


def _wanted(kind: str) -> list[str]:
    """The devices to try for one that was asked for, without the CPU, which comes last in any case."""
    there = provided()
    if kind == "auto":
        return [own for own in ("cuda", "directml") if own in there]
    if kind not in PROVIDERS:
        raise DeviceError(f"the onnx runtime does not drive {kind}; leave out --runtime onnx, or use --device cpu")
    if kind not in there:
        raise DeviceError(
            f"{_TITLES[kind]} was asked for, but the installed ONNX Runtime has only {', '.join(there)};"
            f" {_INSTALL[kind]}, or use --device cpu"
        )
    return [] if kind == "cpu" else [kind]


def _options(threads: int, wanted: list[str]) -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Threads that spin while they wait take the cores from decoding and encoding beside them.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if "directml" in wanted:
        options.enable_mem_pattern = False  # what DirectML asks for
    return options


def _provider(kind: str, index: int, precision: str) -> str | tuple[str, dict[str, Any]]:
    """A provider as ONNX Runtime takes it, with its settings."""
    settings: dict[str, Any] = {"device_id": index} if kind in _INDEXED else {}
    if kind == "cuda":
        settings["use_tf32"] = int(precision != "float32")
    elif kind == "coreml":
        settings["ModelFormat"] = "MLProgram"
    elif kind == "tensorrt":
        # An engine takes minutes to build; the provider makes only the last folder of a path.
        folder = home() / "tensorrt"
        folder.mkdir(parents=True, exist_ok=True)
        settings |= {"trt_engine_cache_enable": True, "trt_engine_cache_path": str(folder)}
    return (PROVIDERS[kind], settings) if settings else PROVIDERS[kind]


def _checked_input(session: ort.InferenceSession, path: Path) -> str:
    inputs = session.get_inputs()
    first = inputs[0]
    if len(inputs) != 1 or first.type != "tensor(uint8)" or len(first.shape) != 4 or first.shape[3] != 3:
        raise WeightsError(
            f"{path} takes {first.type} {first.shape}; liveseg's models take one uint8 input (N, H, W, 3) with the"
            " normalisation inside"
        )
    return str(first.name)
