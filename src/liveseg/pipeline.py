"""The line from a source to whoever takes its results: decoding, segmenting and rendering overlap, bounded.

A reader thread decodes and hands each frame to a small pool; the results are taken in order by the caller, whose own
thread encodes or shows them. A queue of a few places stands between, so memory does not grow with the video, and an
exception anywhere ends everything and reaches the caller with its traceback.
"""

from __future__ import annotations

import queue
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from liveseg.timing import Samples, StageTimes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from fractions import Fraction

    import numpy as np
    from numpy.typing import NDArray

    from liveseg.media.frame import Frame, Source
    from liveseg.segmentation import Segmentation
    from liveseg.segmenter import Segmenter

    Render = Callable[[Segmentation], NDArray[np.uint8]]

_PATIENCE = 0.05
"""Seconds between looks at whether the line was stopped, for a thread that waits at a full queue."""


@dataclass(frozen=True, eq=False)
class Result:
    """One frame that went through the line.

    Args:
        frame: as it came from the source.
        segmentation: what the network found in it.
        picture: what the render function made of that, `(H, W, 3)` `uint8` RGB; the frame's own image without one.
        started: when the frame left the decoder, in seconds of `time.perf_counter`.
    """

    frame: Frame
    segmentation: Segmentation
    picture: NDArray[np.uint8]
    started: float

    @property
    def index(self) -> int:
        """The frame's number in its source, from 0."""
        return self.frame.index

    @property
    def timestamp(self) -> Fraction:
        """The frame's presentation time in seconds, exact."""
        return self.frame.timestamp


class Pipeline:
    """Sources through one segmenter, one after the other; stage times and latencies add up over them.

    Args:
        segmenter: what segments the frames.
        render: makes the picture of each result; run beside the segmenting, so it must not keep state.
        workers: frames in hand at the same time; by default as many as the segmenter takes in parallel.
    """

    def __init__(self, segmenter: Segmenter, *, render: Render | None = None, workers: int | None = None) -> None:
        self.segmenter = segmenter
        self.times = StageTimes()
        self.latency = Samples()
        self._render = render
        self._workers = workers or segmenter.parallel

    def run(self, source: Source, *, stop: threading.Event | None = None) -> Iterator[Result]:
        """Every frame of a source, segmented, in order.

        Args:
            source: read in a thread of its own; not closed.
            stop: once set, no further frame is read; those already read still come out.

        Raises:
            LivesegError: whatever the source, the network or the render function raised.
        """
        ended = threading.Event()
        results: queue.Queue[Future[Result] | None] = queue.Queue(maxsize=self._workers)
        pool = ThreadPoolExecutor(self._workers, thread_name_prefix="liveseg-segment")
        reader = threading.Thread(
            target=self._read, args=(source, pool, results, ended, stop), name="liveseg-decode", daemon=True
        )
        reader.start()
        try:
            while (future := results.get()) is not None:
                result = future.result()
                yield result
                self.latency.add(time.perf_counter() - result.started)
        finally:
            ended.set()
            reader.join()
            pool.shutdown(wait=True, cancel_futures=True)

    def _read(
        self,
        source: Source,
        pool: ThreadPoolExecutor,
        results: queue.Queue[Future[Result] | None],
        ended: threading.Event,
        stop: threading.Event | None,
    ) -> None:
        def hand_over(item: Future[Result] | None) -> None:
            while not ended.is_set():
                try:
                    results.put(item, timeout=_PATIENCE)
                except queue.Full:
                    continue
                return

        try:
            frames = iter(source)
            while not ended.is_set() and not (stop is not None and stop.is_set()):
                started = time.perf_counter()
                frame = next(frames, None)
                if frame is None:
                    break
                self.times.add("decode", time.perf_counter() - started)
                hand_over(pool.submit(self._work, frame, time.perf_counter()))
        except BaseException as error:  # noqa: BLE001 - carried over to the caller's thread, whatever it is
            failed: Future[Result] = Future()
            failed.set_exception(error)
            hand_over(failed)
        hand_over(None)

    def _work(self, frame: Frame, started: float) -> Result:
        segmentation = self.segmenter.segment(frame.image)
        for stage, milliseconds in segmentation.speed.items():
            self.times.add(stage, milliseconds / 1e3)
        picture = frame.image
        if self._render is not None:
            with self.times.measure("render"):
                picture = self._render(segmentation)
        return Result(frame, segmentation, picture, started)
