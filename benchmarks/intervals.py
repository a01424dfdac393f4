"""Measure how often the intervals of an evaluation hold the truth.

    python benchmarks/intervals.py RECORD [--images 50 150 343] [--draws 250]

RECORD is what `liveseg eval … --record RECORD` wrote. Its images are taken for all there are, and what it amounts to
for the truth. Of them images are drawn with replacement, so many at a time and so often, and each draw is evaluated for
itself. It prints one JSON record: for each number of images the share of draws whose interval holds the truth, and its
width, for the overall scores and the IoU of the classes with most and fewest images; `plain` is the same of the
percentiles as they are, without what `liveseg.evaluate.bootstrap` does about their bias.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from liveseg.bench.record import write_record
from liveseg.evaluate.record import read_header, read_images
from liveseg.evaluate.result import Interval
from liveseg.evaluate.tally import Tally
from liveseg.labels import LabelSet

REPLICATES = 500


def evaluated(images: list, labels: LabelSet, prefix: str = ""):
    tally = Tally(len(labels), replicates=REPLICATES)
    for number, counts in enumerate(images):
        tally.add(replace(counts, key=f"{prefix}{number}"))
    return tally.scores(labels)


def plain(drawn: np.ndarray, value: float) -> Interval:
    low, high = np.nanpercentile(drawn, [2.5, 97.5])
    return Interval(value, float(low), float(high))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("record", type=Path)
    parser.add_argument("--images", type=int, nargs="+", default=[50, 150, 343])
    parser.add_argument("--draws", type=int, default=250)
    options = parser.parse_args()
    labels = LabelSet.from_json(read_header(options.record)["labels"])
    images = [counts for counts, _ in read_images(options.record) if not counts.bad]
    truth = evaluated(images, labels)
    by_images = sorted((own for own in truth.per_class if own.images), key=lambda own: own.images)
    shown = [labels.names.index(own.name) for own in (by_images[0], by_images[-1])]
    random = np.random.default_rng(0)
    told = {}
    for count in options.images:
        held, widths = {}, {}
        for draw in range(options.draws):
            chosen = [images[number] for number in random.integers(0, len(images), count)]
            found = evaluated(chosen, labels, f"{count}/{draw}/")
            pairs = {name: (own, truth.scores[name].value) for name, own in found.scores.items()}
            for name, own in found.scores.items():
                pairs[f"{name} plain"] = plain(found.replicates[name], own.value), truth.scores[name].value
            for index in shown:
                own = found.per_class[index]
                if own.iou is not None and own.iou.low is not None:
                    name = f"{own.name} ({truth.per_class[index].images} images)"
                    value = truth.per_class[index].iou.value
                    pairs[name] = own.iou, value
                    pairs[f"{name} plain"] = plain(found.class_replicates[index], own.iou.value), value
            for name, (own, value) in pairs.items():
                held.setdefault(name, []).append(own.low <= value <= own.high)
                widths.setdefault(name, []).append(own.high - own.low)
        told[count] = {
            name: {"held": round(float(np.mean(own)), 3), "width": round(float(np.mean(widths[name])), 4)}
            for name, own in held.items()
        }
    record = {
        "command": f"python benchmarks/intervals.py RECORD --draws {options.draws}",
        "images": len(images),
        "draws": options.draws,
        "replicates": REPLICATES,
        "truth": {name: round(own.value, 4) for name, own in truth.scores.items()},
        "drawn": told,
    }
    write_record(record)


if __name__ == "__main__":
    main()
