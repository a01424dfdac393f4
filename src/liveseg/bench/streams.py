"""Whether this machine holds a number of streams at the same time, all through one model."""

from __future__ import annotations

import tempfile
import threading
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from liveseg.bench.cpu import CpuUse
from liveseg.bench.line import make_pipeline, open_segmenter, open_sink
from liveseg.bench.looped import LoopedClip
from liveseg.bench.memory import peak_bytes
from liveseg.media.frame import Selection
from liveseg.media.live.paced import Paced
from liveseg.media.video_source import VideoSource
from liveseg.runtimes.base import available_cores
from liveseg.streams import Started, Stream, run_streams
from liveseg.turns import Turns

if TYPE_CHECKING:
    from liveseg.bench.task import Task
    from liveseg.segmenter import Segmenter

RATE = Fraction(30)
"""Frames a second of each stream."""

MOST_DROPPED = 0.01
"""A number of streams is held when none of them leaves out a larger share of its frames than this."""

MOST_AGE_MS = 200.0
"""And when no stream's 95th percentile of the age is above this."""


def measure(task: Task) -> dict[str, Any]:
    """Run `streams` streams of the clip for some seconds: what was left out, how old the results were, and if it held.

    Raises:
        LivesegError: what one of the streams raised.
    """
    threads = task.combination.threads or available_cores()
    segmenter = open_segmenter(task.combination, parallel=min(threads, task.streams))
    _warm_up(segmenter, task)
    turns = Turns(segmenter.parallel)
    with tempfile.TemporaryDirectory(prefix="liveseg-bench-") as folder:
        streams = [_stream(number, Path(folder), task, segmenter, turns) for number in range(1, task.streams + 1)]
        with CpuUse() as cpu:
            run_streams(streams, stop=threading.Event())
    rows = [_row(stream, task) for stream in streams]
    dropped, age = max(row["dropped_share"] for row in rows), max(row["age_ms"]["p95"] for row in rows)
    return {
        "streams": task.streams,
        "held": dropped <= MOST_DROPPED and age <= MOST_AGE_MS,
        "frames_per_second": sum(row["frames_per_second"] for row in rows),
        "dropped_share": dropped,
        "age_ms": {"p50": max(row["age_ms"]["p50"] for row in rows), "p95": age},
        "each": rows,
        "peak_bytes": peak_bytes(),
        **cpu.to_json(),
    }


def _warm_up(segmenter: Segmenter, task: Task) -> None:
    with VideoSource(task.video, Selection(limit=max(task.warmup, 1))) as source:
        for _ in make_pipeline(segmenter).run(source):
            pass


def _stream(number: int, folder: Path, task: Task, segmenter: Segmenter, turns: Turns) -> Stream:
    def start() -> Started:
        clip = LoopedClip(task.video, rate=RATE, frames=_frames(task), threads=task.combination.threads)
        source = Paced(clip)
        sink = open_sink(folder / f"{number}.mp4", source.info, task)
        return Started(source, sink, make_pipeline(segmenter, turns=turns))

    return Stream(f"stream {number}", start)


def _frames(task: Task) -> int:
    """How many frames each stream has."""
    return max(round(task.seconds * RATE), 1)


def _row(stream: Stream, task: Task) -> dict[str, Any]:
    if stream.error is not None:
        raise stream.error
    outcome = stream.outcome
    if outcome is None or not outcome.frames:
        oldest = task.seconds * 1e3
        return {"frames": 0, "frames_per_second": 0.0, "dropped_share": 1.0, "age_ms": {"p50": oldest, "p95": oldest}}
    age = {f"p{percent}": outcome.age.percentile(percent) * 1e3 for percent in (50, 95)}
    share = 1 - outcome.frames / _frames(task)
    return {"frames": outcome.frames, "frames_per_second": outcome.rate, "dropped_share": share, "age_ms": age}
