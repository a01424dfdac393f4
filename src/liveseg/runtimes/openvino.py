"""OpenVINO, on the CPUs, graphics and neural processors that it drives (https://docs.openvino.ai).

It reads liveseg's ONNX files, and OpenVINO's own `.xml` with the `.bin` beside it. A graph compiled for one size is 5
to 10 % faster than one for any size, but takes 0.1 to 0.3 s to compile, where a size that is new to the graph for any
size takes 50 ms. So where sizes repeat, the first few get a graph each, and all others share one; where they do not,
all share one. In bfloat16 the two kinds round differently, in the last bits of the logits.
"""

from __future__ import annotations

import re
import threading
from functools import cache
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import numpy as np

from liveseg.contract import METADATA_KEY
from liveseg.errors import DeviceError, LivesegError, WeightsError
from liveseg.runtimes.base import (
    available_cores,
    check_logits,
    check_quantized,
    first_line,
    import_openvino,
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

ov = import_openvino()

_HINTS = {"float32": "f32", "bfloat16": "bf16", "float16": "f16"}
_OWN_SIZES = 8
"""How many sizes get a graph of their own, where sizes repeat; each takes 20 to 50 MB."""


class OpenvinoRuntime:
    """A network in an ONNX file or OpenVINO's `.xml` that keeps liveseg's contract.

    Results depend on the settings, never on the number of threads nor on how many calls run at the same time; but in
    bfloat16 the last bits of the logits depend on whether a size has a graph of its own or shares the one for any size.

    Args:
        path: the file; its metadata may hold the contract.
        contract: the contract, in place of the one that the file holds.
        labels: the classes, in place of those of the contract.
        device: `auto` and `cpu` (the CPU), `gpu[:N]` or `npu`. `auto` takes no graphics processor: most share memory
            and power with the CPU, which then decodes and encodes more slowly.
        threads: threads on the CPU, of all calls together; all available cores by default.
        parallel: how many calls to expect at the same time. From 2 up the threads are divided among as many streams,
            which gets most pictures done; with 1 all of them answer one call soonest.
        precision: `auto` (OpenVINO's choice: bfloat16 where the processor multiplies it, else float32), `float32`,
            `bfloat16`, `float16` (graphics and neural processors) or, of a quantised graph, `int8`.
        steady: sizes repeat, as those of a video do, so that graphs of their own pay.

    Raises:
        WeightsError: a file that cannot be read, or one whose input or output breaks the contract.
        DeviceError: a device or precision that was asked for and is not there.
        UsageError: a precision that the graph does not have.
    """

    name = "openvino"

    def __init__(
        self,
        path: Path,
        *,
        contract: ModelContract | None = None,
        labels: LabelSet | None = None,
        device: str = "auto",
        threads: int | None = None,
        parallel: int = 1,
        precision: Precision = "auto",
        steady: bool = False,
    ) -> None:
        kind, index = parse_device(device)
        self._device = _device(kind, index)
        self.device = f"gpu:{index}" if kind == "gpu" else self._device.lower()
        self._path = path
        self._model = _read(path)
        self.contract = stated_contract(_record(self._model), path, contract=contract, labels=labels)
        check_quantized(path, self.contract, precision)
        self._parallel = parallel
        self._config = _config(self._device, threads or available_cores(), parallel, precision)
        self.precision = "int8" if self.contract.quantized else _probe(self._device, self._config, precision)
        self._own: dict[tuple[int, ...], _Graph] = {}
        # A neural processor takes graphs of fixed sizes only.
        self._most_own = _OWN_SIZES if steady or self._device == "NPU" else 0
        self._lock = threading.Lock()
        self._any: _Graph | None = None
        if not self._most_own:
            self._any = self._compile((-1, -1))

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Run the network; see `Runtime`. Calls run side by side, the pictures of one batch take turns."""
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3 or 0 in images.shape:
            raise LivesegError(f"the network takes (N, H, W, 3) uint8, not {images.shape} {images.dtype}")
        graph = self._graph(images.shape[1:3])
        try:
            logits = graph.run(images)
        except RuntimeError as error:
            raise LivesegError(f"the network failed on an input of {images.shape}: {first_line(error)}") from error
        check_logits(logits.shape, self.contract)
        return logits

    def _graph(self, size: tuple[int, ...]) -> _Graph:
        graph = self._own.get(size)
        if graph is not None:
            return graph
        with self._lock:
            if size in self._own:
                return self._own[size]
            if len(self._own) == self._most_own and self._device != "NPU":
                if self._any is None:
                    self._any = self._compile((-1, -1))
                return self._any
            if len(self._own) == self._most_own:
                self._own.pop(next(iter(self._own)))
            return self._own.setdefault(size, self._compile(size))

    def _compile(self, size: tuple[int, ...]) -> _Graph:
        """A graph for pictures of one size, or of any where height and width are -1."""
        model = self._model.clone()
        # Of one picture each: a batch of unknown length keeps OpenVINO from fusing layers.
        wanted, shape = (1, *size, 3), model.inputs[0].partial_shape
        for axis, length in enumerate(wanted):
            if shape[axis].is_dynamic:
                shape[axis] = length
        try:
            model.reshape(shape)
            return _Graph(_core().compile_model(model, self._device, self._config), self._parallel)
        except RuntimeError as error:
            raise WeightsError(
                f"{self._path} cannot be compiled for {self._device}: {first_line(error)}; try --runtime onnx"
            ) from error


class _Graph:
    """A compiled graph, and as many requests to run it as calls may be under way."""

    def __init__(self, compiled: Any, parallel: int) -> None:
        self._free: SimpleQueue[Any] = SimpleQueue()
        for _ in range(max(parallel, compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"))):
            self._free.put(compiled.create_infer_request())

    def run(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        request = self._free.get()
        try:
            logits = [_run(request, image) for image in images]
        finally:
            self._free.put(request)
        return logits[0] if len(logits) == 1 else np.concatenate(logits)


def _run(request: Any, image: NDArray[np.uint8]) -> NDArray[np.float32]:
    # OpenVINO shares only memory that it could write to, and does not keep it alive: this name does, until the end.
    pixels = np.require(image[None], requirements=("C", "W"))
    request.set_input_tensor(ov.Tensor(pixels, shared_memory=True))
    request.start_async()
    request.wait()
    # The next run of this request writes over its output.
    return np.array(request.get_output_tensor(0).data, np.float32)


@cache
def _core() -> Any:
    return ov.Core()


def available() -> list[str]:
    """The devices that OpenVINO sees, by its own names, such as `CPU` and `GPU.0`."""
    return list(_core().available_devices)


def computes(device: str) -> list[str]:
    """What a device can compute in, by OpenVINO's names, such as `FP32` and `BF16`."""
    return list(_core().get_property(device, "OPTIMIZATION_CAPABILITIES"))


def _device(kind: str, index: int) -> str:
    """OpenVINO's name of a device."""
    if kind in ("auto", "cpu"):
        return "CPU"
    if kind not in ("gpu", "npu"):
        raise DeviceError(f"the openvino runtime does not drive {kind}; leave out --runtime openvino")
    there = available()
    # A single graphics processor is listed without its number.
    name = "NPU" if kind == "npu" else f"GPU.{index}"
    if name not in there and not (name == "GPU.0" and "GPU" in there):
        raise DeviceError(
            f"{name} was asked for, but OpenVINO sees only {', '.join(there)}; install Intel's driver for it, or use"
            " --device cpu"
        )
    return name


def _config(device: str, threads: int, parallel: int, precision: str) -> dict[str, Any]:
    config: dict[str, Any] = {"PERFORMANCE_HINT": "THROUGHPUT" if parallel > 1 else "LATENCY"}
    if precision in _HINTS:
        config["INFERENCE_PRECISION_HINT"] = _HINTS[precision]
    if device == "CPU":
        config["INFERENCE_NUM_THREADS"] = threads
        # Threads that cannot leave their core wait there for the threads that decode and encode.
        config["ENABLE_CPU_PINNING"] = False
        # What is kept for sizes seen before; OpenVINO's own limit lets it grow to gigabytes.
        config["CPU_RUNTIME_CACHE_CAPACITY"] = 1000
        if parallel > 1:
            config["NUM_STREAMS"] = min(parallel, threads)
    else:
        # Compiling takes such a device seconds to minutes; for the CPU reading the cache would take as long.
        config["CACHE_DIR"] = str(home() / "openvino")
        config["PERFORMANCE_HINT_NUM_REQUESTS"] = parallel
    return config


def _probe(device: str, config: dict[str, Any], asked: str) -> str:
    """The precision in which a device computes with these settings, found by compiling the smallest graph."""
    from openvino import opset13 as op

    value = op.parameter([1], np.float32)
    try:
        compiled = _core().compile_model(ov.Model([op.relu(value)], [value], "probe"), device, config)
        hint = compiled.get_property("INFERENCE_PRECISION_HINT").to_string()
    except RuntimeError as error:
        raise DeviceError(f"OpenVINO cannot use {device}: {first_line(error)}; use --device cpu") from error
    got = next((name for name, own in _HINTS.items() if own == hint), hint)
    if asked not in ("auto", got):
        raise DeviceError(f"{asked} was asked for, but {device} computes in {got}; leave out --precision {asked}")
    return got


def _read(path: Path) -> Any:
    """The model in a file; read by the one front end that it is for, since the others print what they think of it."""
    from openvino.frontend import FrontEndManager

    framework = "ir" if path.suffix.lower() == ".xml" else "onnx"
    try:
        front_end = FrontEndManager().load_by_framework(framework)
        model = front_end.convert(front_end.load(str(path)))
    except Exception as error:  # the front ends' own exceptions share no base class
        raise WeightsError(f"{path} cannot be loaded as an {framework} model: {first_line(error)}") from error
    told = ", ".join(f"{own.element_type.to_string()} {own.partial_shape}" for own in model.inputs)
    if not re.fullmatch(r"u8 \[[^,]+,[^,]+,[^,]+,3\]", told):
        raise WeightsError(
            f"{path} takes {told or 'nothing'}; liveseg's models take one uint8 input (N, H, W, 3) with the"
            " normalisation inside"
        )
    return model


def _record(model: Any) -> str | None:
    """The contract's text in a model's metadata: of an `.xml`, or of an ONNX file as OpenVINO keeps that."""
    for place in ([METADATA_KEY], ["framework", METADATA_KEY]):
        if model.has_rt_info(place):
            return str(model.get_rt_info(place).astype(str))
    return None
