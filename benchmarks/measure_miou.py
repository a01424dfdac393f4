"""Measure a model's mIoU at several sizes on a folder of photos and a folder of masks of Pascal VOC's classes.

    python benchmarks/measure_miou.py IMAGES MASKS --model lite --sizes 257 385

It prints a JSON line for each size, with scores in per cent; `liveseg eval` tells more of one size.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from liveseg.datasets.open import open_dataset
from liveseg.evaluate.engine import evaluate
from liveseg.evaluate.options import EvalOptions
from liveseg.settings import ModelSettings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path)
    parser.add_argument("masks", type=Path)
    parser.add_argument("--model", default="lite")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--runtime", default="auto")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--sizes", nargs="+", type=int, help="shorter sides; the model's own by default")
    parser.add_argument("--every", type=int, default=1, help="use one photo of N")
    own = parser.parse_args()
    photos = open_dataset(Path(), images=own.images.absolute(), masks=own.masks.absolute(), labels="voc")
    options = EvalOptions(boundary=False, calibration=False)
    for size in own.sizes or [None]:
        settings = ModelSettings(
            model=own.model,
            weights=own.weights,
            runtime=own.runtime,
            precision=own.precision,
            size=size,
        )
        found = evaluate(settings, photos.every(own.every), options=options)
        told = {name: getattr(found, name) for name in ("model", "size", "runtime", "precision")}
        told |= {
            "photos": found.images,
            "miou": round(100 * found.miou, 2),
            "interval": [round(100 * end, 2) for end in (found.scores["miou"].low, found.scores["miou"].high)],
            "classes": len(found.labels) - len(found.absent),
            "pixel_accuracy": round(100 * found.scores["pixel_accuracy"].value, 2),
            "iou": {each.name: round(100 * each.iou.value, 1) for each in found.per_class if each.iou},
        }
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
