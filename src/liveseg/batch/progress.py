"""How far a batch is: counts that do not grow with the number of files, and who is told of them."""

from __future__ import annotations

import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from liveseg.batch.failures import PASSING

if TYPE_CHECKING:
    from liveseg.batch.manifest import RunFacts
    from liveseg.batch.records import Record
    from liveseg.batch.report_data import BatchReport

_WINDOW = 60.0
"""Seconds that rates are taken over: long enough to hold several files of every worker, short enough to be of now."""


@dataclass
class Counts:
    """What became of the input so far; files, where nothing else is said.

    Args:
        listed: that were found.
        complete: whether these are all.
        before: that an earlier run had done.
        left: that failed before, in a way that is not tried again.
        done: by this run.
        failed: by this run, by kind.
        pieces: of long videos, done by this run.
        frames: segmented by this run.
        pixels: of these, at the source's size.
        bytes_in: read by this run.
        bytes_out: written by this run.
        workers: at this moment.
        seconds: since the run began.
    """

    listed: int = 0
    complete: bool = False
    before: int = 0
    left: int = 0
    done: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    pieces: int = 0
    frames: int = 0
    pixels: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    workers: int = 0
    seconds: float = 0.0

    @property
    def finished(self) -> int:
        """Done or failed by this run."""
        return self.done + self.failed.total()

    @property
    def to_do(self) -> int:
        """Found and not finished."""
        return max(self.listed - self.before - self.left - self.finished, 0)

    def add(self, record: Record) -> None:
        """Count what a worker did, whole or not."""
        self.frames += record.frames if record.status != "failed" and not _joining(record) else 0
        self.pixels += record.pixels if record.status != "failed" and not _joining(record) else 0
        self.bytes_in += record.bytes_in
        self.bytes_out += record.bytes_out
        self.pieces += record.status == "part"

    def to_json(self) -> dict[str, Any]:
        """As `progress` and `done` have it."""
        return {
            "listed": self.listed,
            "listing_complete": self.complete,
            "done_before": self.before,
            "failed_before": self.left,
            "done": self.done,
            "failed": self.failed.total(),
            "failures": dict(self.failed.most_common()),
            "to_do": self.to_do,
            "pieces": self.pieces,
            "frames": self.frames,
            "pixels": self.pixels,
            "bytes_in": self.bytes_in,
            "bytes_out": self.bytes_out,
            "workers": self.workers,
            "seconds": round(self.seconds, 3),
        }


def _joining(record: Record) -> bool:
    # Its frames were counted piece by piece.
    return record.piece is None and record.pieces is not None


class Speed:
    """Rates of late, from the counts as they pass by."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int, int]] = deque([(time.monotonic(), 0, 0)])

    def take(self, counts: Counts, now: float | None = None) -> None:
        """Note where the counts are."""
        now = time.monotonic() if now is None else now
        self._seen.append((now, counts.finished, counts.pixels))
        while len(self._seen) > 2 and now - self._seen[1][0] > _WINDOW:
            self._seen.popleft()

    @property
    def files(self) -> float:
        """Files a second."""
        return self._rate(1)

    @property
    def megapixels(self) -> float:
        """Millions of pixels a second."""
        return self._rate(2) / 1e6

    def remaining(self, counts: Counts) -> float | None:
        """Seconds that the rest takes at this speed; `None` while files are still being found, or none was done."""
        if not counts.complete or self.files <= 0:
            return None
        return counts.to_do / self.files

    def _rate(self, which: int) -> float:
        (began, *first), (ended, *last) = self._seen[0], self._seen[-1]
        return (last[which - 1] - first[which - 1]) / (ended - began) if ended > began else 0.0


class Listener(Protocol):
    """Who is told what happens; every method is called from the driver's threads, one at a time."""

    def notice(self, line: str) -> None:
        """Something that people should know, in a line."""

    def started(self, facts: RunFacts, workers: int | None) -> None:
        """The run has begun."""

    def joined(self, dashboard: str) -> None:
        """The workers are of a cluster that shows itself at an address."""

    def told(self, record: Record) -> None:
        """A worker has finished a task: a file, a piece of a video, or the joining of pieces."""

    def progress(self, counts: Counts, speed: Speed) -> None:
        """About once a second."""

    def done(self, counts: Counts, report: BatchReport | None, ended: str) -> None:
        """The run has ended.

        Args:
            counts: at the end.
            report: of the destination; `None` where the run was stopped.
            ended: `complete`, `stopped` or `too_many_failures`.
        """


class Silent:
    """A listener that tells nobody."""

    def notice(self, line: str) -> None:
        """Nothing."""

    def started(self, facts: RunFacts, workers: int | None) -> None:
        """Nothing."""

    def joined(self, dashboard: str) -> None:
        """Nothing."""

    def told(self, record: Record) -> None:
        """Nothing."""

    def progress(self, counts: Counts, speed: Speed) -> None:
        """Nothing."""

    def done(self, counts: Counts, report: BatchReport | None, ended: str) -> None:
        """Nothing."""


def record_event(record: Record) -> dict[str, Any]:
    """What a worker did as an event: `item`, `piece` or `failed`."""
    about: dict[str, Any] = {"location": record.location, "name": record.name, "kind": record.kind}
    if record.piece is not None:
        about |= {"piece": record.piece}
    if record.pieces is not None:
        about |= {"pieces": record.pieces}
    about |= {"attempts": record.attempts, "worker": record.worker}
    if record.status == "failed":
        kind = record.error_kind or "unknown"
        return {
            "event": "failed",
            **about,
            "error_kind": kind,
            "error": record.error,
            "tried_again_next_time": kind in PASSING,
        }
    return {
        "event": "item" if record.status == "done" else "piece",
        **about,
        "frames": record.frames,
        "pixels": record.pixels,
        "seconds": record.seconds.get("total", 0.0),
        "outputs": list(record.outputs),
    }
