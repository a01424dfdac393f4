"""From decoded frames to pictures as they are shown: one size, RGB, upright, and what had to be said on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from av.error import FFmpegError

from liveseg.media.color import RgbConverter, hdr_kind, to_array
from liveseg.media.frame_filter import tone_mapper

if TYPE_CHECKING:
    from fractions import Fraction

    import numpy as np
    from av.video.frame import VideoFrame
    from numpy.typing import NDArray

    from liveseg.media.display import Display


class Conversion:
    """Turns decoded frames into `(H, W, 3)` `uint8` RGB of one size, tone-mapped where they are PQ or HLG.

    Args:
        display: how they are shown.
        time_base: of their times.
        threads: at most this many for tone mapping.
        notes: takes a line, once, where frames change their size or are HDR.
    """

    def __init__(self, display: Display, time_base: Fraction, threads: int, notes: list[str]) -> None:
        self._display = display
        self._to_rgb = RgbConverter(display.width, display.height)
        self._tone_mapper = tone_mapper(display.width, display.height, time_base, threads)
        self._tone_maps = True
        self._notes = notes
        self._said: set[str] = set()
        self._size: tuple[int, int] | None = None

    def __call__(self, frame: VideoFrame) -> NDArray[np.uint8]:
        """The picture, contiguous and free to be written to."""
        size = (frame.width, frame.height)
        if self._size not in (None, size):
            self._say("its frames change their size; all are scaled to the first one's")
        self._size = self._size or size
        kind = hdr_kind(frame)
        rgb = self._tone_mapped(frame, kind) if kind is not None and self._tone_maps else None
        return self._display.upright(self._to_rgb(frame) if rgb is None else rgb)

    def _tone_mapped(self, frame: VideoFrame, kind: str) -> NDArray[np.uint8] | None:
        try:
            mapped = next(self._tone_mapper.push(frame), None)
        except FFmpegError:
            mapped = None
        if mapped is None:
            self._tone_maps = False
            self._say(f"it is HDR ({kind}), which this FFmpeg cannot tone-map; its colours look flat")
            return None
        self._say(f"it is HDR ({kind}); its brightness and colours are mapped to what an ordinary screen shows")
        return to_array(mapped)

    def _say(self, note: str) -> None:
        if note not in self._said:
            self._said.add(note)
            self._notes.append(note)
