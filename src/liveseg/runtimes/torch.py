"""The reference runtime: PyTorch, on the CPU, CUDA and MPS."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import nn

from liveseg.errors import DeviceError, LivesegError
from liveseg.models.registry import IMAGENET_MEAN, IMAGENET_STD
from liveseg.runtimes.base import parse_device

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from liveseg.contract import ModelContract
    from liveseg.models.network import SegmentationNetwork


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


class TorchRuntime:
    """A network in PyTorch.

    Args:
        network: in evaluation mode.
        contract: its contract.
        device: `auto` (CUDA, else MPS, else the CPU), `cpu`, `cuda`, `cuda:N` or `mps`.
        threads: threads of one call on the CPU, for the whole process as PyTorch has it; its default by default.
        half: half precision; by default on CUDA only.

    Raises:
        DeviceError: a device that was asked for and is not there.
    """

    name = "torch"

    def __init__(
        self,
        network: SegmentationNetwork,
        contract: ModelContract,
        *,
        device: str = "auto",
        threads: int | None = None,
        half: bool | None = None,
    ) -> None:
        self._device = _device(device)
        if threads:
            torch.set_num_threads(threads)
        self.device = str(self._device)
        self.contract = contract
        dtype = torch.float16 if (self._device.type == "cuda" if half is None else half) else torch.float32
        module = Contracted(network).eval().to(self._device, dtype)
        self._module = module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # is documented

    @torch.inference_mode()
    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Run the network; see `Runtime`."""
        try:
            # PyTorch cannot share memory that must not be written, such as an image that Pillow still owns.
            pixels = torch.from_numpy(np.require(images, requirements="W"))
            logits = self._module(pixels.to(self._device))
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[0]
            raise LivesegError(f"the network failed on an input of {images.shape}: {reason}") from error
        return cast("NDArray[np.float32]", logits.float().cpu().contiguous().numpy())


def _device(name: str) -> torch.device:
    kind, index = parse_device(name)
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
