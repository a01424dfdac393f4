"""Measures this machine in a few seconds: what each network costs here, and what the rest of the line costs."""

from __future__ import annotations

import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING

from liveseg.media.frame import Frame, SourceInfo
from liveseg.preprocess import input_size
from liveseg.render.overlay import Painter
from liveseg.segmenter import Segmenter
from liveseg.tuning.choose import size_to_ask
from liveseg.tuning.cost import NOTHING, Cost, EngineCost, LineCost, Sample
from liveseg.tuning.scene import areas, scene

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liveseg.labels import LabelSet
    from liveseg.preprocess import Size
    from liveseg.runtimes.base import Runtime
    from liveseg.tuning.scene import Pixels

_RATE = Fraction(25)
_FRAMES = 48
"""The most frames of anything: more would not make the figures better."""

_LEAST_FRAMES = 10
"""The fewest frames that are encoded and decoded."""

_WARM_UP = 6
"""So many of them do not count: codecs take some frames in before they give one out."""

_LEAST_CALLS = 4
"""The fewest calls of a network by each worker."""

_LEAST_CORES = 1e-6


@dataclass(frozen=True)
class Encode:
    """How results are written; as `VideoSink` takes it."""

    codec: str | None = None
    crf: float | None = None
    preset: str | None = None


class _Meter:
    """Wall and processor time since it was made."""

    def __init__(self) -> None:
        self._wall, self._cores = time.perf_counter(), time.process_time()

    def cost(self, frames: int) -> Cost:
        """A frame's share of what has passed."""
        return Cost((time.perf_counter() - self._wall) / frames, max(time.process_time() - self._cores, 0.0) / frames)


def measure_line(
    frame: tuple[int, int], labels: LabelSet, *, encode: Encode | None, threads: int | None, seconds: float
) -> LineCost:
    """What decoding, drawing and encoding cost: a short clip of a made-up scene is written and read again.

    Args:
        frame: width and height of the source, in pixels.
        labels: the classes to draw.
        encode: how results are written; `None` where they are not, so that encoding costs nothing.
        threads: as the user limits them.
        seconds: how long this takes at most, but for the fewest frames that say something.
    """
    width, height = frame
    frames = scene(width, height)
    with tempfile.TemporaryDirectory(prefix="liveseg-") as folder:
        clip = Path(folder) / "clip.mp4"
        # The clip is needed for decoding, even where results are not written.
        encoded = _encode(clip, frames, encode or Encode(), threads, seconds * 0.6)
        decoded = _decode(clip, threads, seconds * 0.2)
    return LineCost(decoded, _render(frames, labels, seconds * 0.2), NOTHING if encode is None else encoded)


def _encode(path: Path, pictures: Sequence[Pixels], encode: Encode, threads: int | None, seconds: float) -> Cost:
    from liveseg.media.video_sink import VideoSink

    height, width = pictures[0].shape[:2]
    info = SourceInfo("the measurement", "video", width, height, _RATE, 1 / _RATE)
    ends = time.perf_counter() + seconds
    # Back and forth, so that the camera's movement never jumps.
    moving = islice(cycle((*pictures, *pictures[-2:0:-1])), _FRAMES)
    with VideoSink(path, info, codec=encode.codec, crf=encode.crf, preset=encode.preset, threads=threads) as sink:
        meter, index = _Meter(), 0
        for index, picture in enumerate(moving):
            if index == _WARM_UP:
                meter = _Meter()
            sink.write(Frame(picture, index, index, 1 / _RATE))
            if index >= _LEAST_FRAMES and time.perf_counter() > ends:
                break
        return meter.cost(index + 1 - _WARM_UP)


def _decode(path: Path, threads: int | None, seconds: float) -> Cost:
    from liveseg.media.video_source import VideoSource

    ends = time.perf_counter() + seconds
    with VideoSource(path, threads=threads) as source:
        meter, index = _Meter(), 0
        for index, _ in enumerate(source):
            if index == _WARM_UP:
                meter = _Meter()
            if index >= _LEAST_FRAMES and time.perf_counter() > ends:
                break
        return meter.cost(index - _WARM_UP)


def _render(frames: Sequence[Pixels], labels: LabelSet, seconds: float) -> Cost:
    height, width = frames[0].shape[:2]
    painter, mask = Painter(labels), areas(width, height, len(labels))
    ends = time.perf_counter() + seconds
    painter.overlay(frames[0], mask)
    meter, count = _Meter(), 0
    while count < _LEAST_CALLS or (count < _FRAMES and time.perf_counter() < ends):
        painter.overlay(frames[count % len(frames)], mask)
        count += 1
    return meter.cost(count)


def measure_engine(
    runtime: Runtime, frames: Sequence[Pixels], sizes: Sequence[Size], *, parallel: int, seconds: float
) -> EngineCost:
    """What a network costs at some sizes of its input, resizing and mask included.

    As many pictures are segmented side by side as in the line, since they take caches and memory from each other.

    Args:
        runtime: the network.
        frames: pictures of the source's size, `(H, W, 3)` `uint8`.
        sizes: shorter sides of the input by rising cost; those that time does not suffice for are left out, the
            first never.
        parallel: how many pictures at the same time.
        seconds: how long this takes about.

    Raises:
        LivesegError: the network fails.
    """
    began = time.perf_counter()
    samples: list[Sample] = []
    for number, size in enumerate(sizes):
        left = began + seconds - time.perf_counter()
        asked = size_to_ask(runtime.contract, size)
        segmenter = Segmenter.from_runtime(runtime, size=asked, parallel=parallel)
        height, width = frames[0].shape[:2]
        fed = input_size(height, width, size, runtime.contract)
        pixels = fed[0] * fed[1]
        if samples:
            last = samples[-1]
            expected = last.wall * pixels / last.pixels * (_LEAST_CALLS + 1)
            if expected > left:
                break
        cost = _segment(segmenter, frames, parallel, left / (len(sizes) - number))
        # Clocks of processor time are coarse on some systems, and nothing is for nothing.
        samples.append(Sample(min(fed), pixels, cost.wall, max(cost.cores, _LEAST_CORES)))
    return EngineCost(runtime.name, runtime.precision, runtime.device, runtime.contract, tuple(samples))


def _segment(segmenter: Segmenter, frames: Sequence[Pixels], parallel: int, seconds: float) -> Cost:
    """The median wall time of a picture and its share of the processor time, with `parallel` of them side by side."""
    ends = time.perf_counter() + seconds
    segmenter.segment(frames[0])  # a runtime may compile for the size of its first input
    calls: list[float] = []

    def work() -> None:
        own = 0
        while own < _LEAST_CALLS or (own < _FRAMES and time.perf_counter() < ends):
            started = time.perf_counter()
            segmenter.segment(frames[own % len(frames)])
            calls.append(time.perf_counter() - started)
            own += 1

    meter = _Meter()
    with ThreadPoolExecutor(parallel, thread_name_prefix="liveseg-measure") as pool:
        for future in [pool.submit(work) for _ in range(parallel)]:
            future.result()
    return Cost(statistics.median(calls), meter.cost(len(calls)).cores)
