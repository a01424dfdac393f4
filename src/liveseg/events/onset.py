"""When something begins and ends: a condition that held long enough, told once, and told again once it is over."""

from __future__ import annotations

import statistics
from collections import deque
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

_LEAST_GAP = Fraction(2)
"""Seconds without a frame that interrupt nothing: a live source that leaves frames out, or comes back at once."""

_USUAL_GAPS = 3
"""A gap of so many usual distances between frames interrupts nothing, either: of a source with few frames."""


class Gaps:
    """Sees whether so much time has passed between two frames that nobody knows what happened in it."""

    def __init__(self) -> None:
        self._last: Fraction | None = None
        self._recent: deque[Fraction] = deque(maxlen=5)

    def after(self, time: Fraction) -> bool:
        """Take a frame's time in seconds; whether the gap before it was too long."""
        if self._last is None:
            self._last = time
            return False
        gap, self._last = time - self._last, time
        usual = statistics.median(self._recent) if self._recent else Fraction(0)
        self._recent.append(gap)
        return gap > max(_LEAST_GAP, usual * _USUAL_GAPS)


@dataclass(frozen=True)
class Change:
    """What became of a condition.

    Args:
        kind: `began` once it has held for long enough, `ended` once it no longer holds.
        began: since when it holds, or held, in seconds of the stream.
        time: when it was told.
    """

    kind: Literal["began", "ended"]
    began: Fraction
    time: Fraction


class Onset:
    """Follows a condition from frame to frame.

    Args:
        seconds: for how long it has to hold before it counts.
    """

    def __init__(self, seconds: Fraction) -> None:
        self._seconds = seconds
        self._since: Fraction | None = None
        self._told = False

    def step(self, time: Fraction, holds: bool, *, gap: bool = False) -> Change | None:
        """Take a frame.

        Args:
            time: the frame's, in seconds; later than the last one's.
            holds: whether the condition holds in it.
            gap: whether nobody knows what happened before it; then a condition that was not yet told has to hold
                anew, and one that was told goes on.
        """
        if not holds:
            return self.end(time)
        if self._since is None or (gap and not self._told):
            self._since = time
        if self._told or time - self._since < self._seconds:
            return None
        self._told = True
        return Change("began", self._since, time)

    def end(self, time: Fraction) -> Change | None:
        """The condition no longer holds, or there are no more frames; tells it where its begin was told."""
        since, told = self._since, self._told
        self._since, self._told = None, False
        return Change("ended", since, time) if told and since is not None else None
