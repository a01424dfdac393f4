"""Rare classes: how much their pixels count, or how often their photos come.

Pixels of rare classes counting more is the default. It helps where a class is small in every photo, which is what rare
mostly means in photos of one's own, and where few photos are many already. Weights after the median frequency are
softened by a root and bounded: in full they trade many wrong pixels of frequent classes for few right ones of rare
ones, and the network's confidence for nothing. Sampling helps where a class is in few photos but large there; it leaves
the network's confidence alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from liveseg.train.data import in_order
from liveseg.train.photos import class_pixels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from liveseg.train.photos import Photos

    Counts = NDArray[np.int64]

_MOST_COUNTED = 1000
"""Photos that are counted for weights; more do not change them."""

_LEAST_WEIGHT, _MOST_WEIGHT = 0.5, 3.0
_COMMON = 0.1
"""The share of photos from which on a class is not rare: with less, its photos come more often."""

_MOST_REPEATS = 8.0


def pixel_counts(photos: Photos, classes: int, *, workers: int, most: int = _MOST_COUNTED) -> Counts:
    """How many pixels each class has in each labelled photo, `(photos, classes)`; in at most so many, evenly chosen."""
    step = -(-photos.labelled // most) or 1
    numbers = range(0, photos.labelled, step)
    counted = in_order(lambda index: class_pixels(photos(index).mask, classes), numbers, workers=workers, ahead=workers)
    return np.array(list(counted), np.int64).reshape(-1, classes)


def class_weights(counts: Counts) -> NDArray[np.float32]:
    """How much a pixel of each class counts, `(classes,)`: the root of the median-frequency weight, in [0.5, 3].

    Eigen and Fergus, "Predicting Depth, Surface Normals and Semantic Labels", 2015, section 6.3.2: a class's frequency
    is its share of the pixels of those photos that it is in, its weight the median of all frequencies over its own. A
    class that is nowhere weighs 1.
    """
    labelled = counts.sum(axis=1, keepdims=True)
    there = counts > 0
    frequency = counts.sum(axis=0) / np.maximum((labelled * there).sum(axis=0), 1)
    found = frequency > 0
    weights = np.ones(counts.shape[1], np.float32)
    if found.any():
        balanced = np.sqrt(np.median(frequency[found]) / frequency[found])
        weights[found] = np.clip(balanced, _LEAST_WEIGHT, _MOST_WEIGHT)
    return weights


def repeated(counts: Counts, photos: int, seed: int) -> tuple[int, ...]:
    """The numbers of the photos of one pass, those with rare classes several times.

    Repeat factor sampling (Gupta et al., "LVIS", 2019, section 5.1): a class that is in the share `f` of the photos
    wants them `sqrt(0.1 / f)` times, but at least once, and a photo comes as often as the rarest of its classes wants.
    What is left of a whole number is drawn by lot, once for the whole training.

    Args:
        counts: of every labelled photo, `(labelled, classes)`.
        photos: all photos; those beyond the labelled ones come once.
        seed: of the lots.
    """
    there = counts > 0
    share = there.sum(axis=0) / max(len(counts), 1)
    wanted = np.sqrt(_COMMON / np.maximum(share, 1e-9)).clip(1.0, _MOST_REPEATS)
    factors = np.ones(photos)
    factors[: len(counts)] = np.where(there, wanted, 1.0).max(axis=1)
    times = np.floor(factors + np.random.default_rng((seed, photos)).random(photos)).astype(int)
    return tuple(int(index) for index in np.repeat(np.arange(photos), times))
