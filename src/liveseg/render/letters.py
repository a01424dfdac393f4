"""Words as opacities: what captions, legends and names at objects are made of."""

from __future__ import annotations

import re
import threading
from functools import cache, lru_cache
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]

_WEIGHT = 500
_DRAWING = threading.Lock()
"""OpenCV keeps the shapes of the letters that it has drawn, and does not say that threads may share them."""


class Box(NamedTuple):
    """A part of a picture: its first column and row, and those after its last."""

    left: int
    top: int
    right: int
    bottom: int

    def meets(self, other: Box) -> bool:
        """Whether the two share a pixel."""
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )


def scaled(side: int, share: float, least: int) -> int:
    """A length that grows with a picture: a share of its shorter side in pixels, but at least so many."""
    return max(round(side * share), least)


@lru_cache(maxsize=512)
def letters(text: str, size: int, most: int | None = None) -> Pixels:
    """A line of text as opacities, `(about 1.4 * size, columns)` `uint8`: 255 within the letters.

    There is room for accents and descenders, so that all lines of a size are equally high and stand on the same row.
    What the font has no sign for becomes a question mark, control characters a space. Not to be written into.

    Args:
        text: one line, in any script.
        size: of the font in pixels; a capital letter has three quarters of it.
        most: columns that it may take; a longer line is drawn smaller.
    """
    line = re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", " ", text).encode("utf-8", "replace").decode("utf-8")
    with _DRAWING:
        wide = _width(line, size)
        own = size
        if most is not None and wide > most:
            # Widths are no exact multiples of the size, which is a whole number.
            own = min(own * most // wide + 2, size)
            while own > 1 and (wide := _width(line, own)) > most:
                own -= 1
        base = size + 1
        layer = np.zeros((base + -(-4 * size // 10), max(wide if most is None else min(wide, most), 1)), np.uint8)
        # The line's middle stays where it is when it is drawn smaller.
        cv2.putText(layer, line, (0, base - round((size - own) * 0.36)), (255,), _font(), own, _WEIGHT)
    layer.setflags(write=False)
    return layer


def blend(place: Pixels, opacity: Pixels, color: Pixels | tuple[int, int, int]) -> None:
    """Lay a colour over a part of a picture, in place.

    Args:
        place: `(H, W, 3)` `uint8`.
        opacity: `(H, W)` `uint8`.
        color: one colour, or `(H, W, 3)` `uint8`.
    """
    share = opacity[..., None].astype(np.uint16)
    mixed = place * (np.uint16(255) - share) + np.asarray(color, np.uint16) * share
    place[:] = (mixed + np.uint16(127)) // np.uint16(255)


@cache
def _font() -> cv2.FontFace:
    return cv2.FontFace("sans")


def _width(line: str, size: int) -> int:
    # On a canvas that is wide enough for any line: where a line does not fit, it is broken.
    room = (4 * size * (len(line) + 2), 2 * size)
    _, _, wide, _ = cv2.getTextSize(room, line, (0, 0), _font(), size, _WEIGHT)
    return int(wide) + 1
