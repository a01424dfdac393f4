"""How much the masks of videos flicker, without and with smoothing, and what smoothing costs.

    python benchmarks/flicker.py VIDEO… [--size 289] [--frames 800] [--line 5] -o benchmarks/results/flicker.json
    python benchmarks/flicker.py VIDEO --strip OUT.png --from 36 --every 2 --crop 300,0,340,272

The score is that of `liveseg.evaluate.flicker`. `network_ms` and `smooth_ms` are the medians of both on one thread,
frame after frame. With `--line 5`, the whole line also runs five times without smoothing and with it, in turn, from
decoding to an H.264 file as `liveseg run` does it: `line_ms` is the wall time a frame, `line_cpu_ms` the processors'
time; medians of the rounds. On a busy machine the scores stay what they are, and the times mean nothing.

With `--strip`, it draws four frames instead, above as they were segmented, below smoothed: what the documentation
shows.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from dataclasses import asdict
from itertools import islice, pairwise
from pathlib import Path

import cv2
import numpy as np

from liveseg import Segmenter
from liveseg.bench.combination import Combination
from liveseg.bench.line import open_segmenter
from liveseg.bench.record import surroundings, write_record
from liveseg.evaluate import FlickerMeter
from liveseg.job import convert
from liveseg.media.frame import Selection
from liveseg.media.video_sink import VideoSink
from liveseg.media.video_source import VideoSource
from liveseg.pipeline import Pipeline
from liveseg.render.overlay import Painter
from liveseg.temporal import Smoother


def both(segmenter: Segmenter, clip: Path, frames: int):
    """Each frame's segmentation as it is and smoothed, and the milliseconds that inferring and smoothing took."""
    smoother = Smoother()
    with VideoSource(clip, Selection(limit=frames)) as source:
        for frame in source:
            clock = [time.perf_counter()]
            inferred = segmenter.infer(frame.image)
            clock.append(time.perf_counter())
            steady = smoother(inferred, frame.timestamp)
            clock.append(time.perf_counter())
            spent = [(after - before) * 1e3 for before, after in pairwise(clock)]
            yield segmenter.finish(inferred), segmenter.finish(steady), *spent


def measure(segmenter: Segmenter, clip: Path, frames: int) -> dict[str, object]:
    """The record of one clip."""
    meter, infer, smooth = FlickerMeter(2), [], []
    for raw, steady, *spent in both(segmenter, clip, frames):
        meter.add(raw.image, raw.mask, steady.mask)
        infer.append(spent[0])
        smooth.append(spent[1])
    without, with_it = meter.scores
    return {
        "clip": clip.name,
        "frames": len(infer),
        "grid": list(raw.logits.shape[1:]),
        "pairs": without.pairs,
        "left_out": without.left_out,
        "flicker": round(without.share, 6),
        "flicker_smoothed": round(with_it.share, 6),
        "ratio": round(with_it.share / without.share, 3) if without.changed else None,
        "pixels": {"without": asdict(without), "smoothed": asdict(with_it)},
        "network_ms": round(statistics.median(infer), 3),
        "smooth_ms": round(statistics.median(smooth), 3),
    }


def measure_line(clip: Path, options: argparse.Namespace) -> dict[str, object]:
    """Milliseconds a frame of the whole line, without smoothing and with it."""
    segmenter = open_segmenter(Combination(options.model, size=options.size))
    painter = Painter(segmenter.labels)
    spent: dict[str, list[tuple[float, float]]] = {"without": [], "smoothed": []}
    for number in range(options.line + 1):
        for name in ("without", "smoothed") if number % 2 else ("smoothed", "without"):
            pipeline = Pipeline(
                segmenter,
                render=lambda found: painter.overlay(found.image, found.mask),
                smooth=Smoother if name == "smoothed" else None,
            )
            source = VideoSource(clip, Selection(limit=options.frames))
            with tempfile.TemporaryDirectory() as folder:
                sink = VideoSink(Path(folder) / "result.mp4", source.info)
                began = time.process_time()
                outcome = convert(source, sink, pipeline)
            busy = (time.process_time() - began) / outcome.frames
            if number:  # the first round warms up
                spent[name].append((outcome.seconds / outcome.frames * 1e3, busy * 1e3))
    return {
        title: {name: round(statistics.median(row[column] for row in rows), 2) for name, rows in spent.items()}
        for column, title in enumerate(("line_ms", "line_cpu_ms"))
    }


def strip(segmenter: Segmenter, clip: Path, options: argparse.Namespace) -> np.ndarray:
    """Four frames' overlays, cut to `--crop`, as they are above and smoothed below."""
    x, y, width, height = options.crop
    wanted = range(options.first, options.first + 4 * options.every, options.every)
    rows: list[list[np.ndarray]] = [[], []]
    for number, (raw, steady, *_) in enumerate(islice(both(segmenter, clip, wanted[-1] + 1), wanted[-1] + 1)):
        if number in wanted:
            for row, found in zip(rows, (raw, steady), strict=True):
                row.append(found.overlay()[y : y + height, x : x + width])
    gap = 4
    padded = [[np.pad(each, ((0, gap), (0, gap), (0, 0)), constant_values=255) for each in row] for row in rows]
    picture = np.vstack([np.hstack(row) for row in padded])[:-gap, :-gap]
    scale = min(1200 / picture.shape[1], 2)
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return cv2.resize(picture, None, fx=scale, fy=scale, interpolation=way)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path, nargs="+")
    parser.add_argument("--model", default="lite")
    parser.add_argument("--size", type=int)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--frames", type=int, default=800)
    parser.add_argument("--line", type=int, default=0, help="rounds of the whole line", metavar="ROUNDS")
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--strip", type=Path, help="draw four frames of the first video into this file")
    parser.add_argument("--from", dest="first", type=int, default=0, help="the first of them")
    parser.add_argument("--every", type=int, default=1, help="one frame of N")
    parser.add_argument("--crop", type=lambda text: tuple(map(int, text.split(","))), help="X,Y,WIDTH,HEIGHT")
    options = parser.parse_args()
    cv2.setNumThreads(options.threads)
    segmenter = Segmenter(options.model, size=options.size, threads=options.threads, live=True)
    if options.strip is not None:
        options.crop = options.crop or (0, 0, 1 << 16, 1 << 16)
        picture = strip(segmenter, options.clips[0], options)
        cv2.imwrite(str(options.strip), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        return
    record = {
        **surroundings(),
        "model": segmenter.model,
        "size": segmenter.size,
        "runtime": segmenter.runtime,
        "precision": segmenter.precision,
        "threads": segmenter.threads,
        "clips": [],
    }
    for clip in options.clips:
        found = measure(segmenter, clip, options.frames)
        if options.line:
            found |= measure_line(clip, options)
        record["clips"].append(found)
        print(json.dumps({name: value for name, value in found.items() if name != "pixels"}), flush=True)
    if options.output is not None:
        write_record(record, options.output)


if __name__ == "__main__":
    main()
