"""A video file as a source of frames: RGB, upright, with square pixels, in the file's own time."""

from __future__ import annotations

import itertools
import math
import os
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from av.error import FFmpegError

from liveseg.errors import MediaError, UsageError
from liveseg.media.color import RgbConverter, color_notes, hdr_kind, to_array
from liveseg.media.display import Display, display_of
from liveseg.media.frame import Frame, Selection, Source, SourceInfo
from liveseg.media.frame_filter import tone_mapper
from liveseg.media.video_decoder import VideoDecoder
from liveseg.media.video_open import codec_threads

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    import numpy as np
    from av.video.frame import VideoFrame
    from numpy.typing import NDArray


class VideoSource(Source):
    """The frames of a video file; iterate once, then close, or use as a context manager.

    Each frame is `(H, W, 3)` `uint8` RGB: rotated, mirrored and stretched as the file asks, deinterlaced where it is
    flagged as interlaced (`bwdif`), its matrix and range honoured (`media.color`), PQ and HLG tone-mapped. Its `pts`
    is the stream's own, in the stream's time base; where the stream states none, it follows from the packet's or
    from the average rate. `index` counts all frames of the file; after a `start` it is exact where the file lists
    its frames (MP4, MOV, AVI) and elsewhere estimated from the average rate.

    A damaged file is read to its last good frame, and `notes` says so.

    Args:
        path: the file.
        selection: which frames are wanted.
        threads: at most this many for decoding; by default one for each processor, up to four.

    Raises:
        UsageError: a selection that makes no sense.
        SourceNotFoundError: no such file.
        MediaError: not a video, or one that cannot be decoded.
    """

    def __init__(
        self, path: str | os.PathLike[str], selection: Selection | None = None, *, threads: int | None = None
    ) -> None:
        self.notes: list[str] = []
        self._selection = selection or Selection()
        _check(self._selection)
        self._threads = codec_threads(threads)
        self._decoder = VideoDecoder(Path(path), self._threads)
        self._running: Generator[Frame, None, None] | None = None
        try:
            self._frames = self._decoder.frames()
            self._first = next(self._frames, None)
            if self._first is None and self._decoder.packets:
                raise MediaError(f"{os.fspath(path)} is damaged: not one of its frames can be decoded")
            self._display = self._look(self._first)
            self.info = self._describe(os.fspath(path))
        except BaseException:
            self.close()
            raise

    def __iter__(self) -> Iterator[Frame]:
        self._running = self._run()
        return self._running

    def close(self) -> None:
        """Release the file; may be called twice, and from another thread once iteration has stopped."""
        if self._running is not None:
            self._running.close()  # which closes the decoder, too
        self._first = None
        self._frames = iter(())
        self._decoder.close()

    def _run(self) -> Generator[Frame, None, None]:
        if self._first is None:
            self._note_damage(Fraction(0))
            return
        first_pts = self._first.pts or 0
        time_base = self._decoder.time_base
        begin = first_pts * time_base + self._selection.start
        end = None if self._selection.duration is None else begin + self._selection.duration
        convert = _Conversion(self._display, time_base, self._threads, self.notes)
        given = candidates = 0
        try:
            for index, frame in self._numbered(first_pts):
                time = (frame.pts or 0) * time_base
                if time < begin:
                    continue
                if end is not None and time >= end:
                    return
                if candidates % self._selection.every == 0:
                    yield Frame(convert(frame), index, frame.pts or 0, time_base)
                    given += 1
                    if given == self._selection.limit:
                        return
                candidates += 1
            self._note_damage(first_pts * time_base)
        finally:
            self._first = None
            self._decoder.close()

    def _numbered(self, first_pts: int) -> Iterator[tuple[int, VideoFrame]]:
        """All frames with their index, from the first one or from the key frame before the start."""
        if self._selection.start > 0:
            pts = first_pts + math.floor(self._selection.start / self._decoder.time_base)
            index, frames = self._decoder.frames_from(pts, first_pts)
            return enumerate(frames, index)
        first = [] if self._first is None else [self._first]
        return enumerate(itertools.chain(first, self._frames))

    def _look(self, first: VideoFrame | None) -> Display:
        decoder = self._decoder
        if first is None:
            return Display(decoder.width, decoder.height)
        self.notes += color_notes(first)
        return display_of(first, decoder.sample_aspect_ratio, self.notes)

    def _describe(self, name: str) -> SourceInfo:
        width, height = self._display.shown
        rate = self._decoder.rate
        return SourceInfo(
            name=name,
            kind="video",
            width=width,
            height=height,
            rate=rate / self._selection.every if rate else None,
            time_base=self._decoder.time_base,
            frame_count=self._expected_frames(),
            duration=self._expected_duration(),
        )

    def _expected_frames(self) -> int | None:
        decoder, selection = self._decoder, self._selection
        if self._first is None:
            return 0
        count: int | None = decoder.announced_frames or None
        if count is None and decoder.announced_duration is not None and decoder.rate:
            count = round(decoder.announced_duration * decoder.rate)
        if decoder.rate:
            if count is not None:
                count = max(count - math.ceil(selection.start * decoder.rate), 0)
            if selection.duration is not None:
                most = math.ceil(selection.duration * decoder.rate)
                count = most if count is None else min(count, most)
        if count is not None:
            count = math.ceil(count / selection.every)
        if selection.limit is not None:
            count = selection.limit if count is None else min(count, selection.limit)
        return count

    def _expected_duration(self) -> Fraction | None:
        announced, wanted = self._decoder.announced_duration, self._selection.duration
        if announced is None:
            return wanted
        left = max(Fraction(announced) - self._selection.start, Fraction(0))
        return left if wanted is None else min(left, wanted)

    def _note_damage(self, first: Fraction) -> None:
        """Say what was wrong with a file that has been decoded to its end."""
        decoder = self._decoder
        at = "" if decoder.end is None else f" after {float(decoder.end - first):.2f} s"
        missing = decoder.missing(first)
        if decoder.broken_off is not None:
            self.notes.append(f"reading it ends{at} ({decoder.broken_off}); the frames up to there are used")
        elif missing > self._tolerance():
            announced = float(decoder.announced_duration or 0)
            self.notes.append(
                f"it was cut off: it ends{at}, though {announced:.2f} s are announced; the frames up to there are used"
            )
        if decoder.skipped:
            self.notes.append(f"left out of it, as too damaged to decode: {_count(decoder.skipped, 'packet')}")
        if decoder.repaired:
            self.notes.append(f"damaged, and shown as far as could be decoded: {_count(decoder.repaired, 'frame')}")

    def _tolerance(self) -> Fraction:
        """How many seconds a file may end early without a word: headers round, and count the last frame's length."""
        rate = self._decoder.rate
        return max(Fraction(1, 5), 3 / rate if rate else Fraction(0))


class _Conversion:
    """From decoded frames to pictures as they are shown."""

    def __init__(self, display: Display, time_base: Fraction, threads: int, notes: list[str]) -> None:
        self._display = display
        self._to_rgb = RgbConverter(display.width, display.height)
        self._tone_mapper = tone_mapper(display.width, display.height, time_base, threads)
        self._tone_maps = True
        self._notes = notes
        self._said: set[str] = set()
        self._size: tuple[int, int] | None = None

    def __call__(self, frame: VideoFrame) -> NDArray[np.uint8]:
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


def _check(selection: Selection) -> None:
    if selection.start < 0:
        raise UsageError(f"the start is before the video's begin: {float(selection.start):g} s; give 0 or more")
    if selection.duration is not None and selection.duration <= 0:
        raise UsageError(f"the duration has to be above 0 s, not {float(selection.duration):g} s")
    if selection.every < 1:
        raise UsageError(f"every {selection.every}th frame makes no sense; give 1 or more")
    if selection.limit is not None and selection.limit < 1:
        raise UsageError(f"a limit of {selection.limit} frames makes no sense; give 1 or more")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
