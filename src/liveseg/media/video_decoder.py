"""One video stream, decoded: frames in the order they are shown, each with a time, and an account of the damage."""

from __future__ import annotations

import itertools
import re
from fractions import Fraction
from typing import TYPE_CHECKING

from av.codec.context import ThreadType
from av.error import FFmpegError

from liveseg.media.frame_filter import FrameFilter, deinterlacer
from liveseg.media.video_open import open_video, reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from av.container import InputContainer
    from av.packet import Packet
    from av.stream import Stream
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

    Opener = Callable[[], tuple[InputContainer, VideoStream]]

_ANNOUNCES = ("mov", "matroska", "avi", "flv", "asf")
"""Formats whose headers state a duration, by the first of their names; elsewhere FFmpeg estimates it."""

_INVENT_TIMES = 0x0001
"""`AVFMT_FLAG_GENPTS` of libavformat."""

_STEPS_BACK = (0, 2, 10, 60)
"""Seconds before the wanted time from where to try decoding, where a seek lands too late."""


class VideoDecoder:
    """The frames of a video file's best video stream.

    Args:
        file: its path, or what opens it.
        threads: at most this many for decoding and for deinterlacing.

    Attributes:
        time_base: seconds a unit of the frames' `pts`.
        rate: frames a second on average; `None` where unknown.
        packets: how many were read of the stream.
        skipped: how many of them were damaged beyond decoding.
        repaired: how many frames the decoder marked as damaged.
        broken_off: why reading ended before the end of the file, or `None`.
        end: the time, in seconds, at which the last frame decoded is over; `None` before the first.

    Raises:
        SourceNotFoundError: no such file.
        MediaError: not a video, or one that cannot be decoded.
    """

    def __init__(self, file: Path | Opener, threads: int) -> None:
        self._file = file
        self._threads = threads
        self.packets = 0
        self.skipped = 0
        self.repaired = 0
        self.broken_off: str | None = None
        self.end: Fraction | None = None
        self._container: InputContainer | None = None
        self._stream: VideoStream | None = None
        self._file_start = Fraction(0)
        self._file_end: Fraction | None = None
        self._landed_at: int | None = None
        self.announced_duration: Fraction | None = None
        self._whole_file = False
        self._open()
        stream = self.stream
        self.time_base = stream.time_base or Fraction(1, 90000)
        self.rate = stream.average_rate or stream.guessed_rate or None
        self.width, self.height = stream.codec_context.width, stream.codec_context.height
        self.sample_aspect_ratio = stream.sample_aspect_ratio
        self.announced_frames = stream.frames

    @property
    def stream(self) -> VideoStream:
        """The stream, as long as the decoder is open; not to be kept."""
        if self._stream is None:
            raise ValueError("the video has been closed")
        return self._stream

    def close(self) -> None:
        """Release the file and the decoder; may be called twice."""
        container, self._container, self._stream = self._container, None, None
        if container is not None:
            container.close()

    def frames(self) -> Iterator[VideoFrame]:
        """Decode from where the file stands; each frame's `pts` is set, and later than the last one's."""
        deinterlace: FrameFilter | None = None
        for frame in self._timed(self._decoded()):
            if deinterlace is None and frame.interlaced_frame:
                deinterlace = deinterlacer(self.time_base, self._threads)
            if deinterlace is None:
                yield frame
            else:
                yield from deinterlace.push(frame)
        if deinterlace is not None:
            yield from deinterlace.flush()

    def frames_from(self, pts: int, first_pts: int) -> tuple[int, Iterator[VideoFrame]]:
        """Decode from the last key frame at or before a time.

        Args:
            pts: the time wanted.
            first_pts: the video's first.

        Returns:
            The index of the first frame that comes, and the frames. The index is exact where the file lists all its
            frames (MP4, MOV, AVI with closed groups of pictures) and elsewhere estimated from the average rate.
        """
        for back in _STEPS_BACK:
            target = pts - round(back / self.time_base)
            if target <= first_pts or not self._seek(target):
                break
            frames = self.frames()
            first = next(frames, None)
            if first is not None and first.pts is not None and first.pts <= pts:
                return self._index_of(first.pts, first_pts), itertools.chain([first], frames)
        self.close()
        self._open()
        return 0, self.frames()

    def missing(self, first: Fraction) -> Fraction:
        """How many announced seconds were not there, once all frames were decoded; 0 where none are announced.

        Args:
            first: the time of the video's first frame, in seconds.
        """
        if self.announced_duration is None:
            return Fraction(0)
        start, end = (self._file_start, self._file_end) if self._whole_file else (first, self.end)
        return max(start + self.announced_duration - (start if end is None else end), Fraction(0))

    def _open(self) -> None:
        container, stream = self._file() if callable(self._file) else open_video(self._file)
        # PyAV asks FFmpeg to invent missing times; for H.264 in AVI those come in the wrong order.
        container.flags &= ~_INVENT_TIMES
        stream.thread_type = ThreadType.AUTO
        stream.thread_count = self._threads
        self._container, self._stream = container, stream
        self._file_start = Fraction(container.start_time or 0, 1_000_000)
        self._file_end = None
        self._landed_at = None
        self.announced_duration, self._whole_file = _announced_duration(container, stream)

    def _seek(self, pts: int) -> bool:
        if self._container is None:
            return False
        try:
            self._container.seek(pts, stream=self.stream)
        except FFmpegError:
            return False
        self._landed_at = None
        return True

    def _index_of(self, pts: int, first_pts: int) -> int:
        stream = self.stream
        entries = stream.index_entries
        if self._landed_at is not None and stream.frames and len(entries) == stream.frames:
            at: int = entries.search_timestamp(self._landed_at, any_frame=True)
            if at >= 0:
                # An edit list may hide the first frames, which a decoder needs but nobody sees.
                return at - sum(1 for _ in itertools.takewhile(lambda entry: entry.is_discard, entries))
        return round((pts - first_pts) * self.time_base * (self.rate or 0))

    def _decoded(self) -> Iterator[VideoFrame]:
        """What the decoder gives, in order, over all damage."""
        held: Packet[Stream] | None = None
        for packet in self._demuxed():
            self.packets += 1
            if self._landed_at is None:
                self._landed_at = packet.dts
            if held is not None:
                yield from self._decode(held)
            held = packet if packet.is_corrupt else None
            if held is None:
                yield from self._decode(packet)
        # The last packet, cut off in its middle, would decode to a picture that is half another's.
        self.skipped += held is not None
        yield from self._decode(None)

    def _demuxed(self) -> Iterator[Packet[Stream]]:
        """The packets of the video stream, up to where the file can be read."""
        container, wanted = self._container, self.stream.index
        if container is None:
            return
        try:
            for packet in container.demux(self.stream, *container.streams.audio):
                self._note_extent(packet)
                if packet.stream_index == wanted and packet.size:
                    yield packet
        except MemoryError:
            raise
        except (FFmpegError, OSError) as error:
            self.broken_off = reason(error)

    def _note_extent(self, packet: Packet[Stream]) -> None:
        time = packet.pts if packet.pts is not None else packet.dts
        if time is not None:
            over = (time + (packet.duration or 0)) * packet.time_base
            self._file_end = over if self._file_end is None else max(over, self._file_end)

    def _decode(self, packet: Packet[Stream] | None) -> Iterator[VideoFrame]:
        """The frames that a packet completes; with `None`, those that the decoder still holds."""
        try:
            frames = self.stream.decode(packet)
        except MemoryError:
            raise
        except FFmpegError:
            self.skipped += 1
            return
        for frame in frames:
            self.repaired += frame.is_corrupt
            yield frame

    def _timed(self, frames: Iterator[VideoFrame]) -> Iterator[VideoFrame]:
        """Give each frame a time: its own, else by its packet's, else by the rate; later than the one before."""
        step = max(round(1 / (self.rate * self.time_base)), 1) if self.rate else 1
        jump = round(1 / self.time_base)
        last: int | None = None
        lag: int | None = None
        offset = 0
        for frame in frames:
            pts = frame.pts
            if pts is None and frame.dts is not None:
                # The packet that completed the frame is later than the frame's own, always by as many.
                lag = frame.dts - (frame.dts if self._landed_at is None else self._landed_at) if lag is None else lag
                pts = frame.dts - lag
            if pts is None:
                pts = 0 if last is None else last + step
            else:
                pts += offset
            if last is not None and pts <= last:
                if last - pts > jump:  # the clock was set back, as where recordings were joined
                    offset += last + step - pts
                    pts = last + step
                else:
                    pts = last + 1
            frame.pts = last = pts
            frame.time_base = self.time_base
            self.end = (pts + (frame.duration or step)) * self.time_base
            yield frame


def _announced_duration(container: InputContainer, stream: VideoStream) -> tuple[Fraction | None, bool]:
    """The seconds that the headers announce, and whether of the whole file rather than of the video stream."""
    kind = container.format.name.split(",")[0]
    if kind not in _ANNOUNCES:
        return None, False
    whole = Fraction(container.duration, 1_000_000) if container.duration and container.duration > 0 else None
    own = stream.duration * stream.time_base if stream.duration and stream.time_base else None
    if kind == "avi" and stream.frames and stream.average_rate:
        return stream.frames / stream.average_rate, False  # FFmpeg cuts the duration down to what is there
    if tag := re.fullmatch(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)", stream.metadata.get("DURATION", "")):
        own = int(tag[1]) * 3600 + int(tag[2]) * 60 + Fraction(tag[3])
    if own is None:
        return whole, True
    # An edit list may leave out part of what the stream holds, which only the container's figure tells.
    return (min(own, whole) if whole is not None else own), False
