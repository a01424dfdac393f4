"""The newest picture for everybody who looks: made into a JPEG when somebody does, once for all who do."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from liveseg.errors import SinkError

if TYPE_CHECKING:
    from collections.abc import Callable
    from fractions import Fraction

    import numpy as np
    from numpy.typing import NDArray

QUALITY = 85
"""Of the pictures, from 1 to 100, as libjpeg counts it."""


class NewestJpeg:
    """Holds the newest picture; safe to use from several threads.

    Args:
        changed: called after each picture and at the end, by the thread that brings it; it must not wait.
    """

    def __init__(self, changed: Callable[[], None] = lambda: None) -> None:
        self._tell = changed
        self._changed = threading.Condition()
        self._encoding = threading.Lock()
        self._number = 0
        self._draw: Callable[[], NDArray[np.uint8]] | None = None
        self._time: Fraction | None = None
        self._jpeg: tuple[int, bytes, float] | None = None
        self._closed = False

    @property
    def number(self) -> int:
        """How many pictures there were; 0 before the first."""
        return self._number

    @property
    def closed(self) -> bool:
        """Whether no more will come."""
        return self._closed

    def put(self, draw: Callable[[], NDArray[np.uint8]], time: Fraction) -> None:
        """Take a new picture in place of the last one.

        Args:
            draw: makes it, `(H, W, 3)` `uint8` RGB; called at most once, and not at all where nobody looks.
            time: its own, in seconds.
        """
        with self._changed:
            self._number += 1
            self._draw, self._time = draw, time
            self._changed.notify_all()
        self._tell()

    def close(self) -> None:
        """No more pictures will come; nobody waits for one any longer."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._tell()

    def newer_than(self, number: int, timeout: float | None = None) -> tuple[int, bytes, float] | None:
        """Number, JPEG and time in seconds of the newest picture, once there is one after that number.

        Returns:
            `None` at the end, or where none came within `timeout` seconds.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._number > number or self._closed, timeout)
            if self._number <= number:
                return None
        # Whoever comes second finds what the first one made.
        with self._encoding:
            with self._changed:
                newest, draw, time = self._number, self._draw, self._time
            if draw is None or time is None:
                return None
            if self._jpeg is None or self._jpeg[0] < newest:
                self._jpeg = newest, encode_jpeg(draw()), float(time)
            return self._jpeg


def encode_jpeg(image: NDArray[np.uint8], quality: int = QUALITY) -> bytes:
    """A picture, `(H, W, 3)` `uint8` RGB, as a JPEG.

    Raises:
        SinkError: it cannot be made; JPEG ends at 65,535 pixels a side.
    """
    import cv2

    done, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise SinkError("OpenCV cannot make a JPEG of this picture")
    return data.tobytes()
