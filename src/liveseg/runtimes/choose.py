"""Which runtime runs a network: what the user asked for, or the fastest one installed that can do it.

The rule of `auto`, with what was measured on two cores of a processor with AVX-512 and bfloat16, in milliseconds a
frame by one thread / two threads (ONNX Runtime 1.32, OpenVINO 2026.4):

| model, input | ONNX Runtime float32 | OpenVINO float32 | OpenVINO bfloat16 | OpenVINO int8 |
|---|---|---|---|---|
| `lraspp`, 768x576 | 50 / 36 | 51 / 29 | 26.5 / 16.7 | 27 / 17 |
| `deeplabv3`, 768x576 | 134 / 69 | | 54 / 29 | |
| `lite`, 337x257 | 14.4 / 8.4 | 17 / 8.5 | 8.1 / 4.2 | 6.4 / 3.8 |

1. A runtime counts only if it reads the file, drives the device and computes in the precision that were asked for.
2. Frames of a video or a live source, or anything on `cuda`: PyTorch where it sees CUDA, since it alone keeps the
   whole line from pixels to pixels on the device; else ONNX Runtime where its package has CUDA or DirectML.
3. Frames of a video or a live source on an x86 processor: OpenVINO. It is twice as fast in bfloat16, and level in
   float32, which it takes where the processor has no bfloat16.
4. Pictures, each of a size of its own: ONNX Runtime, on what its package has. It starts a quarter of a second sooner,
   and a size that it has not seen costs it nothing; OpenVINO makes its kernels anew, which for `lite` takes 40 to
   60 ms, against 14 for the picture itself.
5. Elsewhere ONNX Runtime, which runs everywhere; and PyTorch where only it can (MPS, a `.pt2` file).

Whether frames are to be answered soonest or many at a time changes how a runtime is set up, not which is taken.
"""

from __future__ import annotations

import ctypes
import importlib.util
import platform
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from liveseg.errors import MissingExtraError, UsageError
from liveseg.runtimes.base import parse_device
from liveseg.settings import Precision, RuntimeName

if TYPE_CHECKING:
    from liveseg.runtimes.load import Request

RealRuntime = Literal["onnx", "openvino", "torch"]

_DRIVES: dict[RealRuntime, tuple[str, ...]] = {
    "onnx": ("cpu", "cuda", "tensorrt", "coreml", "directml"),
    "openvino": ("cpu", "gpu", "npu"),
    "torch": ("cpu", "cuda", "mps"),
}
_COMPUTES: dict[RealRuntime, tuple[str, ...]] = {
    "onnx": ("float32", "int8"),
    "openvino": ("float32", "bfloat16", "float16", "int8"),
    "torch": ("float32", "bfloat16", "float16"),
}
_READS: dict[str, tuple[RealRuntime, ...]] = {".onnx": ("onnx", "openvino"), ".xml": ("openvino",), ".pt2": ("torch",)}
_TITLES = {"onnx": "ONNX Runtime", "openvino": "OpenVINO", "torch": "PyTorch"}


@dataclass(frozen=True)
class Choice:
    """A runtime, and in a few words why it was taken."""

    runtime: RealRuntime
    reason: str

    def __str__(self) -> str:
        return f"{self.runtime}: {self.reason}"


def choose(request: Request) -> Choice:
    """The runtime for a request, by the rule that this module begins with.

    Raises:
        UsageError: a runtime, device or precision that does not exist, or a request that contradicts itself.
        MissingExtraError: the only runtime that could do it is not installed.
    """
    kind, _ = parse_device(request.device)
    _must_exist("runtime", request.runtime, get_args(RuntimeName))
    _must_exist("precision", request.precision, get_args(Precision))
    needs = _needs(request, kind)
    if request.runtime != "auto":
        for what, names in needs:
            if request.runtime not in names:
                others = " or ".join(f"--runtime {name}" for name in names)
                raise UsageError(f"the {request.runtime} runtime does not {what}; use {others}, or leave it out")
        return Choice(request.runtime, "asked for")
    asked = " and ".join(what for what, _ in needs)
    able: list[RealRuntime] = [name for name in get_args(RealRuntime) if all(name in names for _, names in needs)]
    if not able:
        raise UsageError(f"no runtime can {asked}; leave out one of these")
    there = [name for name in able if installed(name)]
    if not there:
        raise MissingExtraError(f"to {asked} takes {_TITLES[able[0]]}: pip install 'liveseg[{able[0]}]'")
    if len(there) == 1 and asked:
        return Choice(there[0], f"the one installed that can {asked}")
    return _on_accelerator(there, kind, request) or _on_cpu(there, request)


def installed(runtime: str) -> bool:
    """Whether what a runtime needs is installed; it is not imported."""
    return importlib.util.find_spec("onnxruntime" if runtime == "onnx" else runtime) is not None


def _must_exist(what: str, name: str, names: tuple[str, ...]) -> None:
    if name not in names:
        raise UsageError(f"no such {what} {name!r}; choose one of {', '.join(names)}")


def _needs(request: Request, kind: str) -> list[tuple[str, tuple[RealRuntime, ...]]]:
    """What the request asks of a runtime, and which can do it."""
    needs: list[tuple[str, tuple[RealRuntime, ...]]] = []
    if request.weights is not None and (readers := _READS.get(request.weights.suffix.lower())):
        needs.append((f"read {request.weights.name}", readers))
    if kind != "auto":
        needs.append((f"drive {kind}", tuple(name for name, kinds in _DRIVES.items() if kind in kinds)))
    if request.precision != "auto":
        computers = tuple(name for name, own in _COMPUTES.items() if request.precision in own)
        needs.append((f"compute in {request.precision}", computers))
    return needs


def _on_accelerator(there: list[RealRuntime], kind: str, request: Request) -> Choice | None:
    """The rule of `auto` where CUDA is asked for, or frames come whose number makes up for its slower start."""
    if kind == "cuda" or (kind == "auto" and request.steady and _cuda_driver_works()):
        if "torch" in there and _torch_sees_cuda():
            return Choice("torch", "keeps the whole line on CUDA")
        if "onnx" in there and _onnx_holds("onnxruntime_providers_cuda"):
            return Choice("onnx", "its package has CUDA")
    if kind == "auto" and request.steady and "onnx" in there and _onnx_holds("DirectML"):
        return Choice("onnx", "its package has DirectML")
    return None


def _on_cpu(there: list[RealRuntime], request: Request) -> Choice:
    """The rule of `auto` among several runtimes for the CPU."""
    if "onnx" not in there:
        return Choice("torch" if request.precision == "float16" else "openvino", f"computes in {request.precision}")
    if not request.steady:
        return Choice("onnx", "starts soonest, and takes pictures of many sizes without delay")
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return Choice("onnx", "runs on every processor")
    if "openvino" in there:
        return Choice("openvino", "the fastest on x86 processors for frames of one size")
    return Choice("onnx", "OpenVINO, faster on x86 processors, is not installed: pip install 'liveseg[openvino]'")


def _cuda_driver_works() -> bool:
    """Whether NVIDIA's driver finds a device; asked of the driver, since importing PyTorch takes seconds."""
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return bool(driver.cuInit(0) == 0)


def _torch_sees_cuda() -> bool:
    import torch

    return torch.cuda.is_available()


def _onnx_holds(library: str) -> bool:
    """Whether the ONNX Runtime that is installed came with a provider's library; it is not imported."""
    spec = importlib.util.find_spec("onnxruntime")
    folders = (spec.submodule_search_locations if spec else None) or []
    return any(library in file.name for folder in folders for file in (Path(folder) / "capi").glob("*"))
