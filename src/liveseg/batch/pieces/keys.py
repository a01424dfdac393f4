"""Where a video may be cut: its key frames, found by seeking and reading packets, without decoding.

A cut is a time, that of a key frame: what is shown before it belongs to the piece before, whatever its place in the
file. So also the pictures that follow an open group's key frame in the file and are shown before it. Whoever asks for
the cut at a time gets the same one, wherever the file was read before.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from av.error import FFmpegError
from av.stream import Discard

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

    from av.packet import Packet
    from av.video.stream import VideoStream

    from liveseg.media.video_decoder import Opener

_INVENT_TIMES = 0x0001
"""`AVFMT_FLAG_GENPTS` of libavformat; the decoder is not told invented times either."""

_STEPS_BACK = (0, 1, 4, 16, 64)
"""Seconds before the wanted time from where to look, where a seek lands too late."""


class LeadIn(NamedTuple):
    """Where decoding begins for a piece.

    Args:
        wanted: when the first frame is shown that is wanted.
        target: a time from which a seek leads to the key frame where decoding begins.
        landed: when that is shown.
    """

    wanted: int
    target: int
    landed: int


class KeyFrames:
    """The key frames of a file's video stream; a second look into the file, beside the one that decodes.

    Args:
        opener: opens the file.
        first_pts: when the video's first frame is shown.

    Raises:
        SourceNotFoundError: no such file.
        MediaError: not a video.
    """

    def __init__(self, opener: Opener, first_pts: int) -> None:
        self._opener = opener
        self._first = first_pts
        self._open()

    def close(self) -> None:
        """Release the file; may be called twice."""
        self._container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def at_or_after(self, pts: int) -> int | None:
        """When the first key frame is shown that is not shown before a time; `None` where there is none."""
        for packet in self._from_before(pts):
            if packet.is_keyframe and packet.pts is not None and packet.pts >= pts:
                return packet.pts
        return None

    def before(self, cut: int, frames: int, rate: Fraction | None) -> LeadIn:
        """From where to decode so that a cut, and the frames before it, come out as if all had been decoded.

        Decoding begins at an earlier key frame than the cut's: what an open group of pictures shows before its key
        frame refers to the group before, and so do deinterlacers.

        Args:
            cut: when a key frame is shown.
            frames: how many before it are wanted.
            rate: frames a second on average.

        Returns:
            All of it is the video's first frame where it has no more frames than that.
        """
        tick = self._stream.time_base or Fraction(1, 1000)
        usual = frames / rate if rate else Fraction(0)
        for back in _STEPS_BACK:
            target = cut - 1 - math.ceil((usual + back) / tick)
            shown, landed = self._shown_before(cut, target)
            if landed is None:
                break
            if landed < cut and len(shown) >= frames:
                return LeadIn(self._last_of(shown, frames, cut), target, landed)
        shown, _ = self._shown_before(cut, self._first)
        return LeadIn(self._last_of(shown, frames, cut), self._first, self._first)

    @staticmethod
    def _last_of(shown: list[int], frames: int, cut: int) -> int:
        return min([cut, *sorted(shown)[len(shown) - min(frames, len(shown)) :]])

    def _shown_before(self, cut: int, target: int) -> tuple[list[int], int | None]:
        """The times before a cut that decoding from a seek on gives; and that of the key frame where it led.

        That is `None` where it led to the begin, of which also frames count that lack a key frame.
        """
        at_start = not self._seek(target)
        landed: int | None = None
        shown: list[int] = []
        for packet in self._packets():
            if packet.pts is None:
                continue
            if landed is None and packet.is_keyframe:
                landed = packet.pts
            least = self._first if at_start or landed is None else max(landed, self._first)
            if least <= packet.pts < cut:
                shown.append(packet.pts)
            if packet.pts > cut:  # what is shown before the cut's key frame and follows it in the file has come
                break
        return shown, None if at_start else landed

    def _open(self) -> None:
        self._container, self._stream = self._opener()
        self._container.flags &= ~_INVENT_TIMES
        for other in self._container.streams:
            if other.index != self._stream.index:
                other.discard = Discard.all

    def _from_before(self, pts: int) -> Iterator[Packet[VideoStream]]:
        """Packets from a key frame that is shown before a time, or from the file's begin."""
        tick = self._stream.time_base or Fraction(1, 1000)
        for back in _STEPS_BACK:
            if not self._seek(pts - 1 - math.ceil(back / tick)):
                break
            packets = self._packets()
            for packet in packets:
                if packet.is_keyframe and packet.pts is not None:
                    if packet.pts < pts:
                        yield packet
                        yield from packets
                        return
                    break  # it landed too late
        else:
            self._seek(self._first)
        yield from self._packets()

    def _seek(self, pts: int) -> bool:
        """Go to the last key frame before a time; to the begin and `False` where there is none, or that fails."""
        if pts > self._first:
            try:
                self._container.seek(pts, stream=self._stream)
            except FFmpegError:
                pass
            else:
                return True
        self.close()
        self._open()
        return False

    def _packets(self) -> Iterator[Packet[VideoStream]]:
        """The packets up to where the file can be read; the decoder stops there, too."""
        try:
            for packet in self._container.demux(self._stream):
                if packet.size:
                    yield packet
        except MemoryError:
            raise
        except (FFmpegError, OSError):
            return
