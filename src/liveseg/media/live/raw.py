"""Raw frames on standard input: nothing but pixels, one frame after the other."""

from __future__ import annotations

import os
import select
import sys
from fractions import Fraction
from typing import TYPE_CHECKING

import av
from av.error import FFmpegError
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from liveseg.errors import MediaError, UsageError
from liveseg.media.live.connection import Connection
from liveseg.media.live.source import LiveSource
from liveseg.media.video_open import codec_threads, video_stream

if TYPE_CHECKING:
    import threading

    from liveseg.media.frame import Selection
    from liveseg.media.live.options import LiveOptions

_NAME = "standard input"
_DEFAULT_RATE = Fraction(25)
_LOOK = 0.1
_WAITS_FOR_PIPES = sys.platform != "win32"


class RawSource(LiveSource):
    """Raw frames from standard input: each of them, unless `options.every_frame` is false; then the newest.

    Their times follow from `options.frame_rate`. A pipe that is read for every frame makes its writer wait, so nothing
    is lost of a file or of another program's frames; a camera that writes into one wants the newest. It ends with the
    input. On Windows, where nobody can wait for a pipe and for something else, the thread ends with the input only.

    Args:
        options: pixel format, size and rate are in it.
        selection: which frames are wanted.
        descriptor: of another open file or pipe to read from.
        stop: ends the waiting for the first frame.

    Raises:
        UsageError: no size, a pixel format that FFmpeg does not know, or a terminal as standard input.
        MediaError: not one whole frame came.
    """

    def __init__(
        self,
        options: LiveOptions,
        selection: Selection | None = None,
        *,
        descriptor: int | None = None,
        stop: threading.Event | None = None,
    ) -> None:
        if options.frame_size is None:
            raise UsageError("raw frames do not say how large they are; give --frame-size WIDTHxHEIGHT")
        whole = frame_bytes(options.pixel_format, *options.frame_size)
        self._pipe = _Pipe(_standard_input() if descriptor is None else descriptor, whole)
        every_frame = options.every_frame is not False
        super().__init__(
            _NAME,
            lambda ended: self._pipe.connect(options, ended),
            options=options,
            selection=selection,
            every_frame=every_frame,
            returns=False,
            live=not every_frame,
            stop=stop,
        )

    def _sum_up(self) -> None:
        super()._sum_up()
        if self._pipe.cut_off:
            self.notes.append(f"its last frame was cut off ({self._pipe.cut_off}), and is left out")


def frame_bytes(pixel_format: str, width: int, height: int) -> int:
    """How many bytes a raw frame has.

    Raises:
        UsageError: a pixel format that FFmpeg does not know, or that is none of pixels in memory.
    """
    try:
        encoder = VideoCodecContext.create("rawvideo", "w")
        encoder.width, encoder.height, encoder.pix_fmt = width, height, pixel_format
        encoder.time_base = Fraction(1, 25)
        return sum(packet.size for packet in encoder.encode(VideoFrame(width, height, pixel_format)))
    except (FFmpegError, ValueError, OverflowError):
        raise UsageError(
            f"no raw frame is {width}x{height} in {pixel_format!r}; --pixel-format is a name of FFmpeg's, like rgb24,"
            " bgr24, gray, yuv420p or nv12"
        ) from None


class _Pipe:
    """A file descriptor as FFmpeg's raw video reader takes it: in whole frames, and never waiting beyond the end.

    Args:
        descriptor: of a pipe or file; not closed.
        whole: bytes a frame.
    """

    def __init__(self, descriptor: int, whole: int) -> None:
        self._descriptor = descriptor
        self._whole = whole
        self._frame = b""
        self._at = 0
        self._ended: threading.Event | None = None
        self.cut_off = ""
        """How much of the last frame there was, where it was not whole."""

    def connect(self, options: LiveOptions, ended: threading.Event) -> Connection:
        """Open it as a video.

        Raises:
            MediaError: there is not one whole frame.
        """
        self._ended = ended
        self._frame = self._next()
        if not self._frame:
            held = self.cut_off or "nothing"
            raise MediaError(f"cannot read {_NAME}: it held {held}; check --pixel-format and --frame-size")
        width, height = options.frame_size or (0, 0)
        form = {"pixel_format": options.pixel_format, "video_size": f"{width}x{height}"}
        rate = options.frame_rate or _DEFAULT_RATE
        container = av.open(
            self, "r", format="rawvideo", container_options=form | {"framerate": str(rate)}, buffer_size=self._whole
        )
        stream = video_stream(container, _NAME)
        return Connection(container, stream, threads=codec_threads(options.threads), ended=ended, keeps_up=False)

    def read(self, size: int) -> bytes:
        """The next bytes, at most `size`; none at the end."""
        if self._at == len(self._frame):
            self._frame, self._at = self._next(), 0
        piece = self._frame[self._at : self._at + size]
        self._at += len(piece)
        return piece

    def _next(self) -> bytes:
        """The next frame; empty where there is no whole one."""
        frame = bytearray()
        while len(frame) < self._whole:
            if not self._wait():
                return b""
            piece = os.read(self._descriptor, self._whole - len(frame))
            if not piece:
                if frame:
                    self.cut_off = f"{len(frame)} of {self._whole} bytes"
                return b""
            frame += piece
        return bytes(frame)

    def _wait(self) -> bool:
        """Wait until there is something to read, or the end of it; false once that is no longer wanted."""
        while self._ended is not None and not self._ended.is_set():
            if not _WAITS_FOR_PIPES or select.select([self._descriptor], [], [], _LOOK)[0]:
                return True
        return False


def _standard_input() -> int:
    """The descriptor of standard input."""
    try:
        descriptor, terminal = sys.stdin.fileno(), sys.stdin.isatty()
    except (AttributeError, OSError, ValueError):
        raise MediaError("there is no standard input to read raw frames from") from None
    if terminal:
        raise UsageError("standard input is a terminal; pipe raw frames into liveseg, or name another source")
    return descriptor
