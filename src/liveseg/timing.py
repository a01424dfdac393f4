"""Times of stages and frames, gathered in bounded memory and told as rates and percentiles."""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

_RESERVOIR = 4096


class Samples:
    """Durations in seconds: exact count and sum, and percentiles over a uniform sample of bounded size.

    The sample is Vitter's reservoir (Algorithm R, 1985), so a video of any length costs the same memory; up to
    4,096 values the percentiles are exact. Several threads may add to it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.count = 0
        self.total = 0.0
        self._kept: list[float] = []
        self._random = random.Random(0)  # noqa: S311 - a sample of times, not a secret

    def add(self, seconds: float) -> None:
        """Take one duration."""
        with self._lock:
            self.count += 1
            self.total += seconds
            if len(self._kept) < _RESERVOIR:
                self._kept.append(seconds)
                return
            place = self._random.randrange(self.count)
            if place < _RESERVOIR:
                self._kept[place] = seconds

    @property
    def mean(self) -> float:
        """Seconds on average; 0 where nothing was taken."""
        return self.total / self.count if self.count else 0.0

    def percentile(self, percent: float) -> float:
        """The value below which `percent` of the durations lie, in seconds; 0 where nothing was taken."""
        return float(np.percentile(self._kept, percent)) if self._kept else 0.0

    def milliseconds(self) -> dict[str, float]:
        """Median and 95th percentile in milliseconds, for a report: `{"p50": …, "p95": …}`."""
        return {f"p{percent}": round(self.percentile(percent) * 1e3, 3) for percent in (50, 95)}


class Rate:
    """Events a second over the last `span` of them: what to draw on a frame."""

    def __init__(self, span: int = 30) -> None:
        self._times: deque[float] = deque(maxlen=span + 1)

    def tick(self, now: float) -> float:
        """Take an event at `now` seconds and return the rate; 0 for the first one, which has no interval."""
        self._times.append(now)
        passed = now - self._times[0]
        # N stamps are N - 1 intervals.
        return (len(self._times) - 1) / passed if passed > 0 else 0.0


class StageTimes:
    """How long each stage of a line was busy; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stages: dict[str, Samples] = {}

    def add(self, stage: str, seconds: float) -> None:
        """Take one duration of a stage."""
        with self._lock:
            samples = self._stages.setdefault(stage, Samples())
        samples.add(seconds)

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        """Take the duration of the block, also of one that fails."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.add(stage, time.perf_counter() - started)

    def seconds(self) -> dict[str, float]:
        """How long each stage was busy in all, in seconds, in the order in which the stages first finished."""
        with self._lock:
            return {stage: samples.total for stage, samples in self._stages.items()}

    def milliseconds(self) -> dict[str, float]:
        """The mean of each stage in milliseconds, in the order in which the stages first finished."""
        with self._lock:
            return {stage: samples.mean * 1e3 for stage, samples in self._stages.items()}


class ThreadTime:
    """What one thread of a line did with its time: busy, waiting for another, or neither.

    To be written by that thread only; `name` says which one it is.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.busy_seconds = 0.0
        self.waiting_seconds = 0.0
        self._began = time.perf_counter()
        self._ended: float | None = None

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Count the block as work."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.add_busy(time.perf_counter() - started)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Count the block as waiting."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.waiting_seconds += time.perf_counter() - started

    def add_busy(self, seconds: float) -> None:
        """Count some seconds as work."""
        self.busy_seconds += seconds

    def finish(self) -> None:
        """The thread ends here; what comes later does not count."""
        if self._ended is None:
            self._ended = time.perf_counter()

    @property
    def wall_seconds(self) -> float:
        """Seconds from the thread's begin to its end, or until now."""
        return (time.perf_counter() if self._ended is None else self._ended) - self._began

    @property
    def explained(self) -> float:
        """The share of the wall time that was busy or waiting, from 0 to 1."""
        wall = self.wall_seconds
        return (self.busy_seconds + self.waiting_seconds) / wall if wall > 0 else 1.0
