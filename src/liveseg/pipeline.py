"""The line from a source to whoever takes its results: decoding, segmenting and rendering overlap, bounded.

A reader thread takes frames from the source and hands them to a few workers, each of which takes a whole frame through
preprocess, network, postprocess and render; the results are taken in order by the caller, whose own thread encodes or
shows them. A frame enters only when a place is free, and leaves its place when the caller comes back for the next one:
memory does not grow with the video. A live source is asked for its newest frame only when a worker has nothing to do:
a slow network or a slow caller makes it leave frames out instead of making them wait. An exception anywhere ends
everything and reaches the caller with its traceback.
"""

from __future__ import annotations

import copy
import queue
import threading
import time
from concurrent.futures import Future
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from liveseg.segmentation import Segmentation
from liveseg.timing import Samples, StageTimes, ThreadTime
from liveseg.turns import InOrder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from fractions import Fraction

    from numpy.typing import NDArray

    from liveseg.media.frame import Frame, Source
    from liveseg.runtimes.line import Line
    from liveseg.segmenter import Inferred, Segmenter
    from liveseg.turns import Turns

    Render = Callable[[Segmentation], NDArray[np.uint8]]
    Prepare = Callable[[Segmentation], Any]
    Smooth = Callable[[Inferred, Fraction], Inferred]

_PATIENCE = 0.05
"""Seconds between looks at whether the line was stopped, for a thread that waits."""


@dataclass(frozen=True, eq=False)
class Result:
    """One frame that went through the line.

    Args:
        frame: as it came from the source.
        segmentation: what the network found in it; nothing but class 0 in a placeholder, which the network never sees.
        picture: what the render function made of that, `(H, W, 3)` `uint8` RGB; the frame's own image without one.
        started: when the frame left the source, in seconds of `time.perf_counter`.
        prepared: what each function of `Pipeline.run`'s `prepare` made of the segmentation.
        delivered: when the caller got it, in seconds of `time.monotonic`.
    """

    frame: Frame
    segmentation: Segmentation
    picture: NDArray[np.uint8]
    started: float
    prepared: tuple[Any, ...] = ()
    delivered: float = 0.0

    @property
    def frame_index(self) -> int:
        """The frame's number in its source, from 0."""
        return self.frame.index

    @property
    def timestamp(self) -> Fraction:
        """The frame's presentation time in seconds, exact."""
        return self.frame.timestamp

    @property
    def age_ms(self) -> float | None:
        """Milliseconds from the arrival of the frame's first packet to its delivery; `None` where it was not live."""
        return None if self.frame.arrived is None else (self.delivered - self.frame.arrived) * 1e3

    @property
    def dropped_before(self) -> int:
        """How many frames were left out between the last result and this one."""
        return self.frame.dropped_before


@dataclass(frozen=True, eq=False)
class Job:
    """A frame on its way: the how manieth of its line, its time (a picture has none), and where its result will be."""

    number: int
    frame: Frame
    timestamp: Fraction | None
    started: float
    done: Future[Result]


class Pipeline:
    """Sources through one segmenter, one after the other; stage times and latencies add up over them.

    Args:
        segmenter: what segments the frames.
        render: makes the picture of each result; run beside the segmenting, so it must not keep state.
        untouched: brings a placeholder's picture, which is not rendered, to the size of those that are.
        workers: frames in hand at the same time; by default as many as the segmenter takes in parallel.
        turns: where several lines share the segmenter, how they take turns at it.
        beside: a line that runs at the same time; their times are counted together.
        device_line: does the work of segmenter and render for a batch of frames; used for files, whose next frames can
            be waited for.
        smooth: makes, for each run, what takes the network's output and the time of each frame, in their order, and
            gives what is to be made a mask of; it may keep state. Images and placeholders are not smoothed, and
            what is smoothed does not go through a device line.
    """

    def __init__(
        self,
        segmenter: Segmenter,
        *,
        render: Render | None = None,
        untouched: Callable[[NDArray[np.uint8]], NDArray[np.uint8]] | None = None,
        workers: int | None = None,
        turns: Turns | None = None,
        beside: Pipeline | None = None,
        device_line: Line | None = None,
        smooth: Callable[[], Smooth] | None = None,
    ) -> None:
        self.segmenter = segmenter
        self.times: StageTimes = beside.times if beside is not None else StageTimes()
        self.latency: Samples = beside.latency if beside is not None else Samples()
        self.threads: list[ThreadTime] = []
        """What each thread of the last run did with its time: the reader, the workers, the caller."""
        self._render = render
        self._untouched = untouched
        self._workers = workers or segmenter.parallel
        self._turns = turns
        self.device_line = device_line
        self.smooth = smooth

    def run(
        self, source: Source, *, stop: threading.Event | None = None, prepare: Sequence[Prepare] = ()
    ) -> Iterator[Result]:
        """Every frame of a source, segmented, in order; of a live source those that there is time for.

        Args:
            source: read in a thread of its own; not closed.
            stop: once set, no further frame is read; those already read still come out.
            prepare: called with each segmentation, but those of placeholders, beside the segmenting; like the render
                function they must not keep state.

        Raises:
            LivesegError: whatever the source, the network or these functions raised.
        """
        line = _Line(self, source, stop or threading.Event(), prepare)
        self.threads = line.accounts
        caller = line.caller
        try:
            while (coming := line.next()) is not None:
                with caller.waiting():
                    result = coming.result()
                result = replace(result, delivered=time.monotonic())
                taken = time.perf_counter()
                yield result
                caller.add_busy(time.perf_counter() - taken)
                self.latency.add(time.perf_counter() - result.started)
                line.places.release()
        finally:
            line.close()

    def work(self, job: Job, prepare: Sequence[Prepare], smooth: Callable[[Job, Inferred], Inferred]) -> Result:
        """Take one frame through preprocess, network, postprocess and render, in the calling thread."""
        return self.complete(job, smooth(job, self.infer(job)), prepare)

    def infer(self, job: Job) -> Inferred:
        """The first half of `work`, up to the network's output."""
        if job.frame.dropped_before:
            self.segmenter.dropped(job.frame.dropped_before)
        with nullcontext() if self._turns is None else self._turns.turn():
            return self.segmenter.infer_frame(job.frame)

    def complete(self, job: Job, inferred: Inferred, prepare: Sequence[Prepare]) -> Result:
        """The second half of `work`: from the network's output to what is saved; it may run beside the first."""
        frame = job.frame
        segmentation = self.segmenter.finish(inferred, job.timestamp)
        for stage, milliseconds in segmentation.speed.items():
            self.times.add(stage, milliseconds / 1e3)
        picture = frame.image
        if self._render is not None:
            with self.times.measure("render"):
                picture = self._render(segmentation)
        return Result(frame, segmentation, picture, job.started, self._prepared(segmentation, prepare))

    def work_on_device(self, line: Line, jobs: Sequence[Job], prepare: Sequence[Prepare]) -> Iterator[Result]:
        """Take a batch of frames of one shape through the whole line on the device."""
        with self.times.measure("device"):
            found = line(np.stack([job.frame.image for job in jobs]))
        labels, align_corners = self.segmenter.labels, self.segmenter.contract.align_corners
        for job, own in zip(jobs, found, strict=True):
            frame = job.frame
            segmentation = Segmentation(
                frame.image, own.mask, labels, own.logits, align_corners, timestamp=job.timestamp
            )
            yield Result(frame, segmentation, own.picture, job.started, self._prepared(segmentation, prepare))

    def pass_by(self, job: Job) -> Result:
        """Take a placeholder along: nothing is looked for in it."""
        frame = job.frame
        picture = frame.image if self._untouched is None else self._untouched(frame.image)
        return Result(frame, _nothing(job, self.segmenter), picture, job.started)

    def _prepared(self, segmentation: Segmentation, prepare: Sequence[Prepare]) -> tuple[Any, ...]:
        if not prepare:
            return ()
        with self.times.measure("prepare"):
            return tuple(make(segmentation) for make in prepare)

    def apart(self) -> Pipeline:
        """The same line with times of its own, for a source that is accounted for by itself."""
        other = copy.copy(self)
        other.times, other.latency, other.threads = StageTimes(), Samples(), []
        return other

    @property
    def workers(self) -> int:
        """How many frames are segmented at the same time."""
        return self._workers


class _Line:
    """The threads of one run over one source, and the queues between them."""

    def __init__(self, pipeline: Pipeline, source: Source, stop: threading.Event, prepare: Sequence[Prepare]) -> None:
        self._pipeline = pipeline
        self._prepare = prepare
        self._source = source
        self._stop = stop
        self._ended = threading.Event()
        info = source.info
        smooth = pipeline.smooth if info.kind == "video" else None
        self._smooth = None if smooth is None else smooth()
        self._in_order = InOrder()
        tiled = pipeline.device_line is not None and pipeline.segmenter.cuts(info.width, info.height)
        self._line = None if info.live or tiled or smooth is not None else pipeline.device_line
        self._batch = 1 if self._line is None else self._line.batch(info.height, info.width)
        # A file may be read ahead; of a live source a frame read ahead is a frame grown old.
        spare = 1 if info.live else pipeline.workers + 1
        self.places = threading.Semaphore((pipeline.workers + spare) * self._batch)
        self._hands = threading.Semaphore(pipeline.workers) if info.live else None
        self._order: queue.SimpleQueue[Future[Result] | None] = queue.SimpleQueue()
        self._work: queue.SimpleQueue[list[Job] | None] = queue.SimpleQueue()
        self.caller = ThreadTime("caller")
        reader = ThreadTime("reader")
        workers = [ThreadTime(f"worker {number}") for number in range(1, pipeline.workers + 1)]
        self.accounts = [reader, *workers, self.caller]
        self._threads = [threading.Thread(target=self._read, args=(reader,), name="liveseg-read", daemon=True)]
        for account in workers:
            name = f"liveseg-{account.name.replace(' ', '-')}"
            self._threads.append(threading.Thread(target=self._segment, args=(account,), name=name, daemon=True))
        for thread in self._threads:
            thread.start()

    def next(self) -> Future[Result] | None:
        """The next frame's result, there or on its way; `None` at the end."""
        with self.caller.waiting():
            while True:
                try:
                    return self._order.get(timeout=_PATIENCE)
                except queue.Empty:
                    if self._stop.is_set():
                        self._source.end()

    def close(self) -> None:
        """End all threads, whatever they are at."""
        self._ended.set()
        self._source.end()
        self._in_order.open()
        for thread in self._threads:
            thread.join()
        self.caller.finish()

    def _read(self, account: ThreadTime) -> None:
        pipeline, live = self._pipeline, self._source.info.live
        group: list[Job] = []
        count = 0
        try:
            frames = iter(self._source)
            while self._has_place(account):
                began = time.perf_counter()
                # A live source is waited for, a file is worked on.
                with account.waiting() if live else account.busy():
                    frame = next(frames, None)
                if frame is None:
                    break
                now = time.perf_counter()
                if not live:
                    pipeline.times.add("decode", now - began)
                timestamp = None if self._source.info.kind == "image" else frame.timestamp
                job = Job(count, frame, timestamp, now, Future())
                count += 1
                self._order.put(job.done)
                # Frames of different shapes share no batch: padding would change their masks.
                if group and group[0].frame.image.shape != frame.image.shape:
                    self._work.put(group)
                    group = []
                group.append(job)
                if len(group) == self._batch:
                    self._work.put(group)
                    group = []
        except BaseException as error:  # noqa: BLE001 - carried over to the caller's thread, whatever it is
            failed: Future[Result] = Future()
            failed.set_exception(error)
            self._order.put(failed)
        if group:
            self._work.put(group)
        self._order.put(None)
        for _ in range(pipeline.workers):
            self._work.put(None)
        account.finish()

    def _has_place(self, account: ThreadTime) -> bool:
        with account.waiting():
            return self._gets(self.places) and (self._hands is None or self._gets(self._hands))

    def _gets(self, semaphore: threading.Semaphore) -> bool:
        while not (self._ended.is_set() or self._stop.is_set()):
            if semaphore.acquire(timeout=_PATIENCE):
                return True
        return False

    def _segment(self, account: ThreadTime) -> None:
        while True:
            with account.waiting():
                jobs = self._work.get()
            if jobs is None:
                break
            if self._ended.is_set():
                continue
            with account.busy():
                self._take_through(jobs)
            if self._hands is not None:
                self._hands.release()
        account.finish()

    def _take_through(self, jobs: list[Job]) -> None:
        try:
            if self._line is None:
                for job in jobs:
                    job.done.set_result(self._one(job))
                return
            results = self._pipeline.work_on_device(self._line, jobs, self._prepare)
            for job, result in zip(jobs, results, strict=True):
                job.done.set_result(result)
        except BaseException as error:  # noqa: BLE001 - carried over to the caller's thread, whatever it is
            for job in jobs:
                if not job.done.done():
                    job.done.set_exception(error)

    def _one(self, job: Job) -> Result:
        pipeline = self._pipeline
        try:
            if job.frame.placeholder:
                return pipeline.pass_by(job)
            return pipeline.work(job, self._prepare, self._smoothed)
        finally:
            if self._smooth is not None:
                # One that failed, or had nothing to be smoothed, must not be waited for.
                with self._in_order.turn(job.number):
                    pass

    def _smoothed(self, job: Job, inferred: Inferred) -> Inferred:
        if self._smooth is None:
            return inferred
        with self._in_order.turn(job.number) as holds:
            if not holds:
                return inferred
            with self._pipeline.times.measure("smooth"):
                return self._smooth(inferred, job.frame.timestamp)


def _nothing(job: Job, segmenter: Segmenter) -> Segmentation:
    """A segmentation in which nothing was looked for."""
    image = job.frame.image
    mask = np.zeros(image.shape[:2], np.uint8)
    logits = np.zeros((len(segmenter.contract.labels), 1, 1), np.float32)
    return Segmentation(image, mask, segmenter.labels, logits, timestamp=job.timestamp)
