"""Which true class was taken for which, in pixels.

The counts and the scores made of them are those of `ConfusionMatrix` in torchvision's segmentation reference
(`references/segmentation/utils.py`): truth that is no class (255, and whatever else is not below the number of classes)
is left out, rows are the true classes, columns the predicted ones; pixel accuracy is the diagonal's share of all, a
class's accuracy its share of the row, its IoU its share of row and column together. One thing differs: a class that is
in neither truth nor prediction has no IoU, and one without truth no accuracy. There torchvision's division gives NaN,
and NaN is then the mean over the classes; here the mean is over the other classes, and how many those are is told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

Pair = tuple[int, int, int]
"""A true class, a predicted one, and how many pixels have both."""

_STRIP_PIXELS = 1 << 20
"""How many pixels are counted at once: a picture of 100 megapixels then needs no memory of its size again."""


def strips(height: int, width: int) -> Iterator[slice]:
    """The rows of a picture in pieces of about a megapixel."""
    step = max(_STRIP_PIXELS // width, 1)
    for top in range(0, height, step):
        yield slice(top, min(top + step, height))


def pairs(truth: NDArray[np.uint8], found: NDArray[np.uint8], classes: int) -> tuple[Pair, ...]:
    """How often each true class was taken for each other, of those that occur, in ascending order.

    Args:
        truth: `(H, W)` `uint8`; what is not below `classes` does not count.
        found: `(H, W)` `uint8`; what is not below `classes` is none of them, and told as `classes`.
        classes: how many there are, at most 255.
    """
    counts = np.zeros((256, 256), np.int64)
    for rows in strips(*truth.shape):
        joint = truth[rows].astype(np.uint16) << 8
        joint |= found[rows]
        counts += np.bincount(joint.reshape(-1), minlength=1 << 16).reshape(256, 256)
    counts = counts[:classes]
    counts[:, classes] = counts[:, classes:].sum(axis=1)
    rows_, columns = np.nonzero(counts[:, : classes + 1])
    numbers = counts[rows_, columns]
    return tuple(zip(rows_.tolist(), columns.tolist(), numbers.tolist(), strict=True))


def image_scores(counted: tuple[Pair, ...], classes: int) -> tuple[float, float, int] | None:
    """Mean IoU over the classes that an image has, its pixel accuracy and its pixels; `None` where none count.

    Args:
        counted: what `pairs` gave.
        classes: how many there are.
    """
    right, union = dict[int, int](), dict[int, int]()
    for true, own, pixels in counted:
        if true == own:
            right[true] = pixels
        union[true] = union.get(true, 0) + pixels
        if own != true and own < classes:
            union[own] = union.get(own, 0) + pixels
    total = sum(pixels for _, _, pixels in counted)
    if not total:
        return None
    miou = sum(right.get(index, 0) / union[index] for index in sorted(union)) / len(union)
    return miou, sum(right.values()) / total, total
