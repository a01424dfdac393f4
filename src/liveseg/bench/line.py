"""A measurement of the whole line: decoding, segmenting, drawing and encoding, as `liveseg run` does it."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2

from liveseg.bench.combination import is_published
from liveseg.bench.cpu import CpuUse
from liveseg.bench.memory import peak_bytes
from liveseg.job import convert
from liveseg.media.frame import Selection
from liveseg.media.video_source import VideoSource
from liveseg.pipeline import Pipeline
from liveseg.preprocess import input_size
from liveseg.render.overlay import Painter
from liveseg.report import STAGES
from liveseg.segmenter import Segmenter, parallel_for_video
from liveseg.temporal import Smoother

if TYPE_CHECKING:
    from liveseg.bench.combination import Combination
    from liveseg.bench.task import Task
    from liveseg.media.frame import Sink, SourceInfo
    from liveseg.pipeline import Result
    from liveseg.turns import Turns

_CHECKPOINTS = (".pth", ".safetensors")


def open_segmenter(combination: Combination, *, parallel: int | None = None) -> Segmenter:
    """The segmenter of a combination, as `liveseg run` makes it for a video; or for so many frames at a time."""
    # An exported model says itself which network it is, and a name of the user's own says nothing.
    bare = combination.weights is None or Path(combination.weights).suffix.lower() in _CHECKPOINTS
    segmenter = Segmenter(
        combination.model if bare and is_published(combination.model) else None,
        weights=combination.weights,
        runtime=combination.runtime,
        device=combination.device,
        precision=combination.precision,
        threads=combination.threads,
        parallel=parallel or parallel_for_video(combination.threads),
        # However many at a time, these are frames of a video: `auto` takes the same runtime everywhere.
        live=True,
        size=combination.size,
    )
    cv2.setNumThreads(segmenter.threads_each)
    return segmenter


def make_pipeline(segmenter: Segmenter, *, turns: Turns | None = None) -> Pipeline:
    """A line that draws as `liveseg run` does by default; one of several where it takes `turns`."""
    painter = Painter(segmenter.labels)
    device_line = segmenter.device_line(painter.table())
    return Pipeline(
        segmenter,
        render=lambda found: painter.overlay(found.image, found.mask),
        workers=None if turns is None else 1,
        turns=turns,
        device_line=device_line,
        smooth=Smoother if device_line is None else None,
    )


def probe(task: Task) -> dict[str, Any]:
    """Load a combination and segment one frame: what really runs, or why it does not."""
    segmenter = open_segmenter(task.combination)
    with VideoSource(task.video, Selection(limit=1)) as source:
        frame = next(iter(source))
    segmenter(frame.image)
    height, width = frame.image.shape[:2]
    rows, columns = input_size(height, width, segmenter.size, segmenter.contract)
    return {
        "network": segmenter.model,
        "runtime": segmenter.runtime,
        "device": segmenter.device,
        "precision": segmenter.precision,
        "chosen": segmenter.chosen,
        "threads": segmenter.threads,
        "parallel": segmenter.parallel,
        "size": segmenter.size,
        "network_input": [columns, rows],
    }


def measure(task: Task) -> dict[str, Any]:
    """The whole line over the first frames of the video, once they have warmed it up.

    Raises:
        LivesegError: whatever a part of the line raised.
    """
    segmenter = open_segmenter(task.combination)
    first: list[float] = []

    def on_result(_result: Result) -> None:
        if not first:
            first.append(time.time())

    with tempfile.TemporaryDirectory(prefix="liveseg-bench-") as folder:
        for limit in filter(None, (task.warmup, task.frames)):
            pipeline = make_pipeline(segmenter)
            source = VideoSource(task.video, Selection(limit=limit), threads=task.combination.threads)
            sink = open_sink(Path(folder) / "result.mp4", source.info, task)
            with CpuUse() as cpu:
                outcome = convert(source, sink, pipeline, on_result=on_result)
    spent = pipeline.times.milliseconds()
    ordered = sorted(spent, key=lambda stage: STAGES.index(stage) if stage in STAGES else len(STAGES))
    return {
        "frames": outcome.frames,
        "seconds": outcome.seconds,
        "frames_per_second": outcome.rate,
        "latency_ms": {f"p{percent}": pipeline.latency.percentile(percent) * 1e3 for percent in (5, 50, 95)},
        "stages_ms": {stage: spent[stage] for stage in ordered},
        "thread_times": [
            {
                "thread": thread.name,
                "busy_seconds": thread.busy_seconds,
                "waiting_seconds": thread.waiting_seconds,
                "explained": thread.explained,
            }
            for thread in pipeline.threads
        ],
        "first_frame_seconds": first[0] - task.begun,
        "peak_bytes": peak_bytes(),
        **cpu.to_json(),
    }


def open_sink(path: Path, info: SourceInfo, task: Task) -> Sink | None:
    """What takes the frames: a video file, or where no encoding was asked for nothing."""
    if not task.encode:
        return None
    from liveseg.media.video_sink import VideoSink

    return VideoSink(path, info, threads=task.combination.threads, overwrite=True)
