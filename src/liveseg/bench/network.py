"""A measurement of the network alone: prepared inputs in, logits out, as many at a time as the line has in hand."""

from __future__ import annotations

import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from liveseg import preprocess
from liveseg.bench.cpu import CpuUse
from liveseg.bench.line import open_segmenter
from liveseg.bench.memory import peak_bytes
from liveseg.media.frame import Selection
from liveseg.media.video_source import VideoSource

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from liveseg.bench.task import Task
    from liveseg.segmenter import Segmenter

_INPUTS = 16
"""Different frames that the network gets in turn; more would only fill memory."""


def measure(task: Task) -> dict[str, Any]:
    """The network alone over `frames` inputs.

    Raises:
        LivesegError: what the video or the network raised.
    """
    segmenter = open_segmenter(task.combination)
    runtime = segmenter._runtime  # noqa: SLF001 - nothing but the network is to be timed
    inputs = prepared(task.video, min(task.frames, _INPUTS), segmenter)

    def once(image: NDArray[np.uint8]) -> float:
        started = time.perf_counter()
        runtime(image)
        return time.perf_counter() - started

    with ThreadPoolExecutor(segmenter.parallel) as pool:
        list(pool.map(once, itertools.islice(itertools.cycle(inputs), max(task.warmup, segmenter.parallel))))
        with CpuUse() as cpu:
            started = time.perf_counter()
            spent = list(pool.map(once, itertools.islice(itertools.cycle(inputs), task.frames)))
            seconds = time.perf_counter() - started
    return {
        "frames": len(spent),
        "seconds": seconds,
        "frames_per_second": len(spent) / seconds,
        "call_ms": {f"p{percent}": float(np.percentile(spent, percent)) * 1e3 for percent in (5, 50, 95)},
        "peak_bytes": peak_bytes(),
        **cpu.to_json(),
    }


def prepared(video: str, count: int, segmenter: Segmenter) -> list[NDArray[np.uint8]]:
    """The first frames of a video as the network takes them, each `(1, H, W, 3)` `uint8` RGB."""
    inputs = []
    with VideoSource(video, Selection(limit=count)) as source:
        for frame in source:
            height, width = frame.image.shape[:2]
            size = preprocess.input_size(height, width, segmenter.size, segmenter.contract)
            inputs.append(preprocess.resize(frame.image, *size)[None])
    return inputs
