"""Measure what several looks at a picture gain, and what they cost.

    python benchmarks/tta.py IMAGES MASKS [--model lite] [--every N] [--tile PIXELS]

The folders are those of `measure_miou.py`, and so is the score. It prints one JSON record: for one look, two and six
the mIoU, the share of pixels that are right, and the processor time a photo, reading it included.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
from measure_miou import confusion, score

from liveseg import Segmenter
from liveseg.bench.machine import commit, describe_machine
from liveseg.tuning.machine import versions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path)
    parser.add_argument("masks", type=Path)
    parser.add_argument("--model", default="lite")
    parser.add_argument("--every", type=int, default=1, help="use one photo of N")
    parser.add_argument("--tile", type=int, help="with tiles of so many pixels")
    options = parser.parse_args()
    masks = sorted(options.masks.glob("*.png"))[:: options.every]
    pairs = [(options.images / f"{mask.stem}.jpg", mask) for mask in masks]
    looks = {}
    for tta in ("off", "flip", "full"):
        segmenter = Segmenter(options.model, tile=options.tile or "off", tta=tta)
        segmenter(pairs[0][0])
        began = time.process_time()
        matrix = confusion(segmenter, pairs)
        spent = time.process_time() - began
        looks[tta] = {
            "miou": score(matrix)[0],
            "pixels_right": round(100 * float(np.diag(matrix).sum() / matrix.sum()), 2),
            "cpu_milliseconds": round(1e3 * spent / len(pairs), 1),
        }
    record = {
        "command": f"python benchmarks/tta.py IMAGES MASKS --model {options.model} --every {options.every}",
        "machine": describe_machine(),
        "versions": versions(),
        "commit": commit(),
        "model": segmenter.model,
        "size": segmenter.size,
        "photos": len(pairs),
        "looks": looks,
    }
    print(json.dumps(record, indent=2))


if __name__ == "__main__":
    main()
