"""How often each class occurs, and which occur too seldom or on one side only."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from liveseg.datasets.check_problem import problem
from liveseg.labels import IGNORE_INDEX

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from liveseg.datasets.check_photo import Seen
    from liveseg.datasets.check_problem import Problem
    from liveseg.labels import LabelSet

_FEW_PHOTOS = 5
_FEW_PIXELS = 0.0002

_TWO_VALUES = "label more than one class; where 255 is one in these masks, lead it there by --mapping"
_MAPPING = {
    "labels": ["background", "object"],
    "classes": {"0": "background", "255": "object"},
    "rest": "ignore",
}


@dataclass(frozen=True)
class ClassCount:
    """How often a class occurs.

    Args:
        index: its index in masks.
        name: its name.
        photos: how many photos show it.
        pixels: how many pixels it has.
        share: of all pixels that are not ignored.
    """

    index: int
    name: str
    photos: int
    pixels: int
    share: float

    def to_json(self) -> dict[str, Any]:
        """The count as JSON data."""
        return asdict(self)


def count_classes(photos: Sequence[Seen], labels: LabelSet) -> tuple[ClassCount, ...]:
    """How often each class occurs in the masks that could be read."""
    pixels, shown = np.zeros(len(labels), np.int64), np.zeros(len(labels), np.int64)
    for counts in _counts(photos):
        pixels += counts
        shown += counts > 0
    every = max(int(pixels.sum()), 1)
    return tuple(
        ClassCount(index, name, int(shown[index]), int(pixels[index]), float(pixels[index]) / every)
        for index, name in enumerate(labels.names)
    )


def uneven_classes(counts: Sequence[ClassCount], ignored: int, labels: LabelSet, place: Path) -> Iterator[Problem]:
    """Which classes are missing or rare.

    Args:
        counts: how often each occurs.
        ignored: how many pixels are ignored.
        labels: the classes.
        place: the data set, for the problems.
    """
    shown = [count.name for count in counts if count.pixels]
    if not shown and not ignored:
        return  # then no mask could be read, which is told of each
    if len(shown) < 2:
        only = [*shown, *([f"{IGNORE_INDEX}, which is ignored"] if ignored else [])]
        # Many tools write masks of one class as 0 and 255.
        remedy = f"{_TWO_VALUES}: {json.dumps(_MAPPING)}" if shown and ignored else None
        yield problem("nothing-to-learn", place, f"all masks show nothing but {' and '.join(only)}", remedy)
        return
    for count in counts[1:] if labels.background else counts:
        if not count.photos:
            yield problem("empty-class", place, f"{count.name} is in no mask")
        elif count.photos < _FEW_PHOTOS or count.share < _FEW_PIXELS:
            yield problem(
                "rare-class",
                place,
                f"{count.name} is in {_photos(count)} only, at {count.share:.2%} of the pixels",
            )


def one_sided_classes(
    training: Sequence[Seen], validation: Sequence[Seen], labels: LabelSet, place: Path
) -> Iterator[Problem]:
    """Which classes are to be learned but cannot be judged, or the other way round."""
    learned, judged = count_classes(training, labels), count_classes(validation, labels)
    for one, other in zip(learned, judged, strict=True):
        if one.photos and not other.photos:
            yield problem("only-in-training", place, f"{one.name} is in {_photos(one)} of training, none of validation")
        if other.photos and not one.photos:
            yield problem(
                "only-in-validation", place, f"{one.name} is in {_photos(other)} of validation, none of training"
            )


def _photos(count: ClassCount) -> str:
    return "1 photo" if count.photos == 1 else f"{count.photos} photos"


def _counts(photos: Sequence[Seen]) -> Iterator[NDArray[np.int64]]:
    return (seen.pixels for seen in photos if seen.pixels is not None)
