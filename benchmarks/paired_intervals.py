"""Measure how often the interval of a difference between two models holds the true difference, and how wide it is.

    python benchmarks/paired_intervals.py RECORD RECORD [--images 50 150 343] [--draws 250] [--classes person,car]

The records are what `liveseg eval … --record RECORD` wrote of two models on the same images, which are taken for all
there are. Of them images are drawn with replacement, so many at a time and so often, and both models are held against
each other on each draw, as `liveseg compare` does. `moved` is the same interval moved by twice its bias, as that of a
score is. With `--classes` all others count as background: what a set of few classes is like. Also printed: the interval
of the first model's own mIoU, and how often a difference was called one with the wrong sign.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from liveseg.bench.record import write_record
from liveseg.evaluate.bootstrap import interval
from liveseg.evaluate.compare import difference_interval
from liveseg.evaluate.record import read_header, read_images
from liveseg.evaluate.tally import Tally
from liveseg.labels import LabelSet

REPLICATES = 500


def merged(images: list, kept: list[int]) -> list:
    """The counts with all classes but some as background."""
    place = {index: number for number, index in enumerate(kept)}
    found = []
    for counts in images:
        sums: dict[tuple[int, int], int] = {}
        for true, own, pixels in counts.pairs:
            pair = place.get(true, 0), place.get(own, 0)
            sums[pair] = sums.get(pair, 0) + pixels
        found.append(replace(counts, pairs=tuple((*pair, pixels) for pair, pixels in sorted(sums.items()))))
    return found


def scored(images: list, labels: LabelSet, prefix: str):
    tally = Tally(len(labels), replicates=REPLICATES)
    for number, counts in enumerate(images):
        tally.add(replace(counts, key=f"{prefix}{number}", edges=(), bins=()))
    return tally.scores(labels)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("records", type=Path, nargs=2)
    parser.add_argument("--images", type=int, nargs="+", default=[50, 150, 343])
    parser.add_argument("--draws", type=int, default=250)
    parser.add_argument("--classes")
    options = parser.parse_args()
    labels = LabelSet.from_json(read_header(options.records[0])["labels"])
    images = [[counts for counts, _ in read_images(path)] for path in options.records]
    if options.classes:
        kept = [0, *labels.indices(options.classes.split(","))]
        images = [merged(own, kept) for own in images]
        labels = LabelSet(tuple(labels.names[index] for index in kept), labels.palette[: len(kept)])
    first, second = (scored(own, labels, "all/").scores["miou"].value for own in images)
    truth, random, told = second - first, np.random.default_rng(0), {}
    for count in options.images:
        rows = []
        for draw in range(options.draws):
            chosen = random.integers(0, len(images[0]), count)
            one, other = (scored([own[number] for number in chosen], labels, f"{count}/{draw}/") for own in images)
            value = other.scores["miou"].value - one.scores["miou"].value
            drawn = other.replicates["miou"].astype(float) - one.replicates["miou"]
            paired = difference_interval(value, drawn, count)
            moved = interval(np.concatenate(([value], drawn)), count)
            alone = one.scores["miou"]
            rows.append(
                {
                    "held": paired.low <= truth <= paired.high,
                    "moved_held": moved.low <= truth <= moved.high,
                    "width": paired.high - paired.low,
                    "wrong_sign": paired.low > 0 > truth or paired.high < 0 < truth,
                    "told_apart": not paired.low <= 0 <= paired.high,
                    "alone_held": alone.low <= first <= alone.high,
                    "alone_width": alone.high - alone.low,
                }
            )
        told[count] = {name: round(float(np.mean([row[name] for row in rows])), 4) for name in rows[0]}
    record = {
        "command": "python benchmarks/paired_intervals.py RECORD RECORD"
        f" --draws {options.draws}" + (f" --classes {options.classes}" if options.classes else ""),
        "images": len(images[0]),
        "replicates": REPLICATES,
        "miou": [round(first, 4), round(second, 4)],
        "difference": round(truth, 4),
        "drawn": told,
    }
    write_record(record)


if __name__ == "__main__":
    main()
