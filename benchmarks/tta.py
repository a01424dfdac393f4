"""Measure what several looks at a picture gain, and what they cost.

    python benchmarks/tta.py IMAGES MASKS [--model lite] [--every N] [--tile PIXELS]

The folders are those of `measure_miou.py`, and so is the score. It prints one JSON record: for one look, two and six
the mIoU, the share of pixels that are right, and the processor time a photo, reading it included.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from liveseg import Segmenter
from liveseg.bench.record import surroundings, write_record
from liveseg.datasets.open import open_dataset
from liveseg.evaluate.engine import evaluate
from liveseg.evaluate.options import EvalOptions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path)
    parser.add_argument("masks", type=Path)
    parser.add_argument("--model", default="lite")
    parser.add_argument("--every", type=int, default=1, help="use one photo of N")
    parser.add_argument("--tile", type=int, help="with tiles of so many pixels")
    options = parser.parse_args()
    photos = open_dataset(Path(), images=options.images.absolute(), masks=options.masks.absolute(), labels="voc").every(
        options.every
    )
    plainly = EvalOptions(boundary=False, calibration=False)
    looks = {}
    for tta in ("off", "flip", "full"):
        segmenter = Segmenter(options.model, tile=options.tile or "off", tta=tta)
        segmenter(photos.samples[0].image)
        began = time.process_time()
        found = evaluate(segmenter, photos, options=plainly)
        spent = time.process_time() - began
        looks[tta] = {
            "miou": round(100 * found.miou, 2),
            "pixels_right": round(100 * found.scores["pixel_accuracy"].value, 2),
            "cpu_milliseconds": round(1e3 * spent / len(photos), 1),
        }
    record = {
        "command": f"python benchmarks/tta.py IMAGES MASKS --model {options.model} --every {options.every}",
        **surroundings(),
        "model": segmenter.model,
        "size": segmenter.size,
        "photos": len(photos),
        "looks": looks,
    }
    write_record(record)


if __name__ == "__main__":
    main()
