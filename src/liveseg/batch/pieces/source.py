"""A piece of a video file as a source: its own frames, with the video's own times, and those that lead in."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import TYPE_CHECKING

from av.video.frame import PictureType

from liveseg.batch.pieces.keys import KeyFrames, LeadIn
from liveseg.media.conversion import Conversion
from liveseg.media.frame import Frame
from liveseg.media.video_open import open_video
from liveseg.media.video_source import VideoSource

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from av.video.frame import VideoFrame

    from liveseg.batch.records import Piece
    from liveseg.media.video_decoder import Opener


class PieceSource(VideoSource):
    """The frames of one piece of a video; iterate once, then close, or use as a context manager.

    They are those that the whole video gives, with the same pixels, from the first key frame at or after the piece's
    start, in the order in which they are shown, to the one that its end finds. `index` counts from 0 in the piece. All
    pieces of a video together give each of its frames once.

    `info` is the whole video's.

    Args:
        path: the file, or its name where `opener` opens it.
        piece: which part is wanted.
        warm_up_frames: how many frames before the piece `warm_up` gives.
        threads: at most this many for decoding; by default one for each processor, up to four.
        opener: opens the file, as often as it is called.

    Attributes:
        cuts: when the piece's first frame, and the first after it, are shown, in units of the time base; the first is
            `None` for an empty piece, of which no key frame is there, and the second where the piece goes to the end.
        pts: of the frames that were given so far.

    Raises:
        SourceNotFoundError: no such file.
        MediaError: not a video, or one that cannot be decoded.
    """

    def __init__(
        self,
        path: Path,
        piece: Piece,
        *,
        warm_up_frames: int = 0,
        threads: int | None = None,
        opener: Opener | None = None,
    ) -> None:
        super().__init__(path, threads=threads, opener=opener)
        self.piece = piece
        self.pts: list[int] = []
        self._waiting: VideoFrame | None = None
        self._coming: Iterator[VideoFrame] | None = None
        self._first_pts = 0 if self._first is None else self._first.pts or 0
        self._lead_in = LeadIn(self._first_pts, self._first_pts, self._first_pts)
        self._opener: Opener = opener or (lambda: open_video(path))
        try:
            with KeyFrames(self._opener, self._first_pts) as keys:
                self.cuts = self._find_cuts(keys)
                begin = self.cuts[0]
                if begin is not None and begin > self._first_pts:
                    self._lead_in = keys.before(begin, warm_up_frames, self._decoder.rate)
        except BaseException:
            self.close()
            raise

    @property
    def empty(self) -> bool:
        """Whether no frame of the video is in this piece."""
        begin, end = self.cuts
        return begin is None or begin == end

    @property
    def broken_off(self) -> str | None:
        """Why reading ended before the end of the file, if it did."""
        return self._decoder.broken_off

    def warm_up(self) -> Iterator[Frame]:
        """The frames before the piece's own, for what remembers; to be taken before them, or not at all."""
        convert = Conversion(self._display, self._decoder.time_base, self._threads, [])
        for frame in self._from_lead_in():
            if self._is_own(frame):
                self._waiting = frame
                return
            yield Frame(convert(frame), -1, frame.pts or 0, self._decoder.time_base)

    def close(self) -> None:
        """Release the file; may be called twice, and from another thread once iteration has stopped."""
        self._coming = self._waiting = None
        super().close()

    def _find_cuts(self, keys: KeyFrames) -> tuple[int | None, int | None]:
        begin = self._first_pts if self.piece.index == 0 else self._cut(keys, self.piece.start)
        end = None if self.piece.end is None or begin is None else self._cut(keys, self.piece.end)
        return begin, end

    def _cut(self, keys: KeyFrames, seconds: float) -> int | None:
        return keys.at_or_after(self._first_pts + math.ceil(Fraction(seconds) / self._decoder.time_base))

    def _is_own(self, frame: VideoFrame) -> bool:
        begin = self.cuts[0]
        return begin is not None and (frame.pts or 0) >= begin

    def _numbered(self, first_pts: int) -> Iterator[tuple[int, VideoFrame]]:
        del first_pts
        end = self.cuts[1]
        if self.empty:
            return
        for frame in self._from_lead_in():
            if end is not None and (frame.pts or 0) >= end:
                return
            if self._is_own(frame):
                self.pts.append(frame.pts or 0)
                yield len(self.pts) - 1, frame

    def _from_lead_in(self) -> Iterator[VideoFrame]:
        """All frames from the first one of the lead-in that is wanted; goes on where it was left."""
        if self._coming is None:
            self._coming = self._decoded()
        if self._waiting is not None:
            frame, self._waiting = self._waiting, None
            yield frame
        for frame in self._coming:
            if (frame.pts or 0) >= self._lead_in.wanted:
                yield frame

    def _decoded(self) -> Iterator[VideoFrame]:
        if self._lead_in.landed <= self._first_pts:
            return self._from_first()
        frames = self._decoded_from(self._lead_in.target)
        early: list[VideoFrame] = []
        for frame in frames:
            early.append(frame)
            if (frame.pts or 0) >= self._lead_in.landed:
                break
        if early and early[-1].pts == self._lead_in.landed and early[-1].pict_type == PictureType.I:
            return itertools.chain(early, frames)
        # A key frame that is none: the encoder refreshes pictures strip by strip, from one such frame to the next. They
        # are whole once one more has passed.
        with KeyFrames(self._opener, self._first_pts) as keys:
            return self._decoded_from(keys.before(self._lead_in.landed, 0, self._decoder.rate).target)

    def _decoded_from(self, target: int) -> Iterator[VideoFrame]:
        return self._decoder.frames_from(target, self._first_pts)[1]

    def _from_first(self) -> Iterator[VideoFrame]:
        if self._first is not None:
            yield self._first
        yield from self._frames

    def _note_damage(self, first: Fraction) -> None:
        # That the file ends early is seen where it ends.
        if self.cuts[1] is None and not self.empty:
            super()._note_damage(first)


def open_piece(
    path: Path,
    piece: Piece,
    *,
    warm_up_frames: int = 0,
    threads: int | None = None,
    opener: Opener | None = None,
) -> PieceSource:
    """Open the frames of a piece of a video; see `PieceSource`."""
    return PieceSource(path, piece, warm_up_frames=warm_up_frames, threads=threads, opener=opener)
