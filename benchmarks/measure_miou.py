"""Measure a model's mIoU on a folder of photos and a folder of masks of class indices.

    python benchmarks/measure_miou.py IMAGES MASKS --model lite --sizes 257 385

The masks are PNGs of the photos' names, uint8 class indices, 255 ignored. The score is the mean over classes of
intersection over union, summed over all photos, at each photo's own size; classes that are in no mask and no
prediction are left out, as in torchvision's segmentation reference.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from PIL import Image

from liveseg import Segmenter


def confusion(segmenter: Segmenter, pairs: list[tuple[Path, Path]]) -> np.ndarray:
    """`(classes, classes)` pixel counts: rows are the masks' classes, columns the predicted ones."""
    classes = len(segmenter.labels)
    matrix = np.zeros((classes, classes), np.int64)
    for image, mask in pairs:
        truth = np.asarray(Image.open(mask))
        found = segmenter(image).mask
        known = truth < classes
        joint = truth[known].astype(np.int64) * classes + found[known]
        matrix += np.bincount(joint, minlength=classes * classes).reshape(classes, classes)
    return matrix


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path)
    parser.add_argument("masks", type=Path)
    parser.add_argument("--model", default="lite")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--sizes", nargs="+", type=int, help="shorter sides; the model's own by default")
    parser.add_argument("--every", type=int, default=1, help="use one photo of N")
    options = parser.parse_args()
    masks = sorted(options.masks.glob("*.png"))[:: options.every]
    pairs = [(options.images / f"{mask.stem}.jpg", mask) for mask in masks]
    for size in options.sizes or [None]:
        segmenter = Segmenter(options.model, weights=options.weights, size=size)
        matrix = confusion(segmenter, pairs)
        hit = np.diag(matrix)
        union = matrix.sum(0) + matrix.sum(1) - hit
        seen = union > 0
        iou = {name: round(100 * hit[i] / union[i], 1) for i, name in enumerate(segmenter.labels.names) if seen[i]}
        result = {
            "model": segmenter.model,
            "size": segmenter.size,
            "photos": len(pairs),
            "miou": round(100 * float((hit[seen] / union[seen]).mean()), 2),
            "classes": int(seen.sum()),
            "pixel_accuracy": round(100 * float(hit.sum() / matrix.sum()), 2),
            "iou": iou,
        }
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
