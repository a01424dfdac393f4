"""Pictures of how a network learns: a few photos, always the same, with truth and prediction after each round."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from liveseg.labels import IGNORE_INDEX
from liveseg.media.images import write_image
from liveseg.preprocess import resize
from liveseg.render.letters import blend, letters
from liveseg.render.overlay import Painter
from liveseg.train.photos import class_pixels, read_labelled
from liveseg.train.validation import segmenter_of
from liveseg.train.watcher import Watcher

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from liveseg.datasets import Sample
    from liveseg.labels import LabelSet
    from liveseg.train.examples import Pixels
    from liveseg.train.module import Trainee
    from liveseg.train.validation import Validation

MOST = 6
_WIDE, _TALL = 320, 240
_GAP = 4
_LETTERS = 15
_INK, _PAPER = (32, 32, 32), (255, 255, 255)
_UNKNOWN = (224, 224, 224)
"""What is drawn over pixels that do not count, at half opacity."""


class SamplePictures(Watcher):
    """Draws up to six photos after each round: photo, truth, prediction.

    Args:
        folder: where they go.
        samples: photos to choose from; evenly, so that they differ.
        labels: their classes.
        validation: what was measured.
    """

    def __init__(self, folder: Path, samples: Sequence[Sample], labels: LabelSet, validation: Validation) -> None:
        places = np.linspace(0, len(samples) - 1, min(MOST, len(samples))).round().astype(int)
        self._samples = tuple(samples[place] for place in places)
        self._folder = folder
        self._labels = labels
        self._validation = validation

    def round_ended(self, trainee: Trainee) -> None:
        """Draw the round."""
        if not self._samples or not trainee.trainer.is_global_zero:
            return
        epoch = trainee.plan.epoch(trainee.global_step)
        segmenter = segmenter_of(trainee.averaged, trainee.contract)
        rows = [(image, mask, segmenter.segment(image).mask) for image, mask in map(read_labelled, self._samples)]
        scores = self._validation.scores
        title = f"epoch {epoch}" + ("" if scores is None else f", mIoU {scores.miou:.1%}")
        write_image(self._folder / f"epoch_{epoch:03d}.png", sheet(rows, self._labels, title), overwrite=True)


def sheet(rows: Sequence[tuple[Pixels, Pixels, Pixels]], labels: LabelSet, title: str) -> Pixels:
    """A table of pictures: a row for each photo `(H, W, 3)` with its truth and its prediction, both `(H, W)`.

    Args:
        rows: the photos.
        labels: names and colours of the classes; those that occur are listed below.
        title: what stands over the predictions.
    """
    painter = Painter(labels)
    drawn = [[image, _truth(painter, image, truth), painter.overlay(image, found)] for image, truth, found in rows]
    lines = [_beside([_fitted(picture) for picture in pictures]) for pictures in drawn]
    heads = [_headed(text) for text in ("photo", "truth", title)]
    seen = sum(class_pixels(mask, len(labels)) for _, truth, found in rows for mask in (truth, found))
    named = [int(index) for index in np.flatnonzero(seen) if index or not labels.background]
    parts = [_beside(heads), *lines, *_legend(named, labels, lines[0].shape[1])]
    gap = np.full((_GAP, parts[0].shape[1], 3), _PAPER, np.uint8)
    return np.concatenate([piece for part in parts for piece in (part, gap)][:-1])


def _truth(painter: Painter, image: Pixels, truth: Pixels) -> Pixels:
    picture = painter.overlay(image, truth)
    known = truth != IGNORE_INDEX
    picture[~known] = (picture[~known] // 2 + np.array(_UNKNOWN, np.uint8) // 2).astype(np.uint8)
    return picture


def _fitted(picture: Pixels) -> Pixels:
    """A picture brought into a box, on paper."""
    scale = min(_WIDE / picture.shape[1], _TALL / picture.shape[0])
    small = resize(picture, max(round(picture.shape[0] * scale), 1), max(round(picture.shape[1] * scale), 1))
    box = np.full((_TALL, _WIDE, 3), _PAPER, np.uint8)
    top, left = (_TALL - small.shape[0]) // 2, (_WIDE - small.shape[1]) // 2
    box[top : top + small.shape[0], left : left + small.shape[1]] = small
    return box


def _beside(pictures: Sequence[Pixels]) -> Pixels:
    gap = np.full((pictures[0].shape[0], _GAP, 3), _PAPER, np.uint8)
    return np.concatenate([piece for picture in pictures for piece in (picture, gap)][:-1], axis=1)


def _headed(text: str) -> Pixels:
    line = letters(text, _LETTERS, _WIDE)
    head = np.full((line.shape[0], _WIDE, 3), _PAPER, np.uint8)
    blend(head[:, : line.shape[1]], line, _INK)
    return head


def _legend(classes: Sequence[int], labels: LabelSet, width: int) -> list[Pixels]:
    """Rows of coloured squares with the classes' names, as many as it takes."""
    rows: list[Pixels] = []
    left = width
    for index in classes:
        line = letters(labels.names[index], _LETTERS, width // 3)
        side = line.shape[0]
        need = side + _GAP + line.shape[1] + 4 * _GAP
        if left + need > width:
            rows.append(np.full((side, width, 3), _PAPER, np.uint8))
            left = 0
        cv2.rectangle(rows[-1], (left + 2, 3), (left + side - 4, side - 3), labels.palette[index], cv2.FILLED)
        blend(rows[-1][:, left + side + _GAP : left + side + _GAP + line.shape[1]], line, _INK)
        left += need
    return rows
