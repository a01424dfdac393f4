"""The whole line on the device: the source's pixels up, resized, segmented, drawn, and the picture down.

Only `uint8` pixels and low-resolution logits cross between host and device. Against the line on the CPU, with the
network in `float32`: where the size stays, the masks differ only where two classes are equal to within rounding; where
it changes, the network's input also differs by up to one level of 255 (see `torch_resize`). The tests hold both to
99.9 % of the pixels. Drawing is a table look-up, so equal masks give equal pictures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from liveseg.postprocess import check_finite
from liveseg.preprocess import input_size
from liveseg.runtimes.line import LineResult
from liveseg.runtimes.torch_resize import resizer
from liveseg.runtimes.torch_steps import steps_on

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from liveseg.contract import ModelContract
    from liveseg.preprocess import Size
    from liveseg.runtimes.torch_steps import Step

MOST_FRAMES = 16
BATCH_PIXELS = 1 << 23
"""A batch holds at most 16 frames and 8 megapixels, of source or network input, whichever has more, but at least one
frame: 16 frames of 768x576, 4 of 1920x1080, 1 of 3840x2160. The networks of the registry need 90 (`lraspp`) to 404
(`deeplabv3_resnet50`) bytes of half-precision activations a pixel of input at their peak, so a batch takes up to 3.4
GB; 16 frames is less than a second of video, which bounds how long the first of them waits for the last."""

SLICE_VALUES = 1 << 25
"""Full-size logits made at once, 128 MiB: all 21 classes of a 4K frame would be 700."""


class DeviceLine:
    """A module and a way of drawing, as one call; see `liveseg.runtimes.line.Line`.

    Args:
        module: `(N, H, W, 3)` `uint8` to low-resolution logits `(N, classes, h, w)`, on the device.
        contract: the module's.
        device: where it is.
        size: shorter side of the network's input in pixels, or `native`.
        table: `(256, 256, 3)` `uint8`; see `Painter.table`.
    """

    def __init__(
        self,
        module: Callable[[Tensor], Tensor],
        contract: ModelContract,
        device: torch.device,
        *,
        size: Size,
        table: NDArray[np.uint8],
    ) -> None:
        self._module = module
        self._contract = contract
        self._device = device
        self._size: Size = size
        self._table = torch.tensor(table, device=device).flatten()
        self._steps = steps_on(device, self._prepare)

    def batch(self, height: int, width: int) -> int:
        """How many frames to give to one call; see `BATCH_PIXELS`."""
        rows, columns = input_size(height, width, self._size, self._contract)
        return min(max(BATCH_PIXELS // max(height * width, rows * columns), 1), MOST_FRAMES)

    def __call__(self, frames: NDArray[np.uint8]) -> list[LineResult]:
        """One result a frame; see `liveseg.runtimes.line.Line`."""
        logits, masks, pictures = self._steps(frames)
        check_finite(logits)
        return [LineResult(*parts) for parts in zip(logits, masks, pictures, strict=True)]

    def _prepare(self, shape: tuple[int, ...]) -> Step:
        before = shape[1], shape[2]
        resize = resizer(before, input_size(*before, self._size, self._contract), self._device)

        def step(pixels: Tensor) -> tuple[Tensor, ...]:
            logits = self._module(resize(pixels)).float().contiguous()
            return logits, *self._drawn(logits, pixels)

        return step

    def _drawn(self, logits: Tensor, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Masks `(N, H, W)` and pictures `(N, H, W, 3)`, by slices of rows."""
        frames, height, width, _ = pixels.shape
        align = self._contract.align_corners
        rows = _places(logits.shape[2], height, align, self._device)
        columns = _places(logits.shape[3], width, align, self._device)
        channel = torch.arange(3, dtype=torch.int32, device=self._device)
        masks, pictures = torch.empty_like(pixels[..., 0]), torch.empty_like(pixels)
        # Drawing a pixel takes about as much memory as 12 of its logits.
        step = max(SLICE_VALUES // (frames * max(logits.shape[1], 12) * width), 1)
        for top in range(0, height, step):
            part = slice(top, top + step)
            y, x = torch.meshgrid(rows[part], columns, indexing="ij")
            grid = torch.stack((x, y), dim=-1).expand(frames, -1, -1, -1)
            # The positions are clamped and count from corner to corner, whatever the contract's way to get there.
            full = functional.grid_sample(logits, grid, mode="bilinear", padding_mode="border", align_corners=True)
            masks[:, part] = full.argmax(dim=1)
            place = masks[:, part, :, None].int() * 768 + pixels[:, part].int() * 3 + channel
            pictures[:, part] = self._table.index_select(0, place.flatten()).view(place.shape)
        return masks, pictures


def _places(samples: int, pixels: int, align_corners: bool, device: torch.device) -> Tensor:
    """Where pixels lie on an axis of samples, from -1, the first one's centre, to 1, the last one's.

    The geometry is that of `torch.nn.functional.interpolate(mode="bilinear")`. It is computed on the device, since a
    graph cannot be captured while copies come from the host.
    """
    place = torch.arange(pixels, dtype=torch.float32, device=device)
    if align_corners:
        position = place * ((samples - 1) / max(pixels - 1, 1))
    else:
        position = ((place + 0.5) * (samples / pixels) - 0.5).clamp_(0, samples - 1)
    return position * (2 / max(samples - 1, 1)) - 1
