"""What a batch comes to, gathered from its records in one pass and in memory that does not grow with their number."""

from __future__ import annotations

import heapq
import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from liveseg.batch.quantiles import Quantiles
from liveseg.batch.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from liveseg.batch.records import Record

STAGES = ("fetch", "decode", "preprocess", "network", "postprocess", "render", "encode", "commit")
"""In the order in which a frame passes them."""

OTHER = "other"
"""What belongs to no stage."""

_SLOWEST = 20
_EXAMPLES = 5
_MOST_NAMES = 4096
"""Workers, kinds of failure and the like that are told apart; the rest of them go together."""

_REST = "(others)"


@dataclass(slots=True)
class Stage:
    """What one stage took.

    Args:
        seconds: in all.
        images: seconds of each image.
    """

    seconds: float = 0.0
    images: Quantiles = field(default_factory=Quantiles)


@dataclass(slots=True)
class Worker:
    """What one worker did.

    Args:
        files: that it finished, pieces of videos and their joining among them.
        failed: of these, that failed.
        frames: that it segmented.
        pixels: of these.
        work: seconds of all stages.
        began: when its first file was begun, in seconds since 1970.
        ended: when its last one was finished.
    """

    files: int = 0
    failed: int = 0
    frames: int = 0
    pixels: int = 0
    work: float = 0.0
    began: float = math.inf
    ended: float = 0.0


@dataclass(slots=True)
class ClassSum:
    """Where one class was found.

    Args:
        pixels: of it, over all frames.
        around: pixels of the files in which it is, whatever their class.
        images: in which it is.
        videos: in which it is.
    """

    pixels: int = 0
    around: int = 0
    images: int = 0
    videos: int = 0


@dataclass(slots=True)
class Failures:
    """Failures of one kind: how many, and the first few of them."""

    count: int = 0
    examples: list[Record] = field(default_factory=list)


class Statistics:
    """Sums, percentiles and extremes over records, each of which is taken once.

    A video in pieces counts as a file when it is joined, and its areas are those of that record.

    Args:
        with_pieces: whether the pieces of joined videos are among the records, too. Then they are the work, and what a
            joined record says of frames and pixels has been counted; else it stands for them, and how long they took
            is not known.
    """

    def __init__(self, *, with_pieces: bool = False) -> None:
        self._with_pieces = with_pieces
        self.files: Counter[str] = Counter()
        """Files by `done` and `failed`, and by kind: `image` and `video` of those that are done."""
        self.pieces: Counter[str] = Counter()
        """Pieces of videos by `done` and `failed`; `joined`, videos that were put together."""
        self.retried = 0
        self.frames = self.pixels = self.bytes_in = self.bytes_out = self.outputs = 0
        self.images_pixels = self.videos_frames = 0
        self.work = 0.0
        self.untimed = 0
        self.stages: dict[str, Stage] = {}
        self.durations = {kind: Quantiles() for kind in ("image", "video", "piece", "join")}
        self.timeline = Timeline()
        self.workers: dict[str, Worker] = {}
        self.failures: dict[str, Failures] = {}
        self.classes: dict[str, ClassSum] = {}
        self.class_pixels = 0
        self.models: Counter[str] = Counter()
        self.settings: Counter[str] = Counter()
        self._slowest: dict[str, list[tuple[float, str, int, Record]]] = {"image": [], "video": []}
        self._taken = 0

    def take(self, records: Iterable[Record]) -> None:
        """Add records."""
        for record in records:
            self.add(record)

    def add(self, record: Record) -> None:
        """Add one record."""
        self._taken += 1
        failed, what = record.status == "failed", what_of(record)
        if what == "piece":
            self.pieces["failed" if failed else "done"] += 1
        else:
            self.files["failed" if failed else "done"] += 1
            if not failed:
                self.files[record.kind] += 1
                self.pieces["joined"] += what == "join"
        self.retried += record.attempts > 1
        self.bytes_in += record.bytes_in
        self.bytes_out += record.bytes_out
        self.outputs += len(record.outputs) if what != "piece" else 0
        if record.model:
            self.models[_name(self.models, record.model)] += 1
        if record.settings:
            self.settings[_name(self.settings, record.settings)] += 1
        if failed:
            own = self.failures.setdefault(_name(self.failures, record.error_kind or "unknown"), Failures())
            own.count += 1
            if len(own.examples) < _EXAMPLES:
                own.examples.append(record)
        counted = what == "join" and self._with_pieces
        frames, pixels = (0, 0) if counted else (record.frames, record.pixels)
        self.frames += frames
        self.pixels += pixels
        if record.kind == "image":
            self.images_pixels += pixels
        else:
            self.videos_frames += frames
        self._add_times(record, what, frames, pixels)
        if not failed and what != "piece":
            self._add_areas(record.kind, record.areas)

    def _add_times(self, record: Record, what: str, frames: int, pixels: int) -> None:
        stages = {name: spent for name, spent in record.seconds.items() if name != "total"}
        known = sum(stages.values())
        total = max(record.seconds.get("total", 0.0), known)
        if total - known > 1e-6:
            stages[OTHER] = stages.get(OTHER, 0.0) + total - known
        self.work += total
        failed = record.status == "failed"
        for name, spent in stages.items():
            own = self.stages.get(name) or self.stages.setdefault(_name(self.stages, name), Stage())
            own.seconds += spent
            if what == "image" and not failed:
                own.images.add(spent)
        if not failed:
            self.durations[what].add(total)
            self._rank(record, total)
        by = _name(self.workers, record.worker or "unknown")
        worker = self.workers.get(by) or self.workers.setdefault(by, Worker())
        worker.files += 1
        worker.failed += failed
        worker.frames += frames
        worker.pixels += pixels
        worker.work += total
        if record.finished > 0:
            self.timeline.add(record.finished, total, files=int(what != "piece"), failed=int(failed), pixels=pixels)
            worker.began = min(worker.began, record.finished - total)
            worker.ended = max(worker.ended, record.finished)
        else:
            self.untimed += 1

    def _rank(self, record: Record, total: float) -> None:
        slowest = self._slowest[record.kind]
        # The name makes the order one of the records alone; the number, that no two records are ever compared.
        entry = (total, record.name, self._taken, record)
        if len(slowest) < _SLOWEST:
            heapq.heappush(slowest, entry)
        else:
            heapq.heappushpop(slowest, entry)

    def _add_areas(self, kind: str, areas: Mapping[str, int]) -> None:
        around = sum(areas.values())
        self.class_pixels += around
        for name, pixels in areas.items():
            if pixels <= 0:
                continue
            own = self.classes.setdefault(_name(self.classes, name), ClassSum())
            own.pixels += pixels
            own.around += around
            if kind == "image":
                own.images += 1
            else:
                own.videos += 1

    def slowest(self, kind: str) -> list[tuple[float, Record]]:
        """The files, and pieces of videos, that took most seconds; most first.

        Args:
            kind: `image` or `video`.
        """
        return [(total, record) for total, _, _, record in sorted(self._slowest[kind], key=_order)]

    def stage_names(self) -> list[str]:
        """Those that were there, in the order in which a frame passes them."""
        known = [name for name in STAGES if name in self.stages]
        others = sorted(name for name in self.stages if name not in (*STAGES, OTHER))
        return [*known, *others, *([OTHER] if OTHER in self.stages else [])]

    def worker_seconds(self) -> dict[str, float]:
        """How long each worker was there: from its first file to its last, without the time in which all paused."""
        timed = [(name, own) for name, own in self.workers.items() if own.ended > 0]
        spans = self.timeline.active_between([(own.began, own.ended) for _, own in timed])
        return {name: span for (name, _), span in zip(timed, spans, strict=True)}


def what_of(record: Record) -> str:
    """What a record is of: `image`, `video` (in one piece), `piece` or `join` (of a video's pieces)."""
    if record.piece is not None:
        return "piece"
    return "join" if record.pieces is not None else record.kind


def _order(entry: tuple[float, str, int, Record]) -> tuple[float, str, int]:
    total, name, number, _ = entry
    return -total, name, number


def _name(known: Mapping[str, object], name: str) -> str:
    return name if name in known or len(known) < _MOST_NAMES else _REST
