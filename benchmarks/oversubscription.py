"""Two videos at the same time against one after the other: does sharing the cores cost more than it saves?

    python benchmarks/oversubscription.py VIDEO [--model lite] [--size 256] [--frames 150] [--rounds 5]

Measured in turn, twice over: as two processes (`liveseg run` each, which knows nothing of the other and takes all
cores), and as two lines in one process that share one model and take turns at it, as several live sources do. The
whole line counts, decoding to H.264 encoding; of processes also their start. It prints one JSON record: the seconds
of each round, their medians, and the ratio of both at once to one after the other: 1 or less is no loss.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import cv2

from liveseg import Segmenter
from liveseg.bench.record import command_line, surroundings, write_record
from liveseg.job import convert
from liveseg.media.frame import Selection
from liveseg.media.video_sink import VideoSink
from liveseg.media.video_source import VideoSource
from liveseg.pipeline import Pipeline
from liveseg.render.overlay import Painter
from liveseg.segmenter import parallel_for_video
from liveseg.streams import Started, Stream, run_streams
from liveseg.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Callable

    from liveseg.media.frame import Sink, Source

NAMES = ("a", "b")


class Processes:
    """Each video in a process of its own."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self._options, self._folder = options, folder

    def one_after_the_other(self) -> None:
        """Start the second when the first has ended."""
        for name in NAMES:
            self._finish(self._start(name))

    def together(self) -> None:
        """Start both at once."""
        for process in [self._start(name) for name in NAMES]:
            self._finish(process)

    def _start(self, name: str) -> subprocess.Popen[bytes]:
        options = self._options
        command = [sys.executable, "-m", "liveseg", "run", options.video, "-o", str(self._folder / f"{name}.mp4")]
        command += ["--model", options.model, "--size", str(options.size), "--limit", str(options.frames)]
        return subprocess.Popen([*command, "--overwrite", "--no-audio", "--quiet"])

    @staticmethod
    def _finish(process: subprocess.Popen[bytes]) -> None:
        if process.wait():
            raise SystemExit(f"liveseg ended with exit code {process.returncode}")


class Lines:
    """Each video in a line of its own; one model for both."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self._options, self._folder = options, folder
        self._segmenter = Segmenter(options.model, size=options.size, parallel=parallel_for_video(None))
        cv2.setNumThreads(self._segmenter.threads_each)
        self._painter = Painter(self._segmenter.labels)

    def one_after_the_other(self) -> None:
        """Begin the second when the first has ended."""
        for name in NAMES:
            convert(*self._open(name), self._line())

    def together(self) -> None:
        """Begin both at once, and let them take turns."""
        turns = Turns(self._segmenter.parallel)
        streams = [Stream(name, lambda name=name: Started(*self._open(name), self._line(turns))) for name in NAMES]
        run_streams(streams, stop=threading.Event())
        for stream in streams:
            if stream.error is not None:
                raise stream.error

    def _open(self, name: str) -> tuple[Source, Sink]:
        source = VideoSource(self._options.video, Selection(limit=self._options.frames))
        return source, VideoSink(self._folder / f"{name}.mp4", source.info, overwrite=True)

    def _line(self, turns: Turns | None = None) -> Pipeline:
        return Pipeline(
            self._segmenter, render=lambda found: self._painter.overlay(found.image, found.mask, 0.6), turns=turns
        )


def seconds(work: Callable[[], None]) -> float:
    """How long it takes."""
    began = time.perf_counter()
    work()
    return round(time.perf_counter() - began, 3)


def compare(way: Processes | Lines, rounds: int) -> dict[str, object]:
    """The seconds of both orders, in turn so that both see the same machine, after a round that does not count."""
    way.together()
    one_by_one, at_once = [], []
    for _ in range(rounds):
        one_by_one.append(seconds(way.one_after_the_other))
        at_once.append(seconds(way.together))
    medians = statistics.median(one_by_one), statistics.median(at_once)
    return {
        "one_after_the_other_seconds": {"median": medians[0], "rounds": one_by_one},
        "together_seconds": {"median": medians[1], "rounds": at_once},
        "ratio": round(medians[1] / medians[0], 3),
    }


def main() -> None:
    """Measure, and print the record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video")
    parser.add_argument("--model", default="lite")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--frames", type=int, default=150)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        record = {
            "command": command_line("python benchmarks/oversubscription.py", sys.argv[1:]),
            **surroundings(),
            "frames": options.frames,
            "processes": compare(Processes(options, folder), options.rounds),
            "lines": compare(Lines(options, folder), options.rounds),
        }
    write_record(record)


if __name__ == "__main__":
    main()
