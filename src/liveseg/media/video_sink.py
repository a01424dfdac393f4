"""A video file as a sink of frames: plays in browsers, keeps times and sound, and survives being killed."""

from __future__ import annotations

import contextlib
import math
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
from av.error import FFmpegError

from liveseg import files
from liveseg.errors import MediaError, SinkError
from liveseg.media.audio import open_sound
from liveseg.media.color import converter_to
from liveseg.media.encoding import choose_encoding, usable_time_base
from liveseg.media.frame import Selection, Sink
from liveseg.media.frame_check import FrameCheck
from liveseg.media.remux import remux
from liveseg.media.video_open import codec_threads, reason
from liveseg.media.video_track import add_video, encoder_errors_named

if TYPE_CHECKING:
    from os import PathLike

    from av.container import OutputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

    from liveseg.media.audio_track import Sound
    from liveseg.media.encoding import Encoding
    from liveseg.media.frame import Frame, SourceInfo
    from liveseg.media.untrusted import Untrusted

_KEY_FRAME_SECONDS = 2
"""At least one key frame in so many seconds, so that players can jump."""


class VideoSink(Sink):
    """Writes frames as H.264 in MP4, or what its name and options say; use as a context manager.

    Pixels are `yuv420p`, BT.709, limited range, tagged so; an odd width or height gets one more column or row, a
    copy of the last. The first frame is at time 0, the others keep their distance from it, and the sound moves with
    them. It ends where the last frame does, which lasts as long as frames do on average.

    While it grows, the file is called `NAME.partial.EXT` and plays as far as it got (MP4 and MOV in fragments). At
    the end, MP4 and MOV are rewritten with their index in front, without encoding again, and renamed.

    Args:
        path: the file; its extension says the container: `.mp4`, `.m4v`, `.mov`, `.mkv`, `.webm`.
        info: the source's; its size, rate and time base are taken, its name for messages.
        codec: `libx264`, `libx265`, `libsvtav1`, `libvpx-vp9`; by default `libx264`, in WebM `libvpx-vp9`.
        crf: the quality, lower is better, on the encoder's scale; by default 20 for `libx264`.
        preset: the effort, by the encoder's names; by default `veryfast` for `libx264`.
        audio_from: the file whose sound goes along; `None` for a silent video.
        selection: the source's, so that sound does not outlast its duration.
        threads: at most this many for encoding; by default one a processor, up to four.
        overwrite: whether a file of that name may be replaced.
        encoding: instead of what codec, quality and preset say; `alpha_video` has those for other pictures than RGB.
        untrusted: where `audio_from` came from somebody unknown, how far it is trusted.

    Raises:
        UsageError: an extension, codec, quality or preset that is not known.
        OutputExistsError: the file is there and `overwrite` is false.
        SinkError: it cannot be written there, or the encoder does not take these pictures.
    """

    def __init__(
        self,
        path: str | PathLike[str],
        info: SourceInfo,
        *,
        codec: str | None = None,
        crf: float | None = None,
        preset: str | None = None,
        audio_from: str | PathLike[str] | None = None,
        selection: Selection | None = None,
        threads: int | None = None,
        overwrite: bool = False,
        encoding: Encoding | None = None,
        untrusted: Untrusted | None = None,
    ) -> None:
        self.notes: list[str] = []
        self._path = Path(path)
        self._info = info
        self._encoding = encoding or choose_encoding(path, codec, crf, preset)
        self._threads = codec_threads(threads)
        self._selection = selection or Selection()
        self._overwrite = overwrite
        self._untrusted = untrusted
        self._time_base = usable_time_base(info.time_base)
        self._check = FrameCheck(self._path, info)
        self._convert = converter_to(self._encoding.pixels, max(info.width, 1), max(info.height, 1))
        self._begin: Fraction | None = None
        self._last_time = Fraction(0)
        self._held: VideoFrame | None = None
        self._output: OutputContainer | None = None
        self._stream: VideoStream | None = None
        self._sound: Sound | None = None
        self._partial: Path | None = files.prepare(self._path, overwrite=overwrite)
        try:
            with encoder_errors_named(self._path, self._encoding.codec):
                self._open(self._partial, None if audio_from is None else Path(audio_from))
        except BaseException:
            self.abort()
            raise

    def write(self, frame: Frame) -> None:
        """Take a finished frame.

        Raises:
            SinkError: a frame of another size than announced, or not later than the last one; a full disk; a sink
                that was committed or aborted.
        """
        if self._stream is None:
            raise SinkError(f"cannot write frame {frame.index} to {self._path}: the file is closed already")
        self._check(frame)
        time = frame.timestamp
        with encoder_errors_named(self._path, self._encoding.codec):
            if self._begin is None:
                self._begin = time
                if self._sound is not None:
                    self._sound.begin(time)
            self._last_time = time
            picture = self._convert(frame.image)
            picture.time_base = self._time_base
            picture.pts = round((time - self._begin) / self._time_base)
            if self._sound is not None:
                self._sound.advance(time)
            # An encoder is told how long a frame lasts, which the next one says.
            held, self._held = self._held, picture
            if held is not None:
                self._encode(held, picture.pts - (held.pts or 0))

    def commit(self, until: Fraction | None = None) -> None:
        """Finish the file and give it its final name; after a commit or an abort it does nothing.

        Args:
            until: when the last frame is over, by the source's clock; by default it lasts as frames do on average.

        Raises:
            MediaError: not one frame was written; then there is no file.
            SinkError: the disk is full, or the name is taken by now; then there is no file of that name.
        """
        if self._partial is None:
            return
        try:
            if self._held is None:
                raise MediaError(f"{self._info.name} gave no frames, so {self._path} was not written")
            with encoder_errors_named(self._path, self._encoding.codec):
                last = self._finish(self._held, until)
            if self._encoding.container.fragments:
                self._put_index_in_front(self._partial, last)
            files.commit(self._partial, self._path, overwrite=self._overwrite)
            self._partial = None
        except BaseException:
            self.abort()
            raise

    def abort(self) -> None:
        """Give up: neither the file nor its partial one remains; after a commit or an abort it does nothing."""
        # FFmpeg writes the end of the file, which is removed anyway: whether it can does not matter.
        with contextlib.suppress(FFmpegError, OSError, ValueError):
            self._close()
        if self._partial is not None:
            files.discard(self._partial)
            self._partial = None

    def _open(self, partial: Path, audio_from: Path | None) -> None:
        container = self._encoding.container
        growing = container.growing(self._time_base)
        self._output = av.open(f"file:{partial}", "w", format=container.format, container_options=growing)
        self._stream = add_video(
            self._output,
            self._encoding.codec,
            self._encoding.options_for(self._threads),
            size=(self._convert.width, self._convert.height),
            rate=self._info.rate or Fraction(25),
            time_base=self._time_base,
            threads=self._threads,
            key_seconds=_KEY_FRAME_SECONDS,
            pixels=self._encoding.pixels,
        )
        if audio_from is not None:
            self._sound = open_sound(self._output, container, audio_from, self.notes, self._untrusted)

    def _encode(self, picture: VideoFrame | None, length: int = 0) -> None:
        if self._output is None or self._stream is None:
            return
        if picture is not None:
            picture.duration = length
        self._output.mux(self._stream.encode(picture))

    def _finish(self, last: VideoFrame, until: Fraction | None) -> tuple[Fraction, Fraction]:
        """Write what is held back, to the end of the file; returns when the last frame begins and ends, in seconds."""
        begin = last.pts or 0
        length = self._usual_length(last)
        if until is not None and self._begin is not None:
            length = max(round((until - self._begin) / self._time_base) - begin, 1)
        self._encode(last, length)
        self._encode(None)
        if self._sound is not None:
            self._sound.finish(self._last_time + length * self._time_base)
        self._close()
        return begin * self._time_base, (begin + length) * self._time_base

    def _usual_length(self, last: VideoFrame) -> int:
        length = max(round(1 / (self._info.rate * self._time_base)), 1) if self._info.rate else 1
        # One frame of many lasts until the next one, but the last one of them no longer than the source.
        ends = [self._selection.duration, self._info.duration if self._selection.every > 1 else None]
        known = [end for end in ends if end is not None]
        if known:
            left = math.floor(min(known) / self._time_base) - (last.pts or 0)
            length = max(min(length, left), round(length / self._selection.every), 1)
        return length

    def _close(self) -> None:
        sound, self._sound = self._sound, None
        output, self._output = self._output, None
        self._stream = self._held = None
        if sound is not None:
            sound.close()
        if output is not None:
            output.close()

    def _put_index_in_front(self, partial: Path, last: tuple[Fraction, Fraction]) -> None:
        target = files.partial_path(self._path.with_name(f"{self._path.stem}.faststart{self._path.suffix}"))
        try:
            container = self._encoding.container
            remux(partial, target, container.format, container.finished(self._time_base), last=last)
            target.replace(partial)
        except (FFmpegError, OSError, ValueError) as error:
            files.discard(target)
            self.notes.append(f"{self._path} plays, but its index could not be moved to its front: {reason(error)}")
        except BaseException:
            files.discard(target)
            raise
