"""How much the masks of a combination flicker, as they are and smoothed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from liveseg.bench.line import open_segmenter
from liveseg.evaluate import FlickerMeter
from liveseg.media.frame import Selection
from liveseg.media.video_source import VideoSource
from liveseg.temporal import Smoother

if TYPE_CHECKING:
    from liveseg.bench.task import Task


def measure(task: Task) -> dict[str, Any]:
    """The flicker score over the first frames of the video, from 0 to 1, without smoothing and with it.

    Raises:
        LivesegError: what the video or the network raised.
    """
    segmenter, smoother, meter = open_segmenter(task.combination, parallel=1), Smoother(), FlickerMeter(2)
    with VideoSource(task.video, Selection(limit=task.frames)) as source:
        for frame in source:
            inferred = segmenter.infer(frame.image)
            raw = segmenter.finish(inferred).mask
            meter.add(frame.image, raw, segmenter.finish(smoother(inferred, frame.timestamp)).mask)
    raw_score, smoothed = meter.scores
    return {
        "pairs": raw_score.pairs,
        "left_out": raw_score.left_out,
        "share": raw_score.share,
        "smoothed": smoothed.share,
    }
