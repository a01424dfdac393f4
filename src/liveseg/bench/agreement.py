"""How many pixels get the class that eager PyTorch in float32 gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from liveseg.bench.line import open_segmenter
from liveseg.media.frame import Selection
from liveseg.media.video_source import VideoSource

if TYPE_CHECKING:
    from liveseg.bench.task import Task

SAMPLE = 16
"""Frames that are compared, spread evenly over those that are measured."""


def measure(task: Task) -> dict[str, Any]:
    """The share of pixels on which a combination and its reference agree, on some frames; and what really ran.

    Raises:
        LivesegError: what the video or one of the networks raised.
    """
    if task.reference is None:
        raise ValueError("a comparison needs a reference")
    ours, reference = open_segmenter(task.combination, parallel=1), open_segmenter(task.reference, parallel=1)
    shares: list[float] = []
    classes: set[int] = set()
    pixels = equal = 0
    with VideoSource(task.video, Selection(every=max(task.frames // SAMPLE, 1), limit=SAMPLE)) as source:
        for frame in source:
            if frame.index >= task.frames:
                break
            wanted = reference.segment(frame.image).mask
            same = ours.segment(frame.image).mask == wanted
            classes.update(np.unique(wanted).tolist())
            pixels += same.size
            equal += int(same.sum())
            shares.append(float(same.mean()))
    return {
        "runtime": ours.runtime,
        "device": ours.device,
        "precision": ours.precision,
        "frames": len(shares),
        "pixels": pixels,
        "share": equal / pixels,
        "worst_frame": min(shares),
        # Masks of one class agree whatever the arithmetic.
        "classes": [ours.labels.names[index] for index in sorted(classes)],
    }
