"""Words on a picture, in proportion to it and legible on any background."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from liveseg.render.letters import blend, letters, scaled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]

_SHARE = 1 / 24
"""Size of the letters, of the picture's shorter side."""

_LEAST = 10
"""Pixels below which letters cannot be read."""


def captioned(picture: Pixels, text: str, *, below: bool = False) -> Pixels:
    """The picture with a line of text in its upper or lower left corner, white with a dark rim.

    A line that does not fit is made smaller until it does.

    Args:
        picture: `(H, W, 3)` `uint8` RGB; not changed.
        text: one line.
        below: whether in the lower corner.
    """
    own = np.ascontiguousarray(picture).copy()
    white, rim = _layers(text, min(own.shape[:2]), own.shape[1])
    white, rim = white[: own.shape[0]], rim[: own.shape[0]]
    place = own[own.shape[0] - white.shape[0] :] if below else own[: white.shape[0]]
    place = place[:, : white.shape[1]]
    blend(place, rim, (0, 0, 0))
    blend(place, white, (255, 255, 255))
    return own


def caption_height(side: int) -> int:
    """How many rows a caption takes of a picture whose shorter side has so many pixels."""
    size = scaled(side, _SHARE, _LEAST)
    return size * 2 + size // 2


@lru_cache(maxsize=64)
def _layers(text: str, side: int, width: int) -> tuple[Pixels, Pixels]:
    """Opacities of the letters and of their rim, `(height, columns)` `uint8`."""
    size = scaled(side, _SHARE, _LEAST)
    margin = size // 2
    line = letters(text, size, max(width - 2 * margin, 1))
    layer = np.zeros((caption_height(side), min(line.shape[1] + 2 * margin, width)), np.uint8)
    top = (layer.shape[0] - line.shape[0]) // 2
    place = layer[top : top + line.shape[0], margin : margin + line.shape[1]]
    place[:] = line[:, : place.shape[1]]
    # The rim is made of the letters: a thicker stroke would be another weight of the font, and wider.
    reach = max(round(size / 10), 1) * 2 + 1
    rim = cv2.dilate(layer, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
    return layer, np.asarray(rim, np.uint8)
