"""Low-resolution logits to a full-size mask: exact, without building the full-size logits.

The reference result is bilinear interpolation of the logits to the source's size, then argmax. Interpolated logits
are convex combinations of the four corners of their grid cell, so where the four corners agree on the winner, the
whole inside has that winner. Only the other cells, those that a border runs through, are interpolated, and of their
classes only those that can win somewhere inside: class `c` cannot where some class is everywhere above the highest
corner of `c`.
"""

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

_BLOCK_PIXELS = 1 << 17
"""How many pixels are interpolated at once: their values and winners stay in a processor's second-level cache."""


@dataclass(frozen=True)
class _Axis:
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
def _axis(samples: int, pixels: int, align_corners: bool) -> _Axis:
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
    return _Axis(low, high, (position - low).astype(np.float32), blocks, counts)


def upsampled_argmax(logits: Floats, height: int, width: int, *, align_corners: bool) -> NDArray[np.uint8]:
    """The mask that bilinear up-sampling of `logits` to `height` x `width`, then argmax over the classes, gives.

    Args:
        logits: `(classes, h, w)` `float32`, at most 255 classes.
        height: of the mask, in pixels.
        width: of the mask, in pixels.
        align_corners: as in `torch.nn.functional.interpolate`.

    Returns:
        `(height, width)` `uint8` class indices; of tied classes the lowest.

    Raises:
        WeightsError: logits that are not finite, or of another shape.
    """
    _check(logits)
    rows = _axis(logits.shape[1], height, align_corners)
    columns = _axis(logits.shape[2], width, align_corners)
    winner = _winners(logits)
    mask: NDArray[np.uint8] = np.repeat(np.repeat(winner, columns.counts, axis=1), rows.counts, axis=0)
    below, right = _next(winner, 0), _next(winner, 1)
    border = (winner != below) | (winner != right) | (winner != _next(below, 1))
    border[rows.counts == 0] = False
    border[:, columns.counts == 0] = False
    if border.any():
        _resolve(logits, border, rows, columns, mask)
    return mask


def upsampled(logits: Floats, height: int, width: int, *, align_corners: bool) -> Floats:
    """Bilinear up-sampling in full, `(classes, height, width)` `float32`: for those who want every logit."""
    _check(logits)
    result = np.empty((logits.shape[0], height, width), np.float32)
    for top, strip in _strips(logits, height, width, align_corners):
        result[:, top : top + strip.shape[1]] = strip
    return result


def upsampled_confidence(logits: Floats, height: int, width: int, *, align_corners: bool) -> Floats:
    """The probability of each pixel's winner: softmax after interpolation, `(height, width)` `float32` in (0, 1]."""
    _check(logits)
    result = np.empty((height, width), np.float32)
    for top, strip in _strips(logits, height, width, align_corners):
        odds = np.exp(strip - strip.max(axis=0))
        np.divide(1.0, odds.sum(axis=0), out=result[top : top + strip.shape[1]])
    return result


def _check(logits: Floats) -> None:
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


def _winners(logits: Floats) -> NDArray[np.uint8]:
    """The argmax over the first axis; NumPy's own walks that axis with a stride and is several times slower."""
    best = logits[0].copy()
    winner = np.zeros(best.shape, np.uint8)
    for index in range(1, logits.shape[0]):
        better = logits[index] > best
        np.copyto(best, logits[index], where=better)
        winner[better] = index
    return winner


def _next(values: NDArray[np.uint8], axis: int) -> NDArray[np.uint8]:
    """Each value's successor along an axis; the last repeats."""
    if axis == 0:
        return np.concatenate((values[1:], values[-1:]), axis=0)
    return np.concatenate((values[:, 1:], values[:, -1:]), axis=1)


def _resolve(logits: Floats, border: NDArray[np.bool_], rows: _Axis, columns: _Axis, mask: NDArray[np.uint8]) -> None:
    """Interpolate the cells of `border` and write their pixels' winners into `mask`."""
    classes, height, width = logits.shape
    flat = logits.reshape(classes, height * width)
    y, x = np.nonzero(border)
    below, right = np.minimum(y + 1, height - 1), np.minimum(x + 1, width - 1)
    corners = np.stack((y * width + x, y * width + right, below * width + x, below * width + right))
    values = flat[:, corners]  # (classes, 4, cells)
    can_win = values.max(axis=1) >= values.min(axis=1).max(axis=0)
    contenders = can_win.sum(axis=0)
    # Cells with many contenders first: those with more than k of them are then a slice, not a selection.
    order = np.argsort(-contenders, kind="stable")
    y, x, contenders = y[order], x[order], contenders[order]
    # Contenders of each cell in ascending order of class, so that the lowest of tied classes stays.
    ranking = np.argsort(~can_win[:, order], axis=0, kind="stable")[: contenders[0]]
    values = values[:, :, order]
    block = rows.blocks.shape[1] * columns.blocks.shape[1]
    step = max(_BLOCK_PIXELS // block, 1)
    for start in range(0, len(y), step):
        part = slice(start, start + step)
        pixel_y, pixel_x = rows.blocks[y[part]], columns.blocks[x[part]]
        labels = _block_winners(
            values[:, :, part], ranking[:, part], contenders[part], rows.weight[pixel_y], columns.weight[pixel_x]
        )
        mask[pixel_y[:, :, None], pixel_x[:, None, :]] = labels


def _block_winners(
    values: Floats, ranking: Ints, contenders: Ints, weight_y: Floats, weight_x: Floats
) -> NDArray[np.uint8]:
    """The winners inside cells: `(cells, pixel rows, pixel columns)` from corner `values` `(classes, 4, cells)`."""
    cells = np.arange(values.shape[2])
    best = np.full((len(cells), weight_y.shape[1], weight_x.shape[1]), -np.inf, np.float32)
    labels = np.zeros(best.shape, np.uint8)
    for rank in range(int(contenders[0])):
        count = int(np.searchsorted(-contenders, -rank, side="left"))
        chosen = ranking[rank, :count]
        corner = values[chosen, :, cells[:count]][:, :, None]  # (count, 4, 1)
        upper = corner[:, 0] + (corner[:, 1] - corner[:, 0]) * weight_x[:count]
        lower = corner[:, 2] + (corner[:, 3] - corner[:, 2]) * weight_x[:count]
        lower -= upper
        value = lower[:, None, :] * weight_y[:count, :, None]
        value += upper[:, None, :]
        better = value > best[:count]
        np.maximum(best[:count], value, out=best[:count])
        np.copyto(labels[:count], chosen.astype(np.uint8)[:, None, None], where=better)
    return labels


def _strips(logits: Floats, height: int, width: int, align_corners: bool) -> Iterator[tuple[int, Floats]]:
    """Full-size logits by strips of rows: `(first row, (classes, rows, width))`, a few megabytes each."""
    rows = _axis(logits.shape[1], height, align_corners)
    columns = _axis(logits.shape[2], width, align_corners)
    spread = np.zeros((logits.shape[2], width), np.float32)
    np.add.at(spread, (columns.low, np.arange(width)), 1.0 - columns.weight)
    np.add.at(spread, (columns.high, np.arange(width)), columns.weight)
    step = max((1 << 20) // (logits.shape[0] * width), 1)
    for top in range(0, height, step):
        part = slice(top, min(top + step, height))
        weight = rows.weight[part, None]
        upper, lower = logits[:, rows.low[part]], logits[:, rows.high[part]]
        yield top, (upper + (lower - upper) * weight) @ spread
