"""What liveseg takes for a picture where one is given by hand: a path, a PIL image or an array."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from liveseg.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

    Picture = str | PathLike[str] | Image | NDArray[np.uint8]


def as_rgb(image: Picture, color: str = "rgb") -> NDArray[np.uint8]:
    """A picture as `(H, W, 3)` `uint8` RGB.

    Args:
        image: a path, a PIL image, or an array `(H, W, 3)` `uint8`.
        color: the channel order of an array, `rgb` or `bgr`.

    Raises:
        SourceNotFoundError: no such file.
        MediaError: a file that is no image.
        UsageError: an array of another layout or type; no such channel order.
    """
    if isinstance(image, str | PathLike):
        from liveseg.media.images import read_image

        return read_image(Path(image))
    if not isinstance(image, np.ndarray):
        from PIL.Image import Image

        if isinstance(image, Image):
            from liveseg.media.pixels import to_rgb

            return to_rgb(image)
        raise UsageError(f"a picture is a path, a PIL image or a numpy array, not {type(image).__name__}")
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise UsageError(
            f"an array is (H, W, 3) uint8, not {image.shape} {image.dtype}; for other pixels pass a PIL image or a path"
        )
    if color not in ("rgb", "bgr"):
        raise UsageError(f"color is 'rgb' or 'bgr', not {color!r}")
    return np.ascontiguousarray(image[:, :, ::-1] if color == "bgr" else image)
