"""A video behind the foreground, in step with the frames before it."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from liveseg.errors import MediaError
from liveseg.render.background import Scenery, covering

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from liveseg.media.frame import Frame, Source

    Pixels = NDArray[np.uint8]
    Moment = tuple[int, Fraction]
    """How often the video has begun again, and seconds since it did."""

_KEPT_BYTES = 64 << 20
_USUAL_RATE = Fraction(25)

_FAR = 10
"""Seconds onward from which it is quicker to look for a frame in the file than to decode all before it."""

_RUN_UP = 1
"""Seconds before a moment at which decoding begins there: the frame that is seen at it began earlier."""


@dataclass
class _Seen:
    """A frame of the video, from when on it is seen, and how it was last fitted."""

    since: Moment
    image: Pixels
    fitted: Pixels | None = None


class ClipScenery(Scenery):
    """A video in the background: it plays in time with the frames' timestamps, again and again.

    What is seen depends on the timestamp alone, so that it does not matter which of several threads asks first. It is
    decoded in order, by whoever needs its next frame; the last ones are kept for threads that lag behind.

    Args:
        open_at: opens the video at so many seconds after its first frame; called again where it begins again.

    Raises:
        LivesegError: it cannot be opened or decoded.
    """

    def __init__(self, open_at: Callable[[Fraction], Source]) -> None:
        self._open_at = open_at
        self._lock = threading.Lock()
        self._kept: deque[_Seen] = deque()
        self._loop = 0
        self._source = open_at(Fraction(0))
        self._frames: Iterator[Frame] = iter(self._source)
        info = self._source.info
        self._pause = 1 / (info.rate or _USUAL_RATE)
        self._length = info.duration or None
        first = next(self._frames, None)
        if first is None:
            self._source.close()
            raise MediaError(f"{info.name} holds no frames; name another --background")
        self._first = first.timestamp
        self._most = min(max(_KEPT_BYTES // first.image.nbytes, 4), 32)
        self._keep(_Seen((0, Fraction(0)), first.image))
        self._next = self._read()

    def __call__(self, image: Pixels, alpha: Pixels, timestamp: Fraction | None) -> Pixels:  # noqa: ARG002 - as others
        """The background of one frame; see `Scenery`."""
        size = (alpha.shape[0], alpha.shape[1])
        with self._lock:
            seen = self._at(timestamp or Fraction(0))
            if seen.fitted is None or seen.fitted.shape[:2] != size:
                seen.fitted = covering(seen.image, size)
            return seen.fitted

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._source.close()

    def _at(self, seconds: Fraction) -> _Seen:
        """The frame that is seen at such a timestamp, decoded if need be."""
        moment = self._moment(seconds)
        length = self._length
        oldest, newest = self._kept[0].since, self._kept[-1].since
        # Where its length is not known, it is found by decoding to the end.
        leaps = self._length is not None and moment > (newest[0], newest[1] + _FAR)
        if moment < oldest or moment[0] > self._loop or leaps:
            self._go_to(moment)
        while self._next is not None and self._next.since <= moment:
            self._keep(self._next)
            self._next = self._read()
        if length != self._length:  # it was not announced, and turned out now
            return self._at(seconds)
        return next(seen for seen in reversed(self._kept) if seen.since <= moment)

    def _moment(self, seconds: Fraction) -> Moment:
        if self._length is None:
            return (0, max(seconds, Fraction(0)))
        loop, rest = divmod(seconds, self._length)
        return (int(loop), rest)

    def _go_to(self, moment: Moment) -> None:
        """Be ready to decode the frame of a moment that is not among those kept, nor soon after them."""
        follows = moment[0] == self._loop + 1 and moment[1] < _FAR and self._to_the_end()
        if not follows:
            self._kept.clear()
        self._loop = moment[0]
        self._open(Fraction(0) if follows else max(moment[1] - _RUN_UP, Fraction(0)))
        if not follows and (self._next is None or self._next.since > moment):
            self._open(Fraction(0))  # it ends before it was said to

    def _to_the_end(self) -> bool:
        """Decode what is left for threads that lag behind, where that is not much."""
        if self._length is None or self._length - self._kept[-1].since[1] > _FAR:
            return False
        while self._next is not None:
            self._keep(self._next)
            self._next = self._read()
        return True

    def _open(self, start: Fraction) -> None:
        self._source.close()
        self._source = self._open_at(start)
        self._frames = iter(self._source)
        self._next = self._read()

    def _read(self) -> _Seen | None:
        frame = next(self._frames, None)
        if frame is not None:
            return _Seen((self._loop, frame.timestamp - self._first), frame.image)
        if self._length is None:
            self._length = self._kept[-1].since[1] + self._pause
        return None

    def _keep(self, seen: _Seen) -> None:
        self._kept.append(seen)
        while len(self._kept) > self._most:
            self._kept.popleft()
