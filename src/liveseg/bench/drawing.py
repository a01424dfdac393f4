"""What each way of drawing costs a frame."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from liveseg import postprocess
from liveseg.bench.line import open_segmenter
from liveseg.media.frame import Selection
from liveseg.media.video_source import VideoSource
from liveseg.render import Renderer, Style
from liveseg.render.background import Replacer
from liveseg.render.caption import captioned
from liveseg.render.matte import foreground_indices
from liveseg.settings.background import Blur, Color

if TYPE_CHECKING:
    from collections.abc import Callable

    from liveseg.bench.task import Task
    from liveseg.labels import LabelSet
    from liveseg.segmentation import Segmentation

    Work = Callable[[Segmentation], object]

PLAIN = "overlay"
"""What the others are compared with: colours over the picture, as `liveseg run` draws without options."""

SAMPLE = 50
"""Frames that are drawn, spread evenly over those that are measured."""

STYLES = {
    PLAIN: Style(),
    "--contours": Style(contours=True),
    "--labels": Style(names=True),
    "--legend": Style(legend=True),
    "--side-by-side": Style(side_by_side=True),
    "all of these": Style(contours=True, names=True, legend=True, side_by_side=True),
}
"""What is drawn by a renderer, by the options that ask for it."""


def measure(task: Task) -> dict[str, Any]:
    """Milliseconds a frame of each way of drawing, on one thread, the medians over some frames of the video.

    What an option adds to the overlay is the median of the differences on each frame. `--caption` and `--unknown` are
    measured alone, since they come on top of whatever is drawn; the backgrounds stand in the overlay's place.

    Raises:
        LivesegError: what the video or the network raised.
    """
    segmenter = open_segmenter(task.combination, parallel=1)
    jobs = _jobs(segmenter.labels)
    spent: dict[str, list[float]] = {name: [] for name in jobs}
    every = max(task.frames // SAMPLE, 1)
    with VideoSource(task.video, Selection(every=every, limit=SAMPLE)) as source:
        for number, frame in enumerate(source):
            if frame.index >= max(task.frames, 1):
                break
            found = segmenter.finish(segmenter.infer(frame.image), frame.timestamp)
            # The network has left nothing of the frame in the caches; the first to draw would pay for all.
            for work in jobs.values() if number == 0 else [jobs[PLAIN]]:
                work(found)
            # In turn on each frame, so that a slow moment of a shared machine hits all alike.
            for name, work in jobs.items():
                began = time.perf_counter()
                work(found)
                spent[name].append((time.perf_counter() - began) * 1e3)
    plain = np.array(spent[PLAIN])
    return {
        "frames": len(plain),
        "ms": {name: float(np.median(times)) for name, times in spent.items()},
        "added_ms": {name: float(np.median(np.array(spent[name]) - plain)) for name in STYLES if name != PLAIN},
    }


def _jobs(labels: LabelSet) -> dict[str, Work]:
    people = foreground_indices(labels)
    styles = STYLES | {
        "--background green": Style(background=Replacer(Color((0, 128, 0)), people)),
        "--background blur": Style(background=Replacer(Blur(), people)),
    }
    jobs: dict[str, Work] = {name: Renderer(labels, style) for name, style in styles.items()}
    return jobs | {"--caption": _caption, "--unknown 60%": _unknown}


def _caption(found: Segmentation) -> object:
    # Words that are new each time, as a rate and a time are.
    return captioned(found.image, f"30.0 fps · 0:{float(found.timestamp or 0):07.4f}")


def _unknown(found: Segmentation) -> object:
    if found.logits is None:
        raise ValueError("a network's result has logits")
    height, width = found.mask.shape
    below = postprocess.upsampled_below(found.logits, height, width, 0.6, align_corners=found.align_corners)
    mask = found.mask.copy()
    mask[below] = len(found.logits)
    return mask
