"""When files were finished and workers were busy, in constant memory however long a batch took or paused."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import accumulate

_FINEST = 1 / 64
"""Seconds of a bin at first."""

_MOST_BINS = 4096
"""Bins that are kept; with more they become twice as long."""


@dataclass(slots=True)
class Bin:
    """What happened in a stretch of time.

    Args:
        files: that were finished.
        failed: of these, that failed.
        pixels: of the frames of what was finished.
        busy: seconds that workers spent in it, all together.
    """

    files: int = 0
    failed: int = 0
    pixels: int = 0
    busy: float = 0.0

    def take(self, other: Bin) -> None:
        """Add another one to it."""
        self.files += other.files
        self.failed += other.failed
        self.pixels += other.pixels
        self.busy += other.busy


class Timeline:
    """Bins of equal length, only those in which something happened; they double when they become too many.

    A batch that ran for an hour is told in bins of a second, one that ran for a month in bins of some minutes; a pause
    between two runs has no bins.
    """

    def __init__(self, most_bins: int = _MOST_BINS) -> None:
        self.seconds = _FINEST
        self.began = math.inf
        self.ended = 0.0
        self._most = most_bins
        self._bins: dict[int, Bin] = {}

    def add(self, finished: float, busy: float, *, files: int = 1, failed: int = 0, pixels: int = 0) -> None:
        """Take what a worker did without a break.

        Args:
            finished: when it ended, in seconds since 1970.
            busy: how long it took.
            files: how many files are finished by it.
            failed: how many of them failed.
            pixels: of the frames.
        """
        begin = finished - busy
        self.began, self.ended = min(self.began, begin), max(self.ended, finished)
        while math.floor(finished / self.seconds) - math.floor(begin / self.seconds) >= self._most // 2:
            self._double()
        first, last = math.floor(begin / self.seconds), math.floor(finished / self.seconds)
        for index in range(first, last + 1):
            low, high = max(begin, index * self.seconds), min(finished, (index + 1) * self.seconds)
            self._bins.setdefault(index, Bin()).busy += max(high - low, 0.0)
        self._bins[last].take(Bin(files, failed, pixels))
        while len(self._bins) > self._most:
            self._double()

    def _double(self) -> None:
        self.seconds *= 2
        merged: dict[int, Bin] = {}
        for index, own in self._bins.items():
            merged.setdefault(index // 2, Bin()).take(own)
        self._bins = merged

    @property
    def active_seconds(self) -> float:
        """How long at least one worker was busy, to a bin's length at both ends and at each pause."""
        return min(len(self._bins) * self.seconds, self.ended - self.began) if self._bins else 0.0

    def active_between(self, spans: list[tuple[float, float]]) -> list[float]:
        """How long at least one worker was busy within each of some spans of time, in seconds.

        Args:
            spans: begin and end of each, in seconds since 1970.
        """
        indices = sorted(self._bins)
        before = [0, *accumulate(1 for _ in indices)]
        at = {index: place for place, index in enumerate(indices)}
        found = []
        for begin, end in spans:
            # Both lie in a bin: somebody was busy then, the one whose span it is.
            first, last = math.floor(begin / self.seconds), math.floor(end / self.seconds)
            count = before[at[last] + 1] - before[at[first]]
            found.append(min(count * self.seconds, end - begin))
        return found

    def columns(self, most: int) -> tuple[float, list[tuple[float, Bin]]]:
        """The bins for a chart, in order; stretches in which nothing happened are left out.

        Args:
            most: how many there may be.

        Returns:
            Seconds of a bin, and each bin with its begin in seconds since 1970.
        """
        factor, merged = 1, dict(self._bins)
        while len(merged) > most:
            factor, halved = factor * 2, dict[int, Bin]()
            for index, own in merged.items():
                halved.setdefault(index // 2, Bin()).take(own)
            merged = halved
        length = self.seconds * factor
        return length, [(index * length, merged[index]) for index in sorted(merged)]
