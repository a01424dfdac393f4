"""Several pictures in one: a grid of equal cells, each picture whole in its cell."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

from liveseg.render.caption import captioned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]


def grid_shape(count: int) -> tuple[int, int]:
    """Rows and columns of a grid for so many cells: as square as can be, wider rather than taller."""
    columns = math.ceil(math.sqrt(count))
    return math.ceil(count / columns), columns


def grid(pictures: Sequence[Pixels | None], names: Sequence[str], cell: tuple[int, int]) -> Pixels:
    """Pictures side by side, each scaled to fit its cell, with black beside it and its name on it.

    Args:
        pictures: `(H, W, 3)` `uint8` RGB, of any sizes; `None` for one that is not there (yet).
        names: one a picture, drawn at its bottom: what is drawn on the picture itself stands at its top.
        cell: height and width of a cell in pixels.

    Returns:
        `(rows * height, columns * width, 3)` `uint8` RGB.
    """
    rows, columns = grid_shape(len(pictures))
    height, width = cell
    whole = np.zeros((rows * height, columns * width, 3), np.uint8)
    for number, (picture, name) in enumerate(zip(pictures, names, strict=True)):
        top, left = (number // columns) * height, (number % columns) * width
        place = whole[top : top + height, left : left + width]
        if picture is not None:
            _fit_into(place, picture)
        place[:] = captioned(place, name if picture is not None else f"{name}: no picture", below=True)
    return whole


def _fit_into(place: Pixels, picture: Pixels) -> None:
    height, width = place.shape[:2]
    scale = min(height / picture.shape[0], width / picture.shape[1])
    tall, wide = max(round(picture.shape[0] * scale), 1), max(round(picture.shape[1] * scale), 1)
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    fitted = cv2.resize(picture, (wide, tall), interpolation=way)
    top, left = (height - tall) // 2, (width - wide) // 2
    place[top : top + tall, left : left + wide] = fitted
