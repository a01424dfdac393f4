"""The probability of each pixel's winner: softmax after interpolation, without building the full-size logits.

Along a row, between two samples of the logits' grid, each class's logit is a straight line, so its exponential is a
geometric series: one exponential and one ratio at the begin of a run of pixels, then one multiplication a pixel. And
the odds against a class are convex between the samples, so where they are low at the four corners of a cell of the
grid they are low in all of it: whole cells are seen to be above a threshold from their corners.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from liveseg.errors import UsageError
from liveseg.postprocess.grid import axis, check_logits, strips

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from liveseg.postprocess.grid import Floats, Ints

_LONGEST = 8
"""Pixels of a run: each multiplication adds a rounding error, and so many stay below that of the logits themselves."""

_SPREAD = 80.0
"""Logits further apart than this leave the range of `float32` once they are exponentials."""

_BLOCK = 1 << 16
"""How many exponentials are carried along at once: they and their ratios stay in a second-level cache."""

_DOUBT = 1e-4
"""How far a cell's corners must be from the threshold to speak for its inside, as a share of the odds: far more than
all rounding together."""


@dataclass(frozen=True)
class _Runs:
    """A row of pixels as runs that lie between the same two samples, at equal steps.

    Args:
        low: index of the sample before each run, `(runs,)`.
        high: index of the sample after it; the same at the grid's end.
        weight: how far the run's first pixel is from `low` towards `high`.
        step: how far each further pixel is from the one before.
        first: the column of the first pixel.
        count: how many pixels.
        place: where each pixel of the row stands in `(longest, runs)`, flattened; `(pixels,)`.
    """

    low: Ints
    high: Ints
    weight: Floats
    step: Floats
    first: Ints
    count: Ints
    place: Ints

    @property
    def longest(self) -> int:
        """Pixels of the longest run."""
        return int(self.count.max())


@lru_cache(maxsize=64)
def _runs(samples: int, pixels: int, align_corners: bool) -> _Runs:
    columns = axis(samples, pixels, align_corners)
    # Without aligned corners the pixels before the first sample have its value; the line begins after them.
    rises = align_corners | (columns.low > 0) | (columns.weight > 0)
    begins = np.ones(pixels, np.bool_)
    begins[1:] = (np.diff(columns.low) > 0) | (rises[1:] != rises[:-1])
    inside = np.arange(pixels) - np.maximum.accumulate(np.where(begins, np.arange(pixels), 0))
    first = np.flatnonzero(inside % _LONGEST == 0)
    count = np.diff(first, append=pixels)
    number = np.repeat(np.arange(len(first)), count)
    last = first + count - 1
    step = (columns.weight[last] - columns.weight[first]) / np.maximum(count - 1, 1).astype(np.float32)
    return _Runs(
        columns.low[first],
        columns.high[first],
        columns.weight[first],
        step,
        first,
        count,
        (np.arange(pixels) - first[number]) * len(first) + number,
    )


def upsampled_confidence(logits: Floats, height: int, width: int, *, align_corners: bool) -> Floats:
    """The probability of each pixel's winner: softmax after interpolation, `(height, width)` `float32` in (0, 1].

    Within 1e-6 of the same in exact arithmetic, for logits of the size that networks give.

    Args:
        logits: `(classes, h, w)` `float32`, at most 255 classes.
        height: of the picture, in pixels.
        width: of the picture, in pixels.
        align_corners: as in `torch.nn.functional.interpolate`.

    Raises:
        WeightsError: logits that are not finite, or of another shape.
    """
    check_logits(logits)
    result = np.empty((height, width), np.float32)
    if _too_far_apart(logits):
        for top, strip in strips(logits, height, width, align_corners):
            odds = np.exp(strip - strip.max(axis=0))
            np.divide(1.0, odds.sum(axis=0), out=result[top : top + strip.shape[1]])
        return result
    rows, runs = axis(logits.shape[1], height, align_corners), _runs(logits.shape[2], width, align_corners)
    count = len(runs.low)
    at_once = max(_BLOCK // (logits.shape[0] * count), 1)
    for top in range(0, height, at_once):
        part = slice(top, min(top + at_once, height))
        tall = part.stop - top
        samples = _ahead(logits[:, rows.low[part]], logits[:, rows.high[part]], rows.weight[part, None])
        low, high = np.take(samples, runs.low, axis=2), np.take(samples, runs.high, axis=2)
        values = np.empty((tall, runs.longest, count), np.float32)
        weight, step = (np.broadcast_to(own, (tall, count)).ravel() for own in (runs.weight, runs.step))
        for inside, probability in enumerate(_along(low, high, weight, step, runs.longest)):
            values[:, inside] = probability.reshape(tall, count)
        np.take(values.reshape(tall, -1), runs.place, axis=1, out=result[part])
    return result


def upsampled_below(
    logits: Floats, height: int, width: int, threshold: float, *, align_corners: bool
) -> NDArray[np.bool_]:
    """Where the confidence is below a threshold: `upsampled_confidence(…) < threshold`, in a fraction of its time.

    Args:
        logits: `(classes, h, w)` `float32`, at most 255 classes.
        height: of the picture, in pixels.
        width: of the picture, in pixels.
        threshold: a probability, above 0 and at most 1.
        align_corners: as in `torch.nn.functional.interpolate`.

    Returns:
        `(height, width)` `bool`.

    Raises:
        UsageError: a threshold that is no such probability.
        WeightsError: logits that are not finite, or of another shape.
    """
    if not 0.0 < threshold <= 1.0:
        raise UsageError(f"a confidence is above 0 and at most 1, not {threshold}")
    check_logits(logits)
    limit = np.float32(threshold)
    if _too_far_apart(logits):
        return upsampled_confidence(logits, height, width, align_corners=align_corners) < limit
    rows, runs = axis(logits.shape[1], height, align_corners), _runs(logits.shape[2], width, align_corners)
    below = np.zeros((height, width), np.bool_)
    row, run = np.nonzero(_in_doubt(logits, threshold)[:, runs.low][rows.low])
    if not len(row):
        return below
    flat = logits.reshape(len(logits), -1)
    wide = logits.shape[2]
    blocks = math.ceil(len(row) * len(logits) / _BLOCK)
    for y, r in zip(np.array_split(row, blocks), np.array_split(run, blocks), strict=True):
        over, under, weight = rows.low[y] * wide, rows.high[y] * wide, rows.weight[y]
        low, high = (
            _ahead(np.take(flat, over + at, axis=1), np.take(flat, under + at, axis=1), weight)
            for at in (runs.low[r], runs.high[r])
        )
        count, place = runs.count[r], y * width + runs.first[r]
        for inside, probability in enumerate(_along(low, high, runs.weight[r], runs.step[r], int(count.max()))):
            below.reshape(-1)[(place + inside)[(probability < limit) & (count > inside)]] = True
    return below


def _ahead(upper: Floats, lower: Floats, weight: Floats) -> Floats:
    """Samples interpolated between two rows of the grid, less the greatest of their classes."""
    samples = lower - upper
    samples *= weight
    samples += upper
    samples -= samples.max(axis=0)
    return samples


def _along(low: Floats, high: Floats, weight: Floats, step: Floats, longest: int) -> Iterator[Floats]:
    """The winner's probability at each run's first pixel, at its second, and so on: `(runs,)` each.

    Args:
        low: logits at the sample before each run, `(classes, …)`, in all as many as there are runs; in C order.
        high: those at the sample after it.
        weight: of each run's first pixel, `(runs,)`.
        step: of each run, `(runs,)`.
        longest: how many pixels to give.
    """
    low, slope = low.reshape(len(low), -1), high.reshape(len(high), -1)
    runs = low.shape[1]
    if runs == 1:
        # A lone run would be added up in another order than one among others, with another rounding.
        low, slope = np.repeat(low, 2, axis=1), np.repeat(slope, 2, axis=1)
    slope -= low
    odds = slope * weight
    odds += low
    np.exp(odds, out=odds)
    slope *= step
    ratio = np.exp(slope, out=slope)
    best, total = np.empty(odds.shape[1], np.float32), np.empty(odds.shape[1], np.float32)
    for inside in range(longest):
        if inside:
            odds *= ratio
        # Over two axes in all, of which the last is whole: three would be walked with a stride.
        np.maximum.reduce(odds, axis=0, out=best)
        np.add.reduce(odds, axis=0, out=total)
        yield np.divide(best, total, out=best)[:runs]


def _too_far_apart(logits: Floats) -> bool:
    return bool(np.max(logits.max(axis=0) - logits.min(axis=0)) > _SPREAD)


def _in_doubt(logits: Floats, threshold: float) -> NDArray[np.bool_]:
    """The cells of the grid, `(h, w)`, whose corners do not show that all inside is at or above a threshold.

    `log(sum(exp(z))) - z[c]` is convex in the logits, and those inside a cell are convex combinations of its corners':
    it is nowhere above its highest corner, nor the winner's confidence below what that says of the class `c`.
    """
    ahead = logits - logits.max(axis=0)
    against = np.log(np.exp(ahead).sum(axis=0)) - ahead
    favourite = logits.argmax(axis=0)[None]
    worst = np.take_along_axis(against, favourite, axis=0)[0]
    for shift in ((0, 1), (1, 0), (1, 1)):
        corner = np.pad(against, ((0, 0), (0, shift[0]), (0, shift[1])), mode="edge")[:, shift[0] :, shift[1] :]
        np.maximum(worst, np.take_along_axis(corner, favourite, axis=0)[0], out=worst)
    rounding = np.float32(_DOUBT + 1e-6 * float(np.abs(logits).max()))
    return np.asarray(worst > -math.log(threshold) - rounding)
