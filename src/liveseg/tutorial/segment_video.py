"""The program `segment_video.py`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from liveseg.tutorial import program

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from liveseg.job import Outcome
    from liveseg.pipeline import Result

_GREEN = (0, 255, 0)


def main(given: Sequence[str] | None = None) -> int:
    """Segment a video into `outputs/<stem>_<model>.mp4`, showing it meanwhile, and print the average frame rate."""
    return program.run(_work, program.arguments("a video", given))


def draw_rate(picture: NDArray[np.uint8], rate: float) -> NDArray[np.uint8]:
    """The picture with the frame rate at (20, 35) in green, as `12.345 FPS`."""
    own = np.ascontiguousarray(picture).copy()
    cv2.putText(own, f"{rate:.3f} FPS", (20, 35), cv2.FONT_HERSHEY_SIMPLEX, 1, _GREEN, 2)
    return own


def _with_rate(picture: NDArray[np.uint8], _result: Result, outcome: Outcome) -> NDArray[np.uint8]:
    return draw_rate(picture, outcome.recent_rate)


def _work(options: argparse.Namespace) -> None:
    from liveseg.job import convert, stop_on_signals
    from liveseg.media.video_sink import VideoSink
    from liveseg.media.video_source import VideoSource
    from liveseg.pipeline import Pipeline
    from liveseg.segmenter import parallel_for_video
    from liveseg.viewer import Viewer

    source = VideoSource(Path(options.input))
    segmenter = program.load(options, parallel=parallel_for_video(None))
    pipeline = Pipeline(segmenter, render=program.picture)
    target = program.output_path(options, ".mp4")
    with program.window("image") as screen, stop_on_signals() as stop:
        sink = VideoSink(target, source.info, audio_from=Path(options.input), overwrite=True)
        viewer = None if screen is None else Viewer(screen, segmenter.labels)
        outcome = convert(source, sink, pipeline, screen=viewer, decorate=_with_rate, stop=stop)
    for note in outcome.notes:
        program.say(f"Note: {note}")
    program.say(f"Result: {target}")
    program.say(f"Average FPS: {outcome.rate:.3f}")
    if outcome.ended_by == "signal":
        raise KeyboardInterrupt
