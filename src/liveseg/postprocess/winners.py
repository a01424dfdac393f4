"""Low-resolution logits to a full-size mask: exact, without building the full-size logits.

The reference result is bilinear interpolation of the logits to the source's size, then argmax. Interpolated logits
are convex combinations of the four corners of their grid cell, so where the four corners agree on the winner, the
whole inside has that winner. Only the other cells, those that a border runs through, are interpolated, and of their
classes only those that can win somewhere inside: class `c` cannot where some class is everywhere above the highest
corner of `c`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from liveseg.postprocess.grid import axis, check_logits

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from liveseg.postprocess.grid import Axis, Floats, Ints

_BLOCK_PIXELS = 1 << 17
"""How many pixels are interpolated at once: their values and winners stay in a processor's second-level cache."""

_CELLS = 1 << 16
"""How many cells are taken up at once, about 100 MB for 21 classes: a frame of a video has fewer, but a picture of 100
megapixels may have a million."""


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
    check_logits(logits)
    rows = axis(logits.shape[1], height, align_corners)
    columns = axis(logits.shape[2], width, align_corners)
    winner = _winners(logits)
    mask: NDArray[np.uint8] = np.repeat(np.repeat(winner, columns.counts, axis=1), rows.counts, axis=0)
    below, right = _next(winner, 0), _next(winner, 1)
    border = (winner != below) | (winner != right) | (winner != _next(below, 1))
    border[rows.counts == 0] = False
    border[:, columns.counts == 0] = False
    y, x = np.nonzero(border)
    for start in range(0, len(y), _CELLS):
        part = slice(start, start + _CELLS)
        _resolve(logits, y[part], x[part], rows, columns, mask)
    return mask


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


def _resolve(logits: Floats, y: Ints, x: Ints, rows: Axis, columns: Axis, mask: NDArray[np.uint8]) -> None:
    """Interpolate the cells at rows `y` and columns `x`, and write their pixels' winners into `mask`."""
    classes, height, width = logits.shape
    flat = logits.reshape(classes, height * width)
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
