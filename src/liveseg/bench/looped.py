"""A clip that begins again when it ends, at a rate of one's own: what a camera's pictures are made of here."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

from liveseg.media.frame import Frame, Source
from liveseg.media.video_source import VideoSource

if TYPE_CHECKING:
    from collections.abc import Iterator
    from fractions import Fraction

    import numpy as np
    from numpy.typing import NDArray


class LoopedClip(Source):
    """The frames of a clip over and over; `Paced` plays them at their rate.

    Args:
        path: the clip.
        rate: frames a second, whatever the clip's own rate.
        frames: how many frames there are until it ends.
        threads: for decoding, as `VideoSource` takes them.

    Raises:
        SourceNotFoundError: no such file.
        MediaError: not a video, or one that cannot be decoded.
    """

    def __init__(self, path: str, *, rate: Fraction, frames: int, threads: int | None = None) -> None:
        self.notes: list[str] = []
        self._path, self._frames, self._threads = path, frames, threads
        self._opened = VideoSource(path, threads=threads)
        self.info = replace(
            self._opened.info, rate=rate, time_base=1 / rate, frame_count=frames, duration=frames / rate
        )

    def __iter__(self) -> Iterator[Frame]:
        for number, image in zip(range(self._frames), self._images(), strict=False):
            yield Frame(image, number, number, self.info.time_base)

    def end(self) -> None:
        """Nothing waits here."""

    def close(self) -> None:
        """Release the file; may be called twice."""
        self._opened.close()

    def _images(self) -> Iterator[NDArray[np.uint8]]:
        for time in count():
            if time:
                self._opened = VideoSource(self._path, threads=self._threads)
            with self._opened as opened:
                yield from (frame.image for frame in opened)
