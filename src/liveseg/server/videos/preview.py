"""What a video looks like while it is made: its newest frame as a small JPEG, and the one with most to see."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

import cv2
import numpy as np

from liveseg.media.newest_jpeg import encode_jpeg
from liveseg.server.videos.task import POSTER, PREVIEW

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from liveseg.pipeline import Result

    Draw = Callable[[Result], NDArray[np.uint8]]

_EVERY = 0.7
"""Seconds between two of them."""

_SIDE = 960
"""Pixels of the longer side."""

_QUALITY = 80


class Preview:
    """Writes a job's preview and poster now and then; each is whole at any moment.

    Args:
        folder: of the job.
        draw: makes the picture of a result, `(H, W, 3)` `uint8` RGB.
    """

    def __init__(self, folder: Path, draw: Draw) -> None:
        self._folder = folder
        self._draw = draw
        self._due = 0.0
        self._most = -1.0

    def __call__(self, result: Result) -> None:
        """Take a finished frame."""
        now = time.monotonic()
        if now < self._due:
            return
        self._due = now + _EVERY
        jpeg = _jpeg(self._draw(result))
        self._write(PREVIEW, jpeg)
        found = result.segmentation
        seen = np.count_nonzero(found.mask) / found.mask.size if found.labels.background else 1.0
        if seen > self._most:
            self._most = seen
            self._write(POSTER, jpeg)

    def _write(self, name: str, jpeg: bytes) -> None:
        path = self._folder / name
        partial = path.with_suffix(".partial")
        partial.write_bytes(jpeg)
        # Windows replaces no file that somebody reads just now; the next one comes soon.
        with contextlib.suppress(PermissionError):
            partial.replace(path)


def _jpeg(picture: NDArray[np.uint8]) -> bytes:
    height, width = picture.shape[:2]
    scale = min(_SIDE / max(height, width), 1.0)
    if scale < 1.0:
        size = max(round(width * scale), 1), max(round(height * scale), 1)
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    return encode_jpeg(picture, _QUALITY)
