"""What smoothing does to quality: mIoU on labelled photos that are moved in known ways.

    python benchmarks/panned_photos.py IMAGES MASKS -o benchmarks/results/panned.json

The masks are PNGs of the photos' names, uint8 class indices, 255 ignored. Of each photo short clips are made in
memory, at 25 frames a second: a window of four fifths of it pans over it at 1, 4 and 12 pixels a frame, zooms by 1.2 %
a frame, turns by one degree a frame, or shakes; and the photo's largest object moves over another photo, at 2 and 6
pixels a frame. Each frame gets sensor noise of its own. The true mask moves along, so lag shows as lost mIoU.

For each kind of motion it tells the mIoU without and with smoothing, over the classes that occur; and the *trail*: of
pixels whose true class is not what it was four frames ago, the share that still shows the old one. `still` is one
photo and noise only, for two seconds: there it tells the share of pixels that change class from frame to frame.

The parameters of `liveseg.temporal` were chosen on every ninth photo with objects, which are left out here.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image

from liveseg import Segmenter
from liveseg.bench.machine import commit
from liveseg.bench.record import write_record
from liveseg.temporal import Smoother
from liveseg.tuning.machine import versions

if TYPE_CHECKING:
    from collections.abc import Iterator

RATE = 25
WINDOW = 0.8
"""Of the photo's sides, what a clip shows at a time."""

PANS = {"pan 1": 1.0, "pan 4": 4.0, "pan 12": 12.0}
OBJECTS = {"object 2": 2.0, "object 6": 6.0}
KINDS = (*PANS, "zoom", "turn", "shake", *OBJECTS)
TRAIL = 4
"""Frames ago, of the trail; the first ones, which have no past, do not count."""

Clip = tuple[np.ndarray, np.ndarray]


def path(kind: str, frames: int, room: tuple[float, float], random: np.random.Generator) -> np.ndarray:
    """The camera's offset in x and y from the photo's centre, its zoom and its angle, `(frames, 4)`."""
    time = np.arange(frames)
    way = np.zeros((frames, 4))
    way[:, 2] = 1
    speed = PANS.get(kind, 2.0 if kind == "turn" else 0.0)
    if speed:
        angle = random.uniform(0, 2 * np.pi)
        for axis, share in enumerate((np.cos(angle), np.sin(angle))):
            # It comes back where the photo ends.
            place = (time * speed * share + random.uniform(0, 4 * room[axis])) % (4 * room[axis])
            way[:, axis] = np.where(place < 2 * room[axis], place - room[axis], 3 * room[axis] - place)
    if kind == "zoom":
        way[:, 2] = np.exp((time - frames / 2) * 0.012 * random.choice([-1, 1]))
    if kind == "turn":
        way[:, 3] = (time - frames / 2) * random.choice([-1, 1])
    if kind == "shake":
        way[:, :2] = np.cumsum(random.normal(0, 1, (frames, 2)), 0) + random.normal(0, 1.5, (frames, 2))
        way[:, 3] = random.normal(0, 0.3, frames)
    return way


def filmed(photo: np.ndarray, mask: np.ndarray, kind: str, frames: int, random: np.random.Generator) -> Iterator[Clip]:
    """A camera that moves over a photo; 255 in the mask where it leaves it."""
    height, width = mask.shape
    size = round(width * WINDOW), round(height * WINDOW)
    room = width * (1 - WINDOW) / 2, height * (1 - WINDOW) / 2
    for x, y, zoom, angle in path(kind, frames, room, random):
        centre = width / 2 + x, height / 2 + y
        matrix = cv2.getRotationMatrix2D(centre, angle, zoom)
        matrix[:, 2] += size[0] / 2 - centre[0], size[1] / 2 - centre[1]
        yield (
            cv2.warpAffine(photo, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101),
            cv2.warpAffine(mask, matrix, size, flags=cv2.INTER_NEAREST, borderValue=255),
        )


def crossed(
    photo: np.ndarray, mask: np.ndarray, behind: Clip, speed: float, frames: int, random: np.random.Generator
) -> Iterator[Clip]:
    """The largest object of a photo, moving over another one."""
    known = np.bincount(mask[(mask > 0) & (mask < 255)], minlength=2)
    index = int(known.argmax())
    _, parts, boxes, _ = cv2.connectedComponentsWithStats((mask == index).astype(np.uint8))
    part = 1 + int(boxes[1:, cv2.CC_STAT_AREA].argmax())
    left, top, wide, high = boxes[part, :4]
    cut = np.s_[top : top + high, left : left + wide]
    height, width = behind[1].shape
    scale = min(1, 0.6 * height / high, 0.5 * width / wide)
    piece = cv2.resize(photo[cut], None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    shape = (parts == part).astype(np.float32)[cut]
    shape = cv2.resize(shape, piece.shape[1::-1], interpolation=cv2.INTER_AREA)
    room = np.array([width - shape.shape[1], height - shape.shape[0]], np.float64)
    place = random.uniform(0, 1, 2) * room
    angle = random.choice([0, np.pi]) + random.normal(0, 0.3)
    step = speed * np.array([np.cos(angle), np.sin(angle)])
    for _ in range(frames):
        matrix = np.array([[1, 0, place[0]], [0, 1, place[1]]])
        alpha = cv2.warpAffine(shape, matrix, (width, height))
        over = cv2.warpAffine(piece, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
        truth = np.where(alpha > 0.5, index, behind[1]).astype(np.uint8)
        truth[(alpha > 0.2) & (alpha < 0.8)] = 255
        yield behind[0] * (1 - alpha[..., None]) + over * alpha[..., None], truth
        step = np.where((place + step < 0) | (place + step > room), -step, step)
        place = np.clip(place + step, 0, room)


def noisy(image: np.ndarray, sigma: float, random: np.random.Generator) -> np.ndarray:
    """The picture as a sensor sees it."""
    return np.clip(image + random.normal(0, sigma, image.shape), 0, 255).astype(np.uint8)


class Counts:
    """What is counted of one kind of motion, for masks as they are (0) and smoothed (1)."""

    def __init__(self, classes: int) -> None:
        self.classes = classes
        self.matrices = np.zeros((2, classes, classes), np.int64)
        self.stale = np.zeros(2, np.int64)
        self.turned = 0

    def add(self, truth: np.ndarray, before: np.ndarray, masks: list[np.ndarray]) -> None:
        """Take a frame: its true mask now and `TRAIL` frames ago, and the two that were found."""
        known = truth < self.classes
        turned = known & (before < self.classes) & (before != truth)
        self.turned += int(turned.sum())
        for number, mask in enumerate(masks):
            joint = truth[known].astype(np.int64) * self.classes + mask[known]
            self.matrices[number] += np.bincount(joint, minlength=self.classes**2).reshape(self.classes, -1)
            self.stale[number] += int((turned & (mask == before)).sum())

    def to_json(self) -> dict[str, float]:
        """mIoU and trail in per cent."""
        miou = [score(matrix) for matrix in self.matrices]
        trail = 100 * self.stale / max(self.turned, 1)
        return {
            "miou": round(miou[0], 2),
            "miou_smoothed": round(miou[1], 2),
            "gain": round(miou[1] - miou[0], 2),
            "trail": round(float(trail[0]), 2),
            "trail_smoothed": round(float(trail[1]), 2),
        }


def score(matrix: np.ndarray) -> float:
    """mIoU in per cent over the classes that truly occur."""
    hit = np.diag(matrix)
    union = matrix.sum(0) + matrix.sum(1) - hit
    occurs = matrix.sum(1) > 0
    return 100 * float((hit[occurs] / union[occurs]).mean())


def read(images: Path, mask: Path) -> Clip:
    """A photo and its mask."""
    return np.asarray(Image.open(images / f"{mask.stem}.jpg").convert("RGB")), np.asarray(Image.open(mask))


def found(segmenter: Segmenter, smoother: Smoother, image: np.ndarray, number: int) -> list[np.ndarray]:
    """The mask as it is, and smoothed."""
    inferred = segmenter.infer(image)
    return [segmenter.finish(each).mask for each in (inferred, smoother(inferred, number / RATE))]


def still(segmenter: Segmenter, pairs: list[Clip], sigma: float, random: np.random.Generator) -> dict[str, float]:
    """Per cent of pixels that change class a frame in the second second, of masks as they are and smoothed."""
    shares: list[list[float]] = [[], []]
    for photo, _ in pairs:
        smoother = Smoother()
        masks = [found(segmenter, smoother, noisy(photo, sigma, random), number) for number in range(2 * RATE)][RATE:]
        for number in range(2):
            shares[number] += [(a[number] != b[number]).mean() for a, b in pairwise(masks)]
    return {"sigma": sigma} | {
        name: round(100 * float(np.mean(own)), 4) for name, own in zip(("changes", "smoothed"), shares, strict=True)
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path)
    parser.add_argument("masks", type=Path)
    parser.add_argument("--model", default="lite")
    parser.add_argument("--size", type=int)
    parser.add_argument("--photos", type=int, default=60, help="how many, spread evenly")
    parser.add_argument("--frames", type=int, default=20, help="of each clip")
    parser.add_argument("--sigma", type=float, default=4.0, help="standard deviation of the noise, of 255")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    segmenter = Segmenter(options.model, size=options.size, live=True)
    random = np.random.default_rng(options.seed)
    classes = len(segmenter.labels)
    pairs = [read(options.images, mask) for mask in sorted(options.masks.glob("*.png"))]
    pairs = [pair for pair in pairs if ((pair[1] > 0) & (pair[1] < 255)).mean() > 0.03]
    pairs = [pair for number, pair in enumerate(pairs) if number % 9]
    pairs = pairs[:: max(len(pairs) // options.photos, 1)][: options.photos]
    counts: dict[str, Counts] = defaultdict(lambda: Counts(classes))
    for number, (photo, mask) in enumerate(pairs):
        behind = pairs[(number + 1) % len(pairs)]
        for kind in KINDS:
            clip = (
                crossed(photo, mask, behind, OBJECTS[kind], options.frames, random)
                if kind in OBJECTS
                else filmed(photo, mask, kind, options.frames, random)
            )
            smoother, truths = Smoother(), []
            for at, (image, truth) in enumerate(clip):
                truths.append(truth)
                masks = found(segmenter, smoother, noisy(image, options.sigma, random), at)
                if at >= TRAIL:
                    counts[kind].add(truth, truths[at - TRAIL], masks)
        print(f"{number + 1} of {len(pairs)} photos", flush=True)
    moved = Counts(classes)
    for kind in KINDS:
        if kind not in OBJECTS:
            moved.matrices += counts[kind].matrices
            moved.stale += counts[kind].stale
            moved.turned += counts[kind].turned
    record = {
        "versions": versions(),
        "commit": commit(),
        "model": segmenter.model,
        "size": segmenter.size,
        "runtime": segmenter.runtime,
        "precision": segmenter.precision,
        "photos": len(pairs),
        "frames": options.frames,
        "sigma": options.sigma,
        "seed": options.seed,
        "camera": moved.to_json(),
        "motions": {kind: counts[kind].to_json() for kind in KINDS},
        "still": [still(segmenter, pairs[::4], sigma, random) for sigma in (4.0, 8.0)],
    }
    write_record(record, options.output)


if __name__ == "__main__":
    main()
