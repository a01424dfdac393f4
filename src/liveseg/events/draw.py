"""The outlines of zones, with their names, on a picture."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from liveseg.events.zones import Zone

    Pixels = NDArray[np.uint8]

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_LETTER_SHARE = 1 / 32
"""Height of a capital letter, of the picture's shorter side."""

_LEAST_LETTER = 9
_LINE_SHARE = 1 / 300
_LEAST_LINE = 2
_FRACTION_BITS = 4
"""OpenCV draws to a sixteenth of a pixel."""


class Outlines:
    """Draws zones: white with a dark rim, legible on any background; from several threads, if need be.

    Args:
        zones: what is drawn.
    """

    def __init__(self, zones: Sequence[Zone]) -> None:
        self._zones = tuple(zones)
        self._layers = lru_cache(maxsize=8)(self._make_layers)

    def __call__(self, picture: Pixels) -> Pixels:
        """The picture `(H, W, 3)` `uint8` RGB with the zones on it; the one that was given is not changed."""
        own = np.ascontiguousarray(picture).copy()
        where, kept, added = self._layers(*own.shape[:2])
        # Lines touch a hundredth of a picture: only those pixels are worked on.
        pixels = own.reshape(-1, 3)
        pixels[where] = (pixels[where] * kept + added).astype(np.uint8)
        return own

    def _make_layers(
        self, height: int, width: int
    ) -> tuple[NDArray[np.intp], NDArray[np.float32], NDArray[np.float32]]:
        """The pixels that are drawn on, and how: `value * kept + added`."""
        lines = np.zeros((height, width), np.uint8)
        thickness = max(round(min(height, width) * _LINE_SHARE), _LEAST_LINE)
        for zone in self._zones:
            # A pixel's centre has whole numbers in OpenCV, and lies half a pixel from its edge.
            corners = np.rint((zone.outline(height, width) - 0.5) * (1 << _FRACTION_BITS)).astype(np.int32)
            cv2.polylines(lines, [corners], True, 255, thickness, cv2.LINE_AA, _FRACTION_BITS)
        for zone in self._zones:
            _write_name(lines, zone.name, zone.outline(height, width), thickness)
        reach = thickness + 1 | 1
        rim = cv2.dilate(lines, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
        where = np.flatnonzero(rim)
        white, dark = (
            np.asarray(layer, np.float32).reshape(-1)[where, None] / np.float32(255) for layer in (lines, rim)
        )
        return where, (1 - dark) * (1 - white), 255 * white


def _write_name(layer: Pixels, name: str, corners: NDArray[np.float64], thickness: int) -> None:
    """Write a name inside its zone, under its highest corner, as far as the picture has room for it."""
    height, width = layer.shape
    letter = max(round(min(height, width) * _LETTER_SHARE), _LEAST_LETTER)
    scale = cv2.getFontScaleFromHeight(_FONT, letter)
    (wide, _), _ = cv2.getTextSize(name, _FONT, scale, thickness)
    top, left, right = corners[:, 1].min(), corners[:, 0].min(), corners[:, 0].max()
    highest = corners[corners[:, 1] <= top + height / 100]
    margin = letter * 0.6
    x = min(highest[:, 0].min() + margin, right - wide - margin, width - wide - margin)
    place = round(max(x, left + margin / 2, 2)), round(min(max(top, 0) + letter + margin, height - margin))
    # Lines that run through the name would make it hard to read.
    pad = thickness + 1
    layer[max(place[1] - letter - pad, 0) : place[1] + pad, max(place[0] - pad, 0) : place[0] + wide + pad] = 0
    cv2.putText(layer, name, place, _FONT, scale, 255, thickness, cv2.LINE_AA)
