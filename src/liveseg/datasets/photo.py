"""How a mask comes to lie on its photo: of the same size, and turned as the photo is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from liveseg.errors import DataError
from liveseg.media.images import ImageSource
from liveseg.media.pixels import orientation, quiet

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def shown_size(image: Path) -> tuple[int, int]:
    """Height and width of a photo as it is shown, in pixels, from its header.

    Raises:
        MediaError: a file that is no image.
    """
    with ImageSource(image) as opened:
        return opened.info.height, opened.info.width


def fitted(mask: NDArray[np.uint8], image: Path, name: str) -> NDArray[np.uint8]:
    """The mask as it lies on the photo as it is shown.

    Photos are turned as their EXIF orientation says. A mask whose size is that of the shown photo is taken as it is;
    one that fits only the photo as it is stored is turned alike.

    Args:
        mask: `(H, W)`.
        image: the photo's file.
        name: what the mask is called where it does not fit.

    Raises:
        DataError: another size.
        MediaError: a photo that cannot be read.
    """
    height, width = shown_size(image)
    if mask.shape == (height, width):
        return mask
    if mask.shape == (width, height):
        turn = _TURNS.get(_orientation(image))
        if turn is not None:
            return turn(mask)
    raise DataError(
        f"{name} is {mask.shape[1]} x {mask.shape[0]} pixels, but its photo {image} is {width} x {height}; make the"
        " mask of the photo's own size"
    )


def _orientation(image: Path) -> int:
    from PIL import Image

    with quiet():
        opened = Image.open(image)
    with opened:
        return orientation(opened)


def _along(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(mask.T)


def _right(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(np.rot90(mask, -1))


def _across(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(np.rot90(mask, 2).T)


def _left(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(np.rot90(mask, 1))


_TURNS = {5: _along, 6: _right, 7: _across, 8: _left}
"""What the EXIF orientations that swap height and width do."""
