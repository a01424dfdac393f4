"""From a picture to what the network wants: resized by the model's size rule, nothing else.

Normalisation lies inside the exported graph, so the frame stays `uint8` until the network takes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np

from liveseg.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from liveseg.contract import ModelContract

Size = int | Literal["native"]
"""The shorter side of the network's input in pixels, or `native` for the picture's own size."""

MOST_PIXELS = 1 << 25
"""Inputs beyond 33 megapixels need tens of gigabytes inside a network; a very long panorama gets there."""


def input_size(height: int, width: int, size: Size, contract: ModelContract) -> tuple[int, int]:
    """The network's input `(height, width)` for a picture, by the shorter side and the model's size rule.

    A model of one fixed size has that, whatever the picture.

    Raises:
        UsageError: an input of more than 33 megapixels.
    """
    if contract.fixed_size is not None:
        return contract.fixed_size
    scale = scale_of(height, width, size)
    fitted = contract.fit(height * scale), contract.fit(width * scale)
    if fitted[0] * fitted[1] > MOST_PIXELS:
        wish = "its own size" if size == "native" else f"size {size}"
        raise UsageError(
            f"a picture of {width}x{height} at {wish} makes a network input of {fitted[1]}x{fitted[0]}, which is more"
            " than memory is likely to hold; choose a smaller --size"
        )
    return fitted


def scale_of(height: int, width: int, size: Size) -> float:
    """What a picture's sides are multiplied by, before the size rule rounds them."""
    return 1.0 if size == "native" else size / min(height, width)


def resize(image: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Resize `(H, W, 3)` `uint8` to `(height, width, 3)`: area average where it shrinks, bilinear where it grows."""
    if image.shape[:2] == (height, width):
        return np.ascontiguousarray(image)
    shrinks = height * width < image.shape[0] * image.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (width, height), interpolation=method), np.uint8)
