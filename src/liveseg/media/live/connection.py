"""One connection to a live source, from its opening until it breaks: decoded frames, each with its arrival."""

from __future__ import annotations

import math
import time
from collections import deque
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from av.codec.context import ThreadType
from av.error import FFmpegError, InvalidDataError
from av.stream import Discard

from liveseg.errors import MediaError
from liveseg.media.frame_filter import FrameFilter, deinterlacer
from liveseg.media.live.backlog import Backlog
from liveseg.media.live.interrupt import interruptible

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator

    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_HELD_BACK = {"rtsp": 1, "mpegts": 2, "mpeg": 2, "h264": 1, "hevc": 1, "m4v": 1, "mpegvideo": 1, "mjpeg": 1}
"""Formats that do not say where a picture ends: FFmpeg hands it on when the next one begins, or the one after that."""

_JOINED = ("h264", "hevc", "mpeg4", "mpeg1video", "mpeg2video")
"""Codecs whose pictures RTSP carries in pieces that FFmpeg joins so."""

_UNCLOCKED = ("mpjpeg", "mjpeg", "h264", "hevc", "m4v", "mpegvideo")
"""Formats without times; those that FFmpeg makes up count 25 frames a second."""

_MOST_LIKELY_RATE = 240
_MOST_DAMAGE = 100
"""So many unreadable pieces in a row are no stream."""

_KEY_FRAME_PATIENCE = 15.0
"""Seconds to wait for something to decode: encoders are usually set to a key frame every 10 s or oftener."""


@dataclass(frozen=True, slots=True)
class Received:
    """A decoded frame.

    Args:
        frame: its `pts` is `None` where the stream has no clock.
        arrived: when its first packet arrived, in seconds of `time.monotonic`.
        skipped: packets before it that were not decoded, since the decoder could not keep up.
    """

    frame: VideoFrame
    arrived: float
    skipped: int = 0


class Connection:
    """A container that is open, and its video stream; everything but `close` belongs into one thread.

    A frame's arrival is that of its first packet. Where FFmpeg hands a picture on only when the next one begins, that
    was when the picture before it was handed on; where it does so a picture later, when the one before that was. The
    arrival goes through the decoder with the packet, so that B-frames, shown later than they arrive, have their own.

    Args:
        container: closed by `close`.
        stream: one of its streams.
        threads: at most this many for decoding; slices of a picture, since threads for whole pictures add delay.
        ended: once set, waiting for packets ends.
        silence: seconds to wait for a packet at most.
        keeps_up: whether packets are left undecoded, up to a key frame, where decoding is slower than the stream.

    Attributes:
        time_base: seconds a unit of the frames' `pts`.
        rate: frames a second on average, as announced; `None` where unknown.
        damaged: packets that could not be decoded, and frames that are not whole. It counts from the first frame on:
            who joins a stream in its middle has to wait for a key frame.
    """

    def __init__(
        self,
        container: InputContainer,
        stream: VideoStream,
        *,
        threads: int,
        ended: threading.Event,
        silence: float = math.inf,
        keeps_up: bool = True,
    ) -> None:
        self._container = container
        self._stream = stream
        self._threads = threads
        self._ended = ended
        self._silence = silence
        self._keeps_up = keeps_up
        self.damaged = 0
        self._begun = False
        codec, kind = stream.codec_context, container.format.name
        codec.thread_type = ThreadType.SLICE
        codec.thread_count = threads
        codec.copy_opaque = True
        for other in container.streams:
            if other.index != stream.index:
                other.discard = Discard.all  # their packets would hide that the pictures have stopped
        self._clocked = kind not in _UNCLOCKED
        whole = kind == "rtsp" and codec.name not in _JOINED
        self._held_back = 0 if whole else _HELD_BACK.get(kind, 0)
        self.time_base = (stream.time_base if self._clocked else None) or Fraction(1, 90_000)
        rate = (stream.average_rate or stream.guessed_rate) if self._clocked else None
        self.rate = rate if rate and rate <= _MOST_LIKELY_RATE else None
        self.sample_aspect_ratio = stream.sample_aspect_ratio

    def frames(self) -> Iterator[Received]:
        """Decode until the stream ends.

        Raises:
            FFmpegError: the connection broke, or was silent for too long, or the end was asked for.
            OSError: the same, told by the operating system.
            MediaError: nothing of what comes can be decoded.
        """
        backlog = Backlog()
        deinterlace: FrameFilter | None = None
        skipped = 0
        handed_on: deque[float] = deque(maxlen=self._held_back + 1)
        last_frame = time.monotonic()
        for packet, waited, now in self._packets():
            handed_on.append(now)
            if packet is not None:
                if self._keeps_up and backlog.skips(waited, now, key_frame=packet.is_keyframe):
                    skipped += 1
                    continue
                if backlog.resumed:
                    self._stream.codec_context.flush_buffers()
                # A tuple of its own for each packet: PyAV tells them apart by their address.
                packet.opaque = (handed_on[0],)
            for decoded in self._decode(packet):
                if deinterlace is None and decoded.interlaced_frame:
                    deinterlace = deinterlacer(self.time_base, self._threads)
                for frame in deinterlace.push(decoded) if deinterlace is not None else (decoded,):
                    last_frame = now
                    yield self._received(frame, now, skipped)
                    skipped = 0
            if now - last_frame > _KEY_FRAME_PATIENCE:
                raise MediaError("nothing of what it sends can be decoded")
        for frame in deinterlace.flush() if deinterlace is not None else ():
            yield self._received(frame, time.monotonic(), skipped)

    def close(self) -> None:
        """End the connection; may be called twice."""
        self._container.close()

    def _received(self, frame: VideoFrame, now: float, skipped: int) -> Received:
        arrived = frame.opaque[0] if isinstance(frame.opaque, tuple) else now
        if not self._clocked:
            frame.pts = None
        return Received(frame, arrived, skipped)

    def _packets(self) -> Iterator[tuple[Packet[VideoStream] | None, float, float]]:
        """Each packet, how long it was waited for, and when it came; `None` where no more come, for any reason."""
        garbage = 0
        while True:
            packets = self._container.demux(self._stream)
            while True:
                began = time.monotonic()
                try:
                    with interruptible(self._ended, self._silence):
                        packet = next(packets, None)
                except InvalidDataError:
                    self.damaged += self._begun and not garbage
                    garbage += 1
                    if garbage >= _MOST_DAMAGE:
                        raise
                    break
                except (FFmpegError, OSError):
                    yield None, 0.0, time.monotonic()
                    raise
                now = time.monotonic()
                if packet is None or not packet.size:
                    yield None, 0.0, now
                    return
                garbage = 0
                self.damaged += self._begun and packet.is_corrupt
                yield packet, now - began, now

    def _decode(self, packet: Packet[VideoStream] | None) -> Iterator[VideoFrame]:
        try:
            frames = self._stream.decode(packet)
        except MemoryError:
            raise
        except FFmpegError:
            self.damaged += self._begun
            return
        for frame in frames:
            self._begun = True
            self.damaged += frame.is_corrupt
            yield frame
