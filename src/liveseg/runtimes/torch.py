"""The reference runtime: PyTorch, on the CPU, CUDA and MPS."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch
from torch import nn

from liveseg.errors import DeviceError, UsageError
from liveseg.models.registry import IMAGENET_MEAN, IMAGENET_STD
from liveseg.runtimes.base import parse_device
from liveseg.runtimes.torch_line import DeviceLine
from liveseg.runtimes.torch_steps import steps_on

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from liveseg.contract import ModelContract
    from liveseg.models.network import SegmentationNetwork
    from liveseg.preprocess import Size
    from liveseg.settings import Precision

_DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


class Contracted(nn.Module):
    """A network in the form of the contract: `uint8` NHWC RGB in, low-resolution logits out.

    Both the torch runtime and the ONNX export run this module, so what they compute is the same by construction.
    """

    mean: torch.Tensor
    scale: torch.Tensor

    def __init__(self, network: SegmentationNetwork) -> None:
        super().__init__()
        self.network = network
        mean, std = torch.tensor(IMAGENET_MEAN), torch.tensor(IMAGENET_STD)
        self.register_buffer("mean", (mean * 255.0).view(1, 3, 1, 1))
        self.register_buffer("scale", (1.0 / (std * 255.0)).view(1, 3, 1, 1))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """`(N, H, W, 3)` `uint8` RGB to `(N, classes, h, w)` logits."""
        # NHWC seen as NCHW is PyTorch's channels-last layout, which its convolutions prefer.
        pixels = images.permute(0, 3, 1, 2).to(self.mean.dtype)
        return self.network.low_logits((pixels - self.mean) * self.scale)


class ModuleRuntime:
    """A PyTorch module that keeps the contract, as a `Runtime` and a `LineRuntime`.

    Args:
        module: `uint8` NHWC RGB to low-resolution logits, in evaluation mode; from now on this runtime's own.
        contract: its contract.
        device: `auto` (CUDA, else MPS, else the CPU), `cpu`, `cuda`, `cuda:N` or `mps`.
        threads: threads of one call on the CPU, for the whole process as PyTorch has it; its default by default.
        precision: `auto` (`float16` on CUDA, else `float32`), `float32`, `float16` or `bfloat16`.

    Raises:
        DeviceError: a device that was asked for and is not there.
        UsageError: a precision that PyTorch has not.
    """

    name = "torch"

    def __init__(
        self,
        module: nn.Module,
        contract: ModelContract,
        *,
        device: str = "auto",
        threads: int | None = None,
        precision: Precision = "auto",
    ) -> None:
        self._device = _device(device)
        self.precision = resolved_precision(precision, self._device)
        if threads:
            torch.set_num_threads(threads)
        self.device = str(self._device)
        self.contract = contract
        self.line_pays = self._device.type == "cuda"
        self._module = module.to(self._device, _DTYPES[self.precision])
        self._steps = steps_on(self._device, lambda _shape: self._step)

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Run the network; see `Runtime`."""
        return self._steps(images)[0]

    def line(self, *, size: Size, table: NDArray[np.uint8]) -> DeviceLine:
        """The whole line on the device; see `LineRuntime`."""
        return DeviceLine(self._module, self.contract, self._device, size=size, table=table)

    def _step(self, pixels: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return (self._module(pixels).float(),)


class TorchRuntime(ModuleRuntime):
    """A network in PyTorch.

    Args:
        network: in evaluation mode; it is copied, since device, precision and memory layout change it.
        contract: its contract.
        device: as `ModuleRuntime` takes it, like the rest.
        threads: likewise.
        precision: likewise.

    Raises:
        DeviceError: a device that was asked for and is not there.
        UsageError: a precision that PyTorch has not.
    """

    def __init__(
        self,
        network: SegmentationNetwork,
        contract: ModelContract,
        *,
        device: str = "auto",
        threads: int | None = None,
        precision: Precision = "auto",
    ) -> None:
        module = Contracted(copy.deepcopy(network)).eval()
        module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # is documented
        super().__init__(module, contract, device=device, threads=threads, precision=precision)


def _device(name: str) -> torch.device:
    kind, index = parse_device(name)
    if kind not in ("auto", "cpu", "cuda", "mps"):
        raise DeviceError(f"the torch runtime has no {kind}; leave out --runtime, or use --device auto")
    has_mps = torch.backends.mps.is_available()
    if kind == "auto":
        kind = "cuda" if torch.cuda.is_available() else "mps" if has_mps else "cpu"
    if kind == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if index >= count:
            raise DeviceError(
                f"CUDA device {index} was asked for, but PyTorch {torch.__version__} sees {count}; use --device cpu, or"
                " install a CUDA build of PyTorch and its driver"
            )
        return torch.device("cuda", index)
    if kind == "mps" and not has_mps:
        raise DeviceError("MPS was asked for, but PyTorch has none on this machine; use --device cpu")
    return torch.device(kind)


def resolved_precision(wanted: Precision, device: torch.device) -> str:
    """What `auto` means on a device, or what was asked for.

    Raises:
        UsageError: a precision that PyTorch has not.
    """
    if wanted == "auto":
        # What a GPU's matrix units are built for; the tests hold its masks to those of float32.
        return "float16" if device.type == "cuda" else "float32"
    if wanted not in _DTYPES:
        raise UsageError(
            f"the torch runtime computes in {', '.join(_DTYPES)}, not in {wanted}; for int8, quantise the model with"
            " `liveseg quantize` and use --runtime openvino or onnx"
        )
    return wanted
