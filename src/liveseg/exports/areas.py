"""How much of a picture each class covers, and how sure the network was of it: numbers, and rows of a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable
    from fractions import Fraction

    from numpy.typing import NDArray

    from liveseg.labels import LabelSet

COLUMNS = ("frame", "timestamp", "class_index", "class", "pixels", "share", "mean_confidence")
"""The columns of a table of areas, as `rows` fills them: one row for each class that a frame has.

`frame` is the frame's number, from 0; `timestamp` its presentation time in seconds; `share` of all pixels, in [0, 1];
`mean_confidence` in (0, 1]. What is not known, such as the timestamp of a picture, is `None`.
"""

_BLOCK_PIXELS = 1 << 14
"""How many pixels are counted at once: NumPy makes 8 bytes of each, and these stay in a processor's cache."""


@dataclass(frozen=True)
class Area:
    """How much of a picture one class covers.

    Args:
        index: the class index in the mask.
        name: its name.
        pixels: how many pixels.
        share: of all pixels, in [0, 1].
        mean_confidence: the mean probability of the class over these pixels; `None` where it was not asked for.
    """

    index: int
    name: str
    pixels: int
    share: float
    mean_confidence: float | None = None


def areas(mask: NDArray[np.uint8], labels: LabelSet, confidence: NDArray[np.float32] | None = None) -> list[Area]:
    """The classes present, the background among them, by falling area; pixels of no class (255) are left out.

    Args:
        mask: `(H, W)` `uint8` class indices.
        labels: names of the classes.
        confidence: `(H, W)`, the probability of each pixel's class, for the means.
    """
    counts = _sums(mask)[: len(labels)]
    totals = None if confidence is None else _sums(mask, confidence)
    present = np.flatnonzero(counts)
    return [
        Area(
            int(index),
            labels.names[index],
            int(counts[index]),
            float(counts[index] / mask.size),
            None if totals is None else float(totals[index] / counts[index]),
        )
        for index in present[np.argsort(-counts[present], kind="stable")]
    ]


def rows(found: Iterable[Area], frame: int = 0, timestamp: Fraction | None = None) -> list[dict[str, Any]]:
    """Areas as rows of a table, one a class, with the keys of `COLUMNS` in their order: for CSV and JSON.

    Args:
        found: what `areas` found.
        frame: the frame's number.
        timestamp: its presentation time in seconds; written as the nearest `float`.
    """
    seconds = None if timestamp is None else float(timestamp)
    return [
        dict(
            zip(
                COLUMNS,
                (frame, seconds, area.index, area.name, area.pixels, area.share, area.mean_confidence),
                strict=True,
            )
        )
        for area in found
    ]


def _sums(mask: NDArray[np.uint8], weights: NDArray[np.float32] | None = None) -> NDArray[np.float64]:
    """How many pixels each of the 256 values has, or the sum of their weights; exact up to 2**53 pixels."""
    flat = mask.reshape(-1)
    heavy = None if weights is None else weights.reshape(-1)
    sums = np.zeros(256, np.float64)
    for start in range(0, flat.size, _BLOCK_PIXELS):
        block = slice(start, start + _BLOCK_PIXELS)
        sums += np.bincount(flat[block], None if heavy is None else heavy[block], minlength=256)
    return sums
