"""The pixels that a polygon covers, by the rule of the COCO API, to the pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

_SCALE = 5
_FARTHEST = 1e6


class Patch(NamedTuple):
    """Some of a mask's pixels: `(h, w)` `bool`, whose upper left pixel is column `left` of row `top`."""

    left: int
    top: int
    ones: NDArray[np.bool_]


def polygon_changes(points: NDArray[np.float64], height: int, width: int) -> Ints:
    """Where a polygon's pixels begin and end, counted down the columns; unsorted, and a place named twice is none.

    The rule is that of `rleFrPoly` in the COCO API's `maskApi.c`: the border is walked on a grid five times as fine,
    and a column changes where the walk crosses its middle.

    Args:
        points: `(N, 2)` `(x, y)` in pixels, the left upper corner of the picture being `(0, 0)`; not closed.
        height: of the mask, in pixels.
        width: likewise.

    Raises:
        ValueError: points that are no numbers, or a million pixels away.
    """
    if len(points) < 3:  # encloses nothing
        return np.zeros(0, np.int64)
    if not (np.abs(points) <= _FARTHEST).all():
        raise ValueError("a polygon has a point that is far outside of the picture, or none")
    # As C's casts do, numbers are cut off towards zero.
    start = np.trunc(_SCALE * points + 0.5).astype(np.int64)
    end = np.roll(start, -1, axis=0)
    start, end = start[(start != end).any(axis=1)], end[(start != end).any(axis=1)]
    if not len(start):
        return np.zeros(0, np.int64)
    x, y = _walk(start, end)
    crosses = x[1:] != x[:-1]
    column = np.where(x[1:] < x[:-1], x[1:], x[1:] - 1)[crosses]
    row = np.minimum(y[1:], y[:-1])[crosses]
    half = _SCALE // 2
    middle = (column % _SCALE == half) & (column >= half) & (column - half <= _SCALE * (width - 1))
    below = np.clip(-((half - row[middle]) // _SCALE), 0, height)
    places: Ints = (column[middle] - half) // _SCALE * height + below
    return places


def filled(changes: Ints, height: int, width: int) -> Patch:
    """The pixels between changes that are counted down the columns, in those columns that have any.

    Args:
        changes: where runs begin and end, the end of the last one too; in any order, a place named twice being none.
        height: of the mask, in pixels.
        width: likewise.
    """
    if not changes.size:
        return Patch(0, 0, np.zeros((0, 0), np.bool_))
    first, last = int(changes.min()) // height, min(int(changes.max()) // height + 1, width)
    flips = np.zeros((last - first) * height + 1, np.uint8)
    inside = changes - first * height
    np.add.at(flips, inside[inside < len(flips)], 1)
    ones = (np.cumsum(flips[:-1], dtype=np.uint8) & 1).view(np.bool_)
    return Patch(first, 0, ones.reshape(last - first, height).T)


def _walk(start: Ints, end: Ints) -> tuple[Ints, Ints]:
    """All points of the fine grid along the edges, each edge from its start to its end."""
    distance = np.abs(end - start)
    steep = distance[:, 0] < distance[:, 1]
    edges = np.arange(len(start))
    main = steep.astype(np.int64)
    turned = start[edges, main] > end[edges, main]
    low, high = np.where(turned[:, None], end, start), np.where(turned[:, None], start, end)
    steps = distance.max(axis=1)
    slope = (high[edges, 1 - main] - low[edges, 1 - main]) / steps
    edge = np.repeat(edges, steps + 1)
    step = np.arange(len(edge)) - np.repeat(np.cumsum(steps + 1) - steps - 1, steps + 1)
    step = np.where(turned[edge], steps[edge] - step, step)
    along = low[edges, main][edge] + step
    across = np.trunc(low[edges, 1 - main][edge] + slope[edge] * step + 0.5).astype(np.int64)
    return np.where(steep[edge], across, along), np.where(steep[edge], along, across)
