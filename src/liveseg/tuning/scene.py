"""A made-up scene under a moving camera: as hard to encode and to segment as photographs are."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

_STEP = 3
"""Pixels that the camera moves from frame to frame."""

_STRENGTH = 30.0
"""Standard deviation of one octave; chosen so that it costs an encoder what a surveillance clip does."""

_MOST_FRAMES = 20
_MOST_BYTES = 1 << 27


def scene(width: int, height: int) -> list[Pixels]:
    """Up to 20 frames of a scene, each `(height, width, 3)` `uint8` RGB; the same ones every time.

    Noise in octaves of the same strength: the spectrum falls with the frequency as that of photographs does
    (Field, "Relations between the statistics of natural images and the response properties of cortical cells", 1987).
    """
    count = min(max(_MOST_BYTES // (width * height * 3), 4), _MOST_FRAMES)
    random = np.random.default_rng(0)
    reach = _STEP * count
    size = width + reach, height + reach
    canvas = np.full((size[1], size[0], 3), 110.0, np.float32)
    cell = max(size) / 2
    while cell >= 2:
        grid = random.normal(0.0, _STRENGTH, (int(size[1] / cell) + 2, int(size[0] / cell) + 2, 3))
        canvas += cv2.resize(grid.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
        cell /= 2
    picture = np.clip(canvas, 0, 255).astype(np.uint8)
    return [np.ascontiguousarray(picture[at : at + height, at : at + width]) for at in range(0, reach, _STEP)]


def areas(width: int, height: int, classes: int) -> Pixels:
    """A mask with some areas of some classes, about a third of it covered: `(height, width)` `uint8`."""
    random = np.random.default_rng(1)
    grid = random.integers(0, 3 * max(classes - 1, 1), (5, 7))
    grid[grid >= classes] = 0
    return np.asarray(cv2.resize(grid.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST), np.uint8)
