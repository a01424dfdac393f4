"""Counts of images, added up to scores with their intervals; the memory does not grow with the number of images.

What each score is stands where its counts are made: `confusion`, `boundary`, `calibration`; of the intervals, in
`bootstrap`. Sums are kept once for the images as they are and once for each bootstrap replicate.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from liveseg.evaluate.bootstrap import REPLICATES, interval, weights
from liveseg.evaluate.boundary import f_score
from liveseg.evaluate.calibration import BINS, FULL
from liveseg.evaluate.confusion import image_scores
from liveseg.evaluate.result import SCORES, CalibrationBin, ClassScore, ImageScore

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from liveseg.evaluate.counts import ImageCounts
    from liveseg.evaluate.result import Interval
    from liveseg.labels import LabelSet

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Scores:
    """What a tally comes to; the fields are those of `Evaluation`."""

    scores: dict[str, Interval]
    per_class: tuple[ClassScore, ...]
    calibration: tuple[CalibrationBin, ...]
    replicates: dict[str, NDArray[np.float32]]
    class_replicates: NDArray[np.float32]


class Tally:
    """Adds images up, one by one; the same images in the same order give the same bits.

    Args:
        classes: how many there are.
        replicates: of the bootstrap.
        seed: of the bootstrap.
        worst: how many of the worst images to remember.
    """

    def __init__(self, classes: int, *, replicates: int = REPLICATES, seed: int = 0, worst: int = 0) -> None:
        self.confusion = np.zeros((classes, classes), np.int64)
        self.unknown = np.zeros(classes, np.int64)
        self.images = 0
        self._replicates, self._seed, self._most = replicates, seed, worst
        drawn = replicates + 1
        # A row a class, so that what an image adds to a class lies together.
        self._right, self._true, self._found = (np.zeros((classes, drawn), np.int64) for _ in range(3))
        self._bins = np.zeros((BINS, 3, drawn), np.int64)
        self._class_f, self._class_images = np.zeros((classes, drawn)), np.zeros((classes, drawn), np.int64)
        self._image_f, self._image_count = np.zeros(drawn), np.zeros(drawn, np.int64)
        self._counted = 0
        self._with_true, self._with_found, self._with_either = (np.zeros(classes, np.int64) for _ in range(3))
        self._worst: list[tuple[float, int, ImageScore]] = []

    def add(self, counts: ImageCounts) -> None:
        """Take an image."""
        drawn = weights(counts.key, self._replicates, self._seed)
        self._add_pixels(counts, drawn)
        if counts.edges:
            total = 0.0
            for edge in counts.edges:
                score = f_score(edge)
                self._class_f[edge[0]] += drawn * score
                self._class_images[edge[0]] += drawn
                total += score
            self._image_f += drawn * (total / len(counts.edges))
            self._image_count += drawn
        for index, *sums in counts.bins:
            for place, number in enumerate(sums):
                self._bins[index, place] += drawn * number
        self.images += 1

    def _add_pixels(self, counts: ImageCounts, drawn: Ints) -> None:
        classes = len(self.unknown)
        true, found = dict[int, int](), dict[int, int]()
        for row, column, pixels in counts.pairs:
            true[row] = true.get(row, 0) + pixels
            if column == classes:
                self.unknown[row] += pixels
                continue
            found[column] = found.get(column, 0) + pixels
            self.confusion[row, column] += pixels
            if row == column:
                self._right[row] += drawn * pixels
        for sums, images, own in ((self._true, self._with_true, true), (self._found, self._with_found, found)):
            for index, pixels in own.items():
                sums[index] += drawn * pixels
                images[index] += 1
        self._with_either[sorted(true.keys() | found.keys())] += 1
        scores = image_scores(counts.pairs, classes)
        if scores is not None:
            self._counted += 1
            self._remember(ImageScore(counts.key, *scores))

    def _remember(self, image: ImageScore) -> None:
        # The heap's first is the best of the worst; of equal ones the earlier image is kept.
        heapq.heappush(self._worst, (-image.miou, -self.images, image))
        if len(self._worst) > self._most:
            heapq.heappop(self._worst)

    @property
    def pixels(self) -> int:
        """How many counted."""
        return int(self.confusion.sum() + self.unknown.sum())

    @property
    def miou(self) -> float:
        """The mean IoU so far; NaN before any pixel counted."""
        with np.errstate(invalid="ignore"):
            return float(_mean(self._iou(slice(0, 1)))[0])

    @property
    def worst(self) -> tuple[ImageScore, ...]:
        """The images with the lowest mIoU, worst first."""
        return tuple(image for _, _, image in sorted(self._worst, key=lambda own: own[:2], reverse=True))

    def scores(self, labels: LabelSet) -> Scores:
        """What it comes to.

        Args:
            labels: names of the classes.
        """
        with np.errstate(invalid="ignore"):  # what divides by nothing is NaN, which says that there is no score
            iou = self._iou(slice(None))
            accuracy, precision = self._right / self._true, self._right / self._found
            class_f = self._class_f / self._class_images
            seen = self._true.sum(axis=0)
            found = {
                "miou": (_mean(iou), self._counted),
                "pixel_accuracy": (self._right.sum(axis=0) / seen, self._counted),
                "class_accuracy": (_mean(accuracy), self._counted),
                "boundary_f": (self._image_f / self._image_count, int(self._image_count[0])),
                "ece": (self._calibration_error(), self._counted),
            }
        told = {name: _interval(*found[name]) for name in SCORES}
        scores = {name: score for name, score in told.items() if score is not None}
        per_class = tuple(
            ClassScore(
                name,
                images=int(self._with_true[i]),
                pixels=int(self._true[i, 0]),
                found=int(self._found[i, 0]),
                iou=_interval(iou[i], int(self._with_either[i])),
                accuracy=_interval(accuracy[i], int(self._with_true[i])),
                precision=_interval(precision[i], int(self._with_found[i])),
                boundary_f=_interval(class_f[i], int(self._class_images[i, 0])),
            )
            for i, name in enumerate(labels.names)
        )
        return Scores(
            scores,
            per_class,
            self._calibration_bins(),
            {name: found[name][0][1:].astype(np.float32) for name in scores},
            iou[:, 1:].astype(np.float32),
        )

    def _iou(self, drawn: slice) -> Floats:
        right = self._right[:, drawn]
        iou: Floats = right / (self._true[:, drawn] + self._found[:, drawn] - right)
        return iou

    def _calibration_error(self) -> Floats:
        pixels, right, confidence = self._bins.swapaxes(0, 1)
        error: Floats = np.abs(right - confidence / FULL).sum(axis=0) / pixels.sum(axis=0)
        return error

    def _calibration_bins(self) -> tuple[CalibrationBin, ...]:
        sums = self._bins[:, :, 0].tolist()
        if not any(pixels for pixels, _, _ in sums):
            return ()
        return tuple(
            CalibrationBin(i / BINS, (i + 1) / BINS, pixels, total / FULL / max(pixels, 1), right / max(pixels, 1))
            for i, (pixels, right, total) in enumerate(sums)
        )


def _interval(scores: Floats, speaking: int) -> Interval | None:
    return interval(scores, speaking, least=0.0, most=1.0)


def _mean(values: Floats) -> Floats:
    """The mean over the first axis of what is not NaN."""
    there = ~np.isnan(values)
    mean: Floats = np.where(there, values, 0.0).sum(axis=0) / there.sum(axis=0)
    return mean
