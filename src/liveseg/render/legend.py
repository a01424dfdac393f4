"""Which colour is which class: a panel in the picture's lower right corner."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from liveseg.render.caption import caption_height
from liveseg.render.letters import Box, blend, letters, scaled

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from liveseg.labels import LabelSet

    Pixels = NDArray[np.uint8]
    Row = tuple[str, tuple[int, int, int]]

_SHARE = 1 / 36
"""Size of the letters, of the picture's shorter side."""

_LEAST = 10
_SMALLEST = 7
"""Size of the letters, in pixels: what they shrink to only where the panel would not fit, and the end of that."""

_PANEL = (16, 16, 16)
_OPACITY = 180

_PRESENT = 1 / 5000
"""Share of the picture from which on a class is listed, so that no speck makes the panel flicker."""


def draw_legend(picture: Pixels, mask: Pixels, labels: LabelSet, drawn: Collection[int]) -> Box | None:
    """List the classes that are drawn and present, by index, in place.

    Where there are more than fit below a caption, the last row says how many are left out.

    Args:
        picture: `(H, W, 3)` `uint8` RGB.
        mask: `(H, W)` `uint8` class indices.
        labels: names and colours.
        drawn: indices of the classes that may be listed.

    Returns:
        Where the panel is; `None` where there is nothing to list.
    """
    counts = cv2.calcHist([np.ascontiguousarray(mask)], [0], None, [256], [0, 256]).reshape(-1)
    rows = tuple(
        (labels.names[index], labels.palette[index]) for index in sorted(drawn) if counts[index] > mask.size * _PRESENT
    )
    if not rows:
        return None
    height, width = mask.shape
    panel, opacity = _panel(rows, height, width)
    tall, wide = opacity.shape
    margin = min(scaled(min(height, width), _SHARE / 2, 2), height - tall, width - wide)
    bottom, right = height - margin, width - margin
    blend(picture[bottom - tall : bottom, right - wide : right], opacity, panel)
    return Box(right - wide, bottom - tall, right, bottom)


@lru_cache(maxsize=64)
def _panel(rows: tuple[Row, ...], height: int, width: int) -> tuple[Pixels, Pixels]:
    """The panel for a picture of a size: `(tall, wide, 3)` colours and `(tall, wide)` opacities, `uint8`."""
    side = min(height, width)
    room = max(height - caption_height(side), 1)
    size = scaled(side, _SHARE, _LEAST)
    while size > _SMALLEST and (len(rows) * _pitch(size) + size > room or _wide(rows, size) > width):
        size -= 1
    fits = max((room - size) // _pitch(size), 1)
    if len(rows) > fits:
        rows = (*rows[: fits - 1], (f"+ {len(rows) - fits + 1}", _PANEL))
    pitch, pad = _pitch(size), size // 2
    panel = np.full((min(len(rows) * pitch + 2 * pad, height), min(_wide(rows, size), width), 3), _PANEL, np.uint8)
    opacity = np.full(panel.shape[:2], _OPACITY, np.uint8)
    for number, (name, color) in enumerate(rows):
        top = pad + number * pitch + (pitch - size) // 2
        panel[top : top + size, pad : pad + size] = color
        # A rim, or a dark colour would be lost on the panel; the row that only counts has no colour to show.
        if color != _PANEL:
            cv2.rectangle(panel, (pad, top), (pad + size - 1, top + size - 1), (255, 255, 255), 1)
            opacity[top : top + size, pad : pad + size] = 255
        line = letters(name, size)
        top = pad + number * pitch + (pitch - line.shape[0]) // 2
        left = pad + size + size // 2
        place = panel[top : top + line.shape[0], left : left + line.shape[1]]
        line = line[: place.shape[0], : place.shape[1]]
        blend(place, line, (255, 255, 255))
        over = opacity[top : top + line.shape[0], left : left + line.shape[1]]
        np.maximum(over, line, out=over)
    return panel, opacity


def _pitch(size: int) -> int:
    return size + max(size // 2, 3)


def _wide(rows: tuple[Row, ...], size: int) -> int:
    return max(int(letters(name, size).shape[1]) for name, _ in rows) + 2 * size + 2 * (size // 2)
