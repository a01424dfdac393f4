"""A video file as a source of frames: RGB, upright, with square pixels, in the file's own time."""

from __future__ import annotations

import itertools
import math
import os
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from liveseg.errors import MediaError
from liveseg.media.color import color_notes
from liveseg.media.conversion import Conversion
from liveseg.media.display import Display, display_of
from liveseg.media.frame import Frame, Selection, Source, SourceInfo
from liveseg.media.picking import Picker, check_selection
from liveseg.media.video_decoder import VideoDecoder
from liveseg.media.video_open import codec_threads

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from av.video.frame import VideoFrame

    from liveseg.media.video_decoder import Opener


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
        opener: opens what is no file, as often as it is called; `path` is then only its name.

    Raises:
        UsageError: a selection that makes no sense.
        SourceNotFoundError: no such file.
        MediaError: not a video, or one that cannot be decoded.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        selection: Selection | None = None,
        *,
        threads: int | None = None,
        opener: Opener | None = None,
    ) -> None:
        self.notes: list[str] = []
        self._selection = selection or Selection()
        check_selection(self._selection)
        self._threads = codec_threads(threads)
        self._decoder = VideoDecoder(opener or Path(path), self._threads)
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
        picker = Picker(self._selection, first_pts * time_base)
        convert = Conversion(self._display, time_base, self._threads, self.notes)
        try:
            for index, frame in self._numbered(first_pts):
                if picker.takes((frame.pts or 0) * time_base):
                    yield Frame(convert(frame), index, frame.pts or 0, time_base)
                if picker.over:
                    return
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


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
