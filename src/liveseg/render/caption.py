"""Words on a picture, in proportion to it and legible on any background."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_SHARE = 1 / 24
"""Height of a capital letter, of the picture's shorter side."""

_LEAST = 10
"""Pixels below which letters cannot be read."""


def captioned(picture: NDArray[np.uint8], text: str, *, below: bool = False) -> NDArray[np.uint8]:
    """The picture with a line of text in its upper or lower left corner, white with a dark rim.

    A line that does not fit is made smaller until it does.

    Args:
        picture: `(H, W, 3)` `uint8` RGB; not changed.
        text: one line.
        below: whether in the lower corner.
    """
    own = np.ascontiguousarray(picture).copy()
    white, rim = _letters(text, min(own.shape[:2]), own.shape[1])
    white, rim = white[: own.shape[0]], rim[: own.shape[0]]
    place = own[own.shape[0] - white.shape[0] :] if below else own[: white.shape[0]]
    place = place[:, : white.shape[1]]
    # As of two layers of paint: the rim darkens, the letters lighten.
    dark = place * (1.0 - rim)
    place[:] = dark + (255.0 - dark) * white
    return own


@lru_cache(maxsize=64)
def _letters(text: str, side: int, width: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Opacities of the letters and of their rim, `(height, columns, 1)` `float32` in [0, 1]."""
    height = max(round(side * _SHARE), _LEAST)
    margin = height // 2
    scale = cv2.getFontScaleFromHeight(_FONT, height)
    (wide, _), _ = cv2.getTextSize(text, _FONT, scale, 1)
    if wide > width - 2 * margin:
        scale *= max(width - 2 * margin, 1) / wide
        (wide, _), _ = cv2.getTextSize(text, _FONT, scale, 1)
    layer = np.zeros((height * 2 + margin, min(wide + 2 * margin, width)), np.uint8)
    # The rim is made of the letters: a thicker stroke would be another weight of the font, and wider.
    cv2.putText(layer, text, (margin, margin + height), _FONT, scale, 255, max(round(height / 12), 1), cv2.LINE_AA)
    reach = max(round(height / 10), 1) * 2 + 1
    rim = cv2.dilate(layer, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
    return _opacity(layer), _opacity(rim)


def _opacity(layer: cv2.typing.MatLike) -> NDArray[np.float32]:
    return np.asarray(layer[..., None], np.float32) / np.float32(255)
