"""A worker's work: one video through the house's own line, with its products, and within its limits."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2

from liveseg.errors import MediaError
from liveseg.job import convert
from liveseg.media.untrusted import Untrusted
from liveseg.media.video_open import open_container, open_video
from liveseg.media.video_sink import VideoSink
from liveseg.media.video_source import VideoSource
from liveseg.pipeline import Pipeline
from liveseg.render import Renderer, Style
from liveseg.segmenter import Segmenter, parallel_for_video
from liveseg.server.videos.areas import AreaSeries
from liveseg.server.videos.outputs import OUTPUTS
from liveseg.server.videos.preview import Preview
from liveseg.server.videos.task import AREAS, UPLOAD
from liveseg.temporal import Smoother
from liveseg.timing import Rate

if TYPE_CHECKING:
    import numpy as np
    from av.container import InputContainer
    from av.video.stream import VideoStream
    from numpy.typing import NDArray

    from liveseg.job import Outcome
    from liveseg.maskfile.identity import Identity
    from liveseg.media.frame import Sink, SourceInfo
    from liveseg.pipeline import Result
    from liveseg.products.base import Product
    from liveseg.server.videos.task import Task
    from liveseg.server.videos.worker import Teller

_TELL_EVERY = 0.4
"""Seconds between two words about progress."""


def work(task: Task, tell: Teller) -> None:
    """Make what the task asks for; the last thing told is `done`.

    Raises:
        LivesegError: it cannot be made; the message may hold the task's folder.
        MemoryError: it takes more than it may.
    """
    segmenter = _segmenter(task, tell)
    _hold(task.memory, task.disk)
    trust = Untrusted(task.max_pixels)
    upload = Path(task.folder) / UPLOAD
    source, facts = _open(task, upload, trust)
    try:
        info = replace(source.info, name=task.name)
        labels = segmenter.labels
        classes = None if task.classes is None else labels.indices(task.classes)
        style = Style(alpha=task.alpha, contours=task.contours, classes=classes)
        renderer = Renderer(labels, style)
        tell("started", labels=labels.to_json(), **facts)
        products: list[Product] = [AreaSeries(Path(task.folder) / AREAS, len(labels))]
        result = Path(task.folder) / f"result{OUTPUTS[task.output].extension}"
        sink: Sink | None = None
        if task.output == "overlay":
            sink = VideoSink(result, info, audio_from=upload, threads=task.threads, overwrite=True, untrusted=trust)
        else:
            products.append(_product(task, result, info, segmenter, renderer))
    except BaseException:
        source.close()
        raise
    pipeline = _pipeline(task, segmenter, renderer, drawn=sink is not None)

    def picture(found: Result) -> NDArray[np.uint8]:
        return found.picture if sink is not None else renderer(found.segmentation)

    follow = Follow(task, info, Preview(Path(task.folder), picture), tell)
    outcome = convert(source, sink, pipeline, products=products, on_result=follow)
    follow.tell()
    tell("done", notes=[tell.words(note) for note in outcome.notes], **_made(task, result, outcome))


class Follow:
    """Told of each frame: holds the video to its length, and the service up to date."""

    def __init__(self, task: Task, info: SourceInfo, preview: Preview, tell: Teller) -> None:
        self._most = task.max_seconds
        self._info = info
        self._preview = preview
        self._tell = tell
        self._rate = Rate()
        self._first: float | None = None
        self._seconds = 0.0
        self._frames = 0
        self._recent = 0.0
        self._due = 0.0

    def __call__(self, result: Result) -> None:
        """Take a finished frame.

        Raises:
            MediaError: the video is longer than it said, and than is taken.
        """
        now = time.perf_counter()
        time_of_it = float(result.timestamp)
        self._first = time_of_it if self._first is None else self._first
        self._seconds = time_of_it - self._first
        _check_length(self._seconds, self._most)
        self._frames += 1
        self._recent = self._rate.tick(now)
        self._preview(result)
        if now >= self._due:
            self._due = now + _TELL_EVERY
            self.tell()

    def tell(self) -> None:
        """Say how far it has come."""
        expected, length = self._info.frame_count, self._info.duration
        share = None
        if expected:
            share = min(self._frames / expected, 1.0)
        elif length:
            share = min(self._seconds / float(length), 1.0)
        self._tell("progress", frames=self._frames, rate=self._recent, share=share)


def _segmenter(task: Task, tell: Teller) -> Segmenter:
    told = 0.0

    def progress(*_bytes: object) -> None:
        nonlocal told
        if time.monotonic() - told > 1.0:
            told = time.monotonic()
            tell("loading")

    segmenter = Segmenter(
        task.model,
        weights=task.weights,
        runtime=task.runtime,
        device=task.device,
        precision=task.precision,
        threads=task.threads,
        parallel=parallel_for_video(task.threads),
        live=True,
        size=task.size,
        palette=task.palette,
        progress=progress,
    )
    cv2.setNumThreads(segmenter.threads_each)
    return segmenter


def _open(task: Task, upload: Path, trust: Untrusted) -> tuple[VideoSource, dict[str, Any]]:
    facts: dict[str, Any] = {}

    def opener() -> tuple[InputContainer, VideoStream]:
        container, stream = open_video(upload, trust)
        facts["format"] = container.format.name.split(",")[0]
        facts["codec"] = stream.codec_context.codec.canonical_name
        facts["sound"] = bool(container.streams.audio)
        return container, stream

    source = VideoSource(upload, threads=task.threads, opener=opener)
    try:
        info = source.info
        # Once more: the shape of its pixels can make a small picture a very wide one.
        if info.width * info.height > task.max_pixels:
            raise MediaError(
                f"the video is shown at {info.width}x{info.height}, and at most {task.max_pixels} pixels are taken;"
                " scale it down"
            )
        if info.duration is not None:
            _check_length(float(info.duration), task.max_seconds)
    except BaseException:
        source.close()
        raise
    facts |= {
        "width": info.width,
        "height": info.height,
        "rate": None if info.rate is None else float(info.rate),
        "frames": info.frame_count,
        "seconds": None if info.duration is None else float(info.duration),
    }
    return source, facts


def _check_length(seconds: float, most: float) -> None:
    if seconds > most + 1.0:
        raise MediaError(f"the video is longer than the {most:g} s that are taken; send a part of it")


def _pipeline(task: Task, segmenter: Segmenter, renderer: Renderer, *, drawn: bool) -> Pipeline:
    table = renderer.table() if drawn and not task.smooth else None
    return Pipeline(
        segmenter,
        render=renderer if drawn else None,
        device_line=None if table is None else segmenter.device_line(table),
        smooth=Smoother if task.smooth else None,
    )


def _product(task: Task, path: Path, info: SourceInfo, segmenter: Segmenter, renderer: Renderer) -> Product:
    from liveseg.maskfile.identity import identity_of
    from liveseg.products.make import Making, make
    from liveseg.settings.save import Save

    def identity() -> Identity:
        return replace(identity_of(Path(task.folder) / UPLOAD), name=task.name)

    making = Making(
        labels=segmenter.labels,
        info=info,
        file_name=task.name,
        identity=identity,
        ran={
            "model": segmenter.model,
            "size": segmenter.size,
            "runtime": segmenter.runtime,
            "precision": segmenter.precision,
        },
        color=lambda found: renderer.color(found.mask),
        cutout=lambda found: found.cutout(task.classes),
        threads=task.threads,
        overwrite=True,
    )
    return make(Save(task.output, OUTPUTS[task.output].format), path, making)


def _made(task: Task, path: Path, outcome: Outcome) -> dict[str, Any]:
    facts: dict[str, Any] = {"frames": outcome.frames}
    if OUTPUTS[task.output].video:
        with open_container(path) as made:
            shown = made.streams.video[0]
            facts |= {"width": shown.width, "height": shown.height, "sound": bool(made.streams.audio)}
            facts["seconds"] = None if made.duration is None else made.duration / 1e6
    return facts


def _hold(memory: int, disk: int) -> None:
    """Hold this process to so many bytes of memory more than it has (on Linux), and of each file (but on Windows)."""
    if sys.platform == "win32":
        return
    import resource

    def limit(what: int, most: int) -> None:
        _, hard = resource.getrlimit(what)
        resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))

    # Python has the system's signal for it ignored: writing fails, and says why.
    limit(resource.RLIMIT_FSIZE, disk)
    limit(resource.RLIMIT_CORE, 0)
    if sys.platform == "linux":
        # Of all that a process maps, what it may write to: files and code do not count, and the model is there by now.
        has = int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()
        limit(resource.RLIMIT_DATA, has + memory)
