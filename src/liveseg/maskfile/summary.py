"""What is in a mask file, in numbers."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from fractions import Fraction

    from numpy.typing import NDArray

    from liveseg.labels import LabelSet
    from liveseg.maskfile.reader import MaskReader


@dataclass(frozen=True)
class Presence:
    """How much of the masks one class is.

    Args:
        index: the class index.
        name: its name.
        share: of all pixels of all masks, in [0, 1].
        frames: how many masks it is in.
    """

    index: int
    name: str
    share: float
    frames: int


@dataclass(frozen=True)
class Summary:
    """What is in a mask file.

    Args:
        frames: how many masks.
        start: the time of the first, in seconds; `None` without one.
        end: when the last is over: it is taken to last as long as most do.
        steady: whether all last equally long, but for one unit of the clock, to which a file may have rounded.
        rate: masks a second, of the usual length; `None` for fewer than two.
        classes: those present, by falling share.
    """

    frames: int
    start: Fraction | None
    end: Fraction | None
    steady: bool
    rate: Fraction | None
    classes: list[Presence]


def summary(masks: MaskReader) -> Summary:
    """Read a mask file from its begin to its end.

    Raises:
        MediaError: it cannot be read.
    """
    pixels, frames = np.zeros(256, np.int64), np.zeros(256, np.int64)
    times = []
    for timestamp, mask in masks:
        counts = np.bincount(mask.reshape(-1), minlength=256)
        pixels += counts
        frames += counts > 0
        times.append(timestamp)
    lengths = [after - before for before, after in pairwise(times)]
    usual = statistics.median_low(lengths) if lengths else None
    return Summary(
        frames=len(times),
        start=times[0] if times else None,
        end=times[-1] + (usual or 0) if times else None,
        steady=not lengths or max(lengths) - min(lengths) <= masks.header.time_base,
        rate=1 / usual if usual else None,
        classes=presences(pixels, frames, masks.labels),
    )


def presences(pixels: NDArray[np.int64], frames: NDArray[np.int64], labels: LabelSet) -> list[Presence]:
    """The classes that are there, by falling share.

    Args:
        pixels: how many pixels of each index from 0 to 255 there are, `(256,)`.
        frames: in how many masks each is, `(256,)`.
        labels: what they mean; an index beyond them stands for no class.
    """
    total = max(int(pixels.sum()), 1)
    found = [
        Presence(
            int(index),
            labels.names[index] if index < len(labels) else "no class",
            int(pixels[index]) / total,
            int(frames[index]),
        )
        for index in np.flatnonzero(pixels)
    ]
    return sorted(found, key=lambda own: (-own.share, own.index))
