"""A live source through the whole line into files of a minute, for so long; tells what became of memory and age.

    live_line.py ADDRESS FOLDER SECONDS WARM

A program, so that its memory is the line's own. What counts as memory's and threads' beginning is their state after
`WARM` seconds. It prints one line of JSON.
"""

from __future__ import annotations

import json
import statistics
import sys
import threading
import time
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import psutil

from liveseg import Segmenter
from liveseg.job import convert
from liveseg.media.address import parse_address
from liveseg.media.live.open import open_live
from liveseg.media.live.options import LiveOptions
from liveseg.media.segment_sink import SegmentSink
from liveseg.media.video_sink import VideoSink
from liveseg.pipeline import Pipeline
from liveseg.render.overlay import Painter

MIB = 2**20


class Witness:
    """Takes down the age of each frame and, once in a while, memory and threads."""

    def __init__(self, seconds: float, warm: float) -> None:
        self._process = psutil.Process()
        self._began = time.monotonic()
        self._warm = warm
        self._step = max(seconds / 400, 0.5)
        self._due = warm
        self.count = 0
        # Filled now, or its pages would come to be one by one and count as growth.
        self._ages = np.full((round(seconds * 60) + 1000, 2), -1.0)
        self.memory: list[int] = []
        self.threads: list[int] = []

    def __call__(self, result) -> None:
        """Take down one result."""
        now = time.monotonic() - self._began
        if result.age_ms is not None and self.count < len(self._ages):
            self._ages[self.count] = now, result.age_ms
            self.count += 1
        if now >= self._due:
            self._due = now + self._step
            self.memory.append(self._process.memory_info().rss)
            self.threads.append(self._process.num_threads())

    def ages(self) -> dict[str, float]:
        """Medians of the first and the last quarter of the time after the warm-up, and percentiles of all."""
        times, ages = self._ages[: self.count].T
        begin, end = self._warm, times[-1]
        quarter = (end - begin) / 4
        return {
            "first_quarter": float(np.median(ages[(times >= begin) & (times < begin + quarter)])),
            "last_quarter": float(np.median(ages[times >= end - quarter])),
            "p50": float(np.percentile(ages, 50)),
            "p95": float(np.percentile(ages, 95)),
        }


def main(address: str, folder: str, seconds: str, warm: str) -> None:
    """Run it, and print what was seen."""
    segmenter = Segmenter("lite", size=256, live=True)
    cv2.setNumThreads(segmenter.threads_each)
    painter = Painter(segmenter.labels)
    pipeline = Pipeline(segmenter, render=lambda found: painter.overlay(found.image, found.mask, 0.6))

    def run(name: str, length: float, on_result):
        """A line from the source to files, for so long."""
        stop = threading.Event()
        source = open_live(parse_address(address), options=LiveOptions())
        sink = SegmentSink(Path(folder) / name, Fraction(60), lambda path, _: VideoSink(path, source.info))
        timer = threading.Timer(length, stop.set)
        timer.start()
        outcome = convert(source, sink, pipeline, on_result=on_result, stop=stop)
        timer.join()
        return outcome

    # What is made at first use and stays, such as pools of threads, is no leftover.
    run("first.mp4", 5, None)
    before = psutil.Process().num_threads()
    witness = Witness(float(seconds), float(warm))
    outcome = run("soak.mp4", float(seconds), witness)
    memory = witness.memory
    record = {
        "seconds": outcome.seconds,
        "frames": outcome.frames,
        "frames_per_second": outcome.rate,
        "dropped": outcome.dropped,
        "placeholders": outcome.placeholders,
        "ended_by": outcome.ended_by,
        "age_ms": witness.ages(),
        "memory_mib": {
            "at_warm": statistics.median(memory[:5]) / MIB,
            "least": min(memory) / MIB,
            "most": max(memory) / MIB,
            "end": statistics.median(memory[-5:]) / MIB,
        },
        "threads": {
            "before": before,
            "at_warm": witness.threads[0],
            "most": max(witness.threads),
            "after": psutil.Process().num_threads(),
            "left_over": [one.name for one in threading.enumerate() if one is not threading.main_thread()],
        },
    }
    print(json.dumps(record))


if __name__ == "__main__":
    main(*sys.argv[1:])
