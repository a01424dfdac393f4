"""The borders of classes, drawn on their inner side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2

from liveseg.render.letters import scaled

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from liveseg.render.overlay import Painter

    Pixels = NDArray[np.uint8]

_SHARE = 1 / 300
"""Width of a line, of the picture's shorter side."""

_STRIP_PIXELS = 1 << 17
"""How many pixels are looked at at once: what each step leaves stays in a cache, and is not of the picture's size."""


def draw_contours(picture: Pixels, mask: Pixels, painter: Painter) -> None:
    """Draw the border of each class in its colour, inside the class, in place.

    There is no line where two classes meet that are not drawn, nor along the picture's own edge.

    Args:
        picture: `(H, W, 3)` `uint8` RGB.
        mask: `(H, W)` `uint8` class indices.
        painter: the classes that are drawn, and their colours.
    """
    height, width = mask.shape
    reach = scaled(min(mask.shape), _SHARE, 1)
    around = cv2.getStructuringElement(cv2.MORPH_RECT, (2 * reach + 1, 2 * reach + 1))
    rows = max(_STRIP_PIXELS // width, 4 * reach)
    for top in range(0, height, rows):
        part = slice(top, min(top + rows, height))
        above = min(reach, top)
        seen = painter.seen(mask[top - above : part.stop + reach])
        # A pixel is near a border where not all in its neighbourhood are of its class.
        border = cv2.compare(cv2.dilate(seen, around), cv2.erode(seen, around), cv2.CMP_NE)
        border = border[above : above + part.stop - top]
        border = cv2.bitwise_and(border, border, mask=painter.where(mask[part]))
        cv2.copyTo(painter.color(mask[part]), border, picture[part])
