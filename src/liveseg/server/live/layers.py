"""From a segmentation to the layers that a client paints: the mask at a chosen size, and how sure the network was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from liveseg import postprocess
from liveseg.errors import UsageError
from liveseg.wire import Layers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from liveseg.segmentation import Segmentation


def layers_of(segmentation: Segmentation, *, shorter: int | None = None, confidence: bool = True) -> Layers:
    """The layers of one picture, with sequence and times left at 0.

    Args:
        segmentation: as the network gave it, with its logits.
        shorter: pixels of the mask's shorter side; the picture's own by default, and never more than that.
        confidence: with the confidences, one for each cell of the logits' grid.

    Raises:
        UsageError: a segmentation from a file, which has no logits.
    """
    mask = segmentation.mask
    height, width = mask_size(mask.shape[0], mask.shape[1], shorter)
    # Interpolated from the logits, not picked from the mask: the borders lie where they do at full size.
    if (height, width) != mask.shape:
        mask = postprocess.upsampled_argmax(
            _logits(segmentation), height, width, align_corners=segmentation.align_corners
        )
    return Layers(mask, confidence_layer(segmentation) if confidence else None)


def mask_size(height: int, width: int, shorter: int | None) -> tuple[int, int]:
    """Height and width of a mask with so many pixels on its shorter side, at most those of the picture itself."""
    scale = 1.0 if shorter is None else min(shorter / min(height, width), 1.0)
    return max(round(height * scale), 1), max(round(width * scale), 1)


def confidence_layer(segmentation: Segmentation) -> NDArray[np.uint8]:
    """The confidences in the middle of each cell of the logits' grid: `(h, w)` `uint8`, 255 times the probability.

    Whatever way the grid lies on the picture, these lie as the pixels of a small picture do, which is what anything
    that scales pictures expects.
    """
    logits = _logits(segmentation)
    rows, columns = (min(count, side) for count, side in zip(logits.shape[1:], segmentation.mask.shape, strict=True))
    sure = postprocess.upsampled_confidence(logits, rows, columns, align_corners=segmentation.align_corners)
    return np.rint(sure * 255).astype(np.uint8)


def _logits(segmentation: Segmentation) -> NDArray[np.float32]:
    if segmentation.logits is None:
        raise UsageError("this mask came from a file, which holds no logits; segment the picture for its layers")
    return segmentation.logits
