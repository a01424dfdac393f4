"""Measure the bundled model on the photos that `make.py` keeps back, with intervals, at several sizes.

    python recipes/lite/measure.py DATA > recipes/lite/measured.json

DATA is what `make.py` takes. What comes out stands in the model's card.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from make import held_back

from liveseg.evaluate import EvalOptions, evaluate
from liveseg.labels import PASCAL_VOC
from liveseg.settings import ModelSettings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from liveseg.evaluate import Evaluation

SIZES = (129, 161, 193, 225, 257, 289, 321, 353, 385, 449)
DEFAULT = 321


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    options = parser.parse_args()
    looks = [ModelSettings(model="lite", size=size) for size in SIZES]
    standard = ModelSettings(model="lite", size=DEFAULT)
    looks += [replace(standard, precision="int8"), replace(standard, tta="flip"), replace(standard, tta="full")]
    result: dict[str, Any] = {}
    together = [np.zeros((len(PASCAL_VOC), len(PASCAL_VOC)), np.int64) for _ in looks]
    for name, dataset in held_back(options.data).items():
        rows = []
        for number, settings in enumerate(looks):
            found = evaluate(settings, dataset, options=EvalOptions(boundary=settings == standard))
            rows.append(_row(found, settings, every_class=settings == standard))
            together[number] += found.confusion
            print(f"{name} {rows[-1]['size']} {rows[-1]['miou']}", file=sys.stderr)
        result[name] = {"photos": len(dataset), "rows": rows}
    result["both together"] = [
        {name: row[name] for name in ("size", "precision", "tta")} | {"miou": _miou(confusion)}
        for row, confusion in zip(result["coco"]["rows"], together, strict=True)
    ]
    json.dump(result, sys.stdout, indent=1)
    print()


def _miou(confusion: NDArray[np.int64]) -> float:
    hit, union = np.diag(confusion), confusion.sum(0) + confusion.sum(1) - np.diag(confusion)
    return round(100 * float((hit[union > 0] / union[union > 0]).mean()), 2)


def _row(found: Evaluation, settings: ModelSettings, *, every_class: bool) -> dict[str, Any]:
    row: dict[str, Any] = {"size": settings.size, "precision": found.precision, "tta": settings.tta}
    for name, score in found.scores.items():
        row[name] = [None if share is None else round(100 * share, 2) for share in (score.value, score.low, score.high)]
    if every_class:
        row["iou"] = {c.name: round(100 * c.iou.value, 1) for c in found.per_class if c.iou is not None}
    return row


if __name__ == "__main__":
    main()
