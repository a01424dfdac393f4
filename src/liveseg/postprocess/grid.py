"""The logits' grid: where the pixels of a picture lie in it, and its interpolation in full."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from liveseg.errors import WeightsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Ints = NDArray[np.intp]


@dataclass(frozen=True)
class Axis:
    """Where the pixels of one axis lie between the samples of the logits' grid.

    Args:
        low: index of the sample at or before each pixel, `(pixels,)`.
        high: index of the sample after it; the same at the grid's end.
        weight: how far each pixel is from `low` towards `high`, in [0, 1].
        blocks: the pixels of each cell, `(cells, most)`: cell `i` lies between samples `i` and `i + 1`; a shorter
            cell repeats its last pixel, and one without pixels repeats pixel 0.
        counts: how many pixels each cell has.
    """

    low: Ints
    high: Ints
    weight: Floats
    blocks: Ints
    counts: Ints


@lru_cache(maxsize=64)
def axis(samples: int, pixels: int, align_corners: bool) -> Axis:
    """The geometry of `torch.nn.functional.interpolate(mode="bilinear")` on one axis."""
    place = np.arange(pixels, dtype=np.float64)
    if align_corners:
        position = place * ((samples - 1) / (pixels - 1)) if pixels > 1 else place * 0.0
    else:
        position = np.maximum((place + 0.5) * (samples / pixels) - 0.5, 0.0)
    low = np.minimum(position.astype(np.intp), samples - 1)
    high = np.minimum(low + 1, samples - 1)
    counts = np.bincount(low, minlength=samples)
    first = np.concatenate(([0], np.cumsum(counts)[:-1]))
    step = np.arange(max(int(counts.max()), 1))
    blocks = first[:, None] + np.minimum(step, np.maximum(counts[:, None] - 1, 0))
    blocks[counts == 0] = 0
    return Axis(low, high, (position - low).astype(np.float32), blocks, counts)


def upsampled(logits: Floats, height: int, width: int, *, align_corners: bool) -> Floats:
    """Bilinear up-sampling in full, `(classes, height, width)` `float32`: for those who want every logit."""
    check_logits(logits)
    result = np.empty((logits.shape[0], height, width), np.float32)
    for top, strip in strips(logits, height, width, align_corners):
        result[:, top : top + strip.shape[1]] = strip
    return result


def strips(logits: Floats, height: int, width: int, align_corners: bool) -> Iterator[tuple[int, Floats]]:
    """Full-size logits by strips of rows: `(first row, (classes, rows, width))`, a few megabytes each."""
    rows = axis(logits.shape[1], height, align_corners)
    columns = axis(logits.shape[2], width, align_corners)
    spread = np.zeros((logits.shape[2], width), np.float32)
    np.add.at(spread, (columns.low, np.arange(width)), 1.0 - columns.weight)
    np.add.at(spread, (columns.high, np.arange(width)), columns.weight)
    step = max((1 << 20) // (logits.shape[0] * width), 1)
    for top in range(0, height, step):
        part = slice(top, min(top + step, height))
        weight = rows.weight[part, None]
        upper, lower = logits[:, rows.low[part]], logits[:, rows.high[part]]
        yield top, (upper + (lower - upper) * weight) @ spread


def check_logits(logits: Floats) -> None:
    """Refuse logits that no mask can be made of.

    Raises:
        WeightsError: logits that are not finite, or not `(classes, h, w)` with 1 to 255 classes.
    """
    if logits.ndim != 3 or 0 in logits.shape or logits.shape[0] > 255:
        raise WeightsError(f"the model's output is not (classes, height, width) with 1 to 255 classes: {logits.shape}")
    check_finite(logits)


def check_finite(logits: Floats) -> None:
    """Refuse logits that are not finite, whatever their shape.

    Raises:
        WeightsError: some are not.
    """
    # A sum is one pass and no temporary, and is not finite where any term is not.
    if not np.isfinite(logits.sum(dtype=np.float64)):
        raise WeightsError("the model's output is not finite; its weights are damaged or overflow in this precision")
