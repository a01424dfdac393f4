"""What every sink holds its frames to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liveseg.errors import SinkError

if TYPE_CHECKING:
    from fractions import Fraction

    from liveseg.media.frame import Frame, SourceInfo


class FrameCheck:
    """Sees that frames have the size that was announced, and that each is later than the one before.

    Args:
        target: what the sink writes to, for messages.
        info: the source's, with the size.
    """

    def __init__(self, target: object, info: SourceInfo) -> None:
        self._target = target
        self._size = (info.width, info.height)
        self._last: Fraction | None = None

    def __call__(self, frame: Frame) -> None:
        """Take the next frame.

        Raises:
            SinkError: it is of another size, or not later than the last one.
        """
        height, width = frame.image.shape[:2]
        if (width, height) != self._size:
            announced = "{}x{}".format(*self._size)
            raise self._refusal(frame, f"it is {width}x{height}, but {announced} was announced")
        time = frame.timestamp
        if self._last is not None and time <= self._last:
            raise self._refusal(frame, "it is not later than the one before")
        self._last = time

    def _refusal(self, frame: Frame, reason: str) -> SinkError:
        return SinkError(f"cannot write frame {frame.index} to {self._target}: {reason}")
