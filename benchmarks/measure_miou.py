"""Measure a model's mIoU on a folder of photos and a folder of masks of class indices.

    python benchmarks/measure_miou.py IMAGES MASKS --model lite --sizes 257 385

The masks are PNGs of the photos' names, uint8 class indices, 255 ignored. The score is the mean over classes of
intersection over union, summed over all photos, at each photo's own size; classes that are in no mask and no
prediction are left out, as in torchvision's segmentation reference.

    python benchmarks/measure_miou.py --clips A.mp4 B.mp4 --model lite --sizes 257

measures instead what is left when one frame of 2, 3, … is segmented and the others reuse its mask: how well the masks
of all frames agree with those that would be reused.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from PIL import Image

from liveseg import Segmenter
from liveseg.media import open_source
from liveseg.media.frame import Selection


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


def reused(segmenter: Segmenter, clip: Path, most: int, limit: int) -> list[np.ndarray]:
    """For each `k` up to `most`, the confusion of every frame's own mask with the one that it gets where one frame of
    `k` is segmented."""
    with open_source(clip, Selection(limit=limit)) as source:
        masks = [segmenter(frame.image).mask for frame in source]
    classes = len(segmenter.labels)
    by_lag = []
    for lag in range(most):
        matrix = np.zeros((classes, classes), np.int64)
        for own, earlier in zip(masks[lag:], masks, strict=False):
            joint = own.astype(np.int64) * classes + earlier
            matrix += np.bincount(joint.reshape(-1), minlength=classes * classes).reshape(classes, classes)
        by_lag.append(matrix)
    return list(np.cumsum(by_lag, axis=0))


def score(matrix: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """mIoU in per cent, the IoU of each class as a share, and which classes occur."""
    hit = np.diag(matrix)
    union = matrix.sum(0) + matrix.sum(1) - hit
    seen = union > 0
    iou = hit / np.maximum(union, 1)
    return round(100 * float(iou[seen].mean()), 2), iou, seen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path, nargs="?")
    parser.add_argument("masks", type=Path, nargs="?")
    parser.add_argument("--clips", type=Path, nargs="+", help="videos, in place of photos and masks")
    parser.add_argument("--frames", type=int, default=240, help="of each clip, at most")
    parser.add_argument("--model", default="lite")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--runtime", default="auto")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--sizes", nargs="+", type=int, help="shorter sides; the model's own by default")
    parser.add_argument("--every", type=int, default=1, help="use one photo of N")
    options = parser.parse_args()
    if (options.images is None or options.masks is None) and not options.clips:
        parser.error("name two folders, IMAGES and MASKS, or videos by --clips")
    for size in options.sizes or [None]:
        segmenter = Segmenter(
            options.model, weights=options.weights, size=size, runtime=options.runtime, precision=options.precision
        )
        told = {"model": segmenter.model, "size": segmenter.size, "runtime": segmenter.runtime}
        told["precision"] = segmenter.precision
        for clip in options.clips or ():
            shares = {k: score(matrix)[0] for k, matrix in enumerate(reused(segmenter, clip, 4, options.frames), 1)}
            print(json.dumps(told | {"clip": clip.name, "one_frame_of": shares}), flush=True)
        if options.images is None:
            continue
        masks = sorted(options.masks.glob("*.png"))[:: options.every]
        pairs = [(options.images / f"{mask.stem}.jpg", mask) for mask in masks]
        matrix = confusion(segmenter, pairs)
        miou, iou, seen = score(matrix)
        result = told | {
            "photos": len(pairs),
            "miou": miou,
            "classes": int(seen.sum()),
            "pixel_accuracy": round(100 * float(np.diag(matrix).sum() / matrix.sum()), 2),
            "iou": {name: round(100 * iou[i], 1) for i, name in enumerate(segmenter.labels.names) if seen[i]},
        }
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
