"""What is shown while a source is away: its last picture, darkened, and what is going on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DARK = 0.35
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_WIDTH_SHARE = 0.5
_HEIGHT_SHARE = 0.15
_WHITE = (255, 255, 255)


def placeholder(picture: NDArray[np.uint8], text: str) -> NDArray[np.uint8]:
    """A darkened copy of a picture `(H, W, 3)` `uint8` RGB with a line of text (ASCII) in its middle."""
    dark = np.asarray(cv2.convertScaleAbs(picture, alpha=_DARK), np.uint8)
    height, width = dark.shape[:2]
    (text_width, text_height), _ = cv2.getTextSize(text, _FONT, 1.0, 2)
    scale = min(_WIDTH_SHARE * width / text_width, _HEIGHT_SHARE * height / text_height)
    thickness = max(round(2 * scale), 1)
    at = (round((width - text_width * scale) / 2), round((height + text_height * scale) / 2))
    cv2.putText(dark, text, at, _FONT, scale, _WHITE, thickness, cv2.LINE_AA)
    return dark
