"""The whole line on one device: what a runtime offers that can resize, segment and draw where its network runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from liveseg.runtimes.base import Runtime

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from liveseg.preprocess import Size


@dataclass(frozen=True, eq=False, slots=True)
class LineResult:
    """What a line makes of one frame.

    Args:
        logits: the network's own low-resolution output, `(classes, h, w)` `float32`.
        mask: `(H, W)` `uint8` class indices, by the rule of `postprocess.upsampled_argmax`.
        picture: the frame with its classes drawn, `(H, W, 3)` `uint8` RGB.
    """

    logits: NDArray[np.float32]
    mask: NDArray[np.uint8]
    picture: NDArray[np.uint8]


class Line(Protocol):
    """Resizing, network, mask and drawing in one call. Calls may come from several threads at once."""

    def batch(self, height: int, width: int) -> int:
        """How many frames of `height` x `width` pixels to give to one call, where that many are at hand."""

    def __call__(self, frames: NDArray[np.uint8]) -> list[LineResult]:
        """One result a frame, in order.

        Args:
            frames: `(N, H, W, 3)` `uint8` RGB, as they come from the source.

        Raises:
            WeightsError: the network's output is not finite.
            LivesegError: the device failed, for instance for want of memory.
        """


@runtime_checkable
class LineRuntime(Runtime, Protocol):
    """A runtime that can keep the whole line, from the source's pixels to the drawn ones, on its device."""

    line_pays: bool
    """Whether the device is one where that is worth it, such as a GPU with memory of its own."""

    def line(self, *, size: Size, table: NDArray[np.uint8]) -> Line:
        """The line for one way of drawing.

        Args:
            size: shorter side of the network's input in pixels, or `native`.
            table: what drawing does to a pixel, `(256, 256, 3)` `uint8`; see `Painter.table`.
        """
