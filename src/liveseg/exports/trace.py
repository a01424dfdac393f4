"""The borders of a mask's regions, exact: rings along the edges of pixels, not through their centres.

A region is a 4-connected set of pixels of one class. Its border has *corners*, where it turns, with straight edges
between them. On each horizontal line of the pixels' grid the corners of one class, from left to right, are pairwise
the ends of an edge, and so they are on each vertical line: sorted twice, they tell all edges at once, and only the walk
from corner to corner is left to do one by one.

Where a region's pixels meet in a point only, its border visits that point twice. There it is cut in two, so that no
ring touches itself, and a hole that reaches the border is a hole which touches it: the form that the Simple Features of
the OGC call valid.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from liveseg.labels import IGNORE_INDEX

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

_BLOCK_PIXELS = 1 << 18
"""How many pixels are looked at at once: what is made of them stays in a processor's cache."""


@dataclass(frozen=True, eq=False)
class Region:
    """A 4-connected set of pixels of one class.

    Args:
        index: the class.
        exterior: its outer ring, `(N, 2)` `int32` `(x, y)`, not closed: from its topmost corner (of those the leftmost)
            clockwise as one sees it, which makes its area positive with x to the right and y down.
        holes: its inner rings, likewise, the other way round.
        pixels: how many it has.
        total: the sum of the weights that were given, over its pixels; 0 without.
    """

    index: int
    exterior: NDArray[np.int32]
    holes: tuple[NDArray[np.int32], ...]
    pixels: int
    total: float


class _Corners(NamedTuple):
    """Where borders turn; a point where two pixels of a class meet by their corners only has two.

    Args:
        classes: the class that each one's border is of.
        x: of the point.
        y: of the point.
        east: whether the horizontal edge lies to its right, else to its left.
        south: whether the vertical edge lies below, else above.
        flat_next: whether the walk leaves by the horizontal edge, else by the vertical one.
    """

    classes: Ints
    x: Ints
    y: Ints
    east: Flags
    south: Flags
    flat_next: Flags


class _Rings(NamedTuple):
    """Corners ring after ring: `order[starts[i]:ends[i]]` are those of ring `i`; `following` is each place's next."""

    order: Ints
    starts: Ints
    ends: Ints
    following: Ints


def regions(
    mask: NDArray[np.uint8], classes: Iterable[int], weights: NDArray[np.float32] | None = None
) -> list[Region]:
    """The regions of some classes, by class and, within it, from top to bottom by their first pixel.

    Args:
        mask: `(H, W)` `uint8` class indices.
        classes: the indices wanted; 255 is no class.
        weights: `(H, W)`, to be summed over each region.
    """
    corners = _corners(mask, classes)
    if not corners.classes.size:
        return []
    rows = _row_key(corners, mask.shape)
    across = np.argsort(rows)
    columns = _column_key(corners.classes, corners.x, corners.y, corners.south, mask.shape)
    down = np.argsort(columns)
    successor = np.where(corners.flat_next, _other_ends(across), _other_ends(down))
    rings = _rings(successor, across, _twins(rows, across))

    x, y = corners.x[rings.order], corners.y[rings.order]
    areas = np.add.reduceat(x * (y[rings.following] - y), rings.starts)
    totals = np.zeros(len(areas)) if weights is None else _totals(weights, x, y, rings)
    outer_of = _outer_rings(mask, corners, rings, areas < 0, columns[down], down)
    pixels, sums = np.bincount(outer_of, areas), np.bincount(outer_of, totals)
    points = np.stack((x, y), axis=1).astype(np.int32)
    members: dict[int, list[int]] = {}
    for ring, outer in enumerate(outer_of.tolist()):
        # An exterior begins above its holes, so it comes before them.
        members.setdefault(outer, []).append(ring)

    def region(outer: int, numbers: list[int]) -> Region:
        exterior, *holes = (points[rings.starts[ring] : rings.ends[ring]] for ring in numbers)
        index = corners.classes[rings.order[rings.starts[outer]]]
        return Region(int(index), exterior, tuple(holes), int(pixels[outer]), float(sums[outer]))

    return [region(outer, numbers) for outer, numbers in members.items()]


def _corners(mask: NDArray[np.uint8], classes: Iterable[int]) -> _Corners:
    wanted = np.zeros(256, np.bool_)
    wanted[list(classes)] = True
    wanted[IGNORE_INDEX] = False
    # A frame of no class, so that the picture's edge is a border like any other.
    framed = np.asarray(cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=IGNORE_INDEX), np.uint8)
    width = framed.shape[1]
    place = _turns(framed)
    y, x = np.divmod(place, width)
    around = framed.reshape(-1)[place + np.array([[0], [1], [width], [width + 1]])]

    found: list[tuple[Ints, NDArray[np.uint8]]] = []
    for quadrant in range(4):
        own, beside, above, opposite = (around[quadrant ^ other] for other in range(4))
        convex = np.flatnonzero((own != beside) & (own != above) & wanted[own])
        concave = np.flatnonzero((own != beside) & (beside == above) & (beside == opposite) & wanted[beside])
        found += [(convex, own[convex]), (concave, beside[concave])]
    at = np.concatenate([points for points, _ in found])
    kind = np.repeat(np.arange(8), [len(points) for points, _ in found])
    east, south, concave_ones = kind & 2 > 0, kind & 4 > 0, kind & 1 > 0
    owners = np.concatenate([values for _, values in found]).astype(np.int64)
    # Clockwise around a single pixel: from its upper left corner to the right, from its lower right one to the left.
    return _Corners(owners, x[at], y[at], east, south, (east == south) != concave_ones)


def _turns(framed: NDArray[np.uint8]) -> Ints:
    """The points where four pixels meet and a border may turn, as the flat index of the upper left pixel."""
    height, width = framed.shape
    step = max(_BLOCK_PIXELS // width, 1)
    found = []
    for top in range(0, height - 1, step):
        block = framed[top : top + step + 1]
        beside = block[:, 1:] != block[:, :-1]
        above = block[1:] != block[:-1]
        turns = (beside[1:] | beside[:-1]) & (above[:, 1:] | above[:, :-1])
        y, x = np.divmod(np.flatnonzero(turns), width - 1)
        found.append((y + top) * width + x)
    return np.concatenate(found)


def _row_key(corners: _Corners, shape: tuple[int, ...]) -> Ints:
    """Sorts corners by class, row and place in it; of two at one point first the one whose edge lies to the left."""
    height, width = shape
    place = (corners.classes * (height + 1) + corners.y) * (width + 1) + corners.x
    return 2 * place + corners.east


def _column_key(classes: Ints, x: Ints, y: Ints, south: Flags | int, shape: tuple[int, ...]) -> Ints:
    """Sorts corners by class, column and place in it; of two at one point first the one whose edge lies above."""
    height, width = shape
    return 2 * ((classes * (width + 1) + x) * (height + 1) + y) + south


def _other_ends(order: Ints) -> Ints:
    """The other end of each corner's edge, of corners in order along their lines."""
    ends = np.empty_like(order)
    ends[order[0::2]] = order[1::2]
    ends[order[1::2]] = order[0::2]
    return ends


def _twins(rows: Ints, across: Ints) -> Ints:
    """The other corner of the same class at each corner's point; -1 where there is none."""
    points = rows[across] >> 1
    same = np.flatnonzero(points[1:] == points[:-1])
    twins = np.full(len(rows), -1)
    twins[across[same]] = across[same + 1]
    twins[across[same + 1]] = across[same]
    return twins


def _rings(successor: Ints, across: Ints, twins: Ints) -> _Rings:
    """All walks, by class and first corner; each begins at its topmost corner, of those the leftmost."""
    follow = successor.tolist()
    seen = bytearray(len(follow))
    found: list[list[int]] = []
    for start in across.tolist():
        if seen[start]:
            continue
        ring = []
        corner = start
        while not seen[corner]:
            seen[corner] = 1
            ring.append(corner)
            corner = follow[corner]
        found.append(ring)
    if (twins >= 0).any():
        rank = np.argsort(across).tolist()
        twin_of = twins.tolist()
        found = sorted((part for ring in found for part in _cut(ring, twin_of, rank)), key=lambda part: rank[part[0]])
    lengths = np.array([len(ring) for ring in found])
    ends = np.cumsum(lengths)
    starts = ends - lengths
    following = np.arange(1, ends[-1] + 1)
    following[ends - 1] = starts
    return _Rings(np.array([corner for ring in found for corner in ring]), starts, ends, following)


def _cut(ring: list[int], twin_of: Sequence[int], rank: Sequence[int]) -> list[list[int]]:
    """A ring that visits points twice as rings that do not, each from its corner of lowest rank."""
    parts: list[list[int]] = []
    path: list[int] = []
    place: dict[int, int] = {}
    for corner in ring:
        twin = twin_of[corner]
        if twin >= 0:
            # Borders do not cross themselves: of two visits to a point both are on a part that is cut out, or neither.
            visited = place.get(twin)
            if visited is not None:
                parts.append(path[visited:])
                del path[visited:]
            place[corner] = len(path)
        path.append(corner)
    if not parts:
        return [ring]
    firsts = [(part, part.index(min(part, key=rank.__getitem__))) for part in (*parts, path)]
    return [part[first:] + part[:first] for part, first in firsts]


def _totals(weights: NDArray[np.float32], x: Ints, y: Ints, rings: _Rings) -> NDArray[np.float64]:
    """The weights that each ring encloses, negative for a hole: by Green's theorem, from an integral image."""
    sums = np.asarray(cv2.integral(weights, sdepth=cv2.CV_64F))
    x_next, y_next = x[rings.following], y[rings.following]
    return np.add.reduceat(np.where(x == x_next, sums[y_next, x] - sums[y, x], 0.0), rings.starts)


def _outer_rings(
    mask: NDArray[np.uint8], corners: _Corners, rings: _Rings, is_hole: Flags, columns: Ints, down: Ints
) -> Ints:
    """The exterior that each ring belongs to; an exterior belongs to itself.

    Left of a hole's first corner lies a run of its region's pixels, which begins at another ring of that region.

    Args:
        mask: `(H, W)`.
        corners: of all borders.
        rings: the walks.
        is_hole: one flag a ring.
        columns: the corners' keys by column, ascending.
        down: the corners in that order.
    """
    outer = np.arange(len(is_hole))
    holes = np.flatnonzero(is_hole)
    if not holes.size:
        return outer
    first = rings.order[rings.starts[holes]]
    classes, y = corners.classes[first], corners.y[first]
    # What stays of the row's bytes when those of the region are stripped from their end ends where its run begins.
    runs = zip(classes.tolist(), corners.x[first].tolist(), y.tolist(), strict=True)
    begins = np.array([len(mask[row, :end].tobytes().rstrip(bytes((index,)))) for index, end, row in runs])
    upper = np.searchsorted(columns, _column_key(classes, begins, y, 1, mask.shape), side="right") - 1
    # A region's left edges are walked upwards, so the walk is that which leaves their lower end.
    ring_of = np.empty(len(rings.order), np.int64)
    ring_of[rings.order] = np.repeat(outer, rings.ends - rings.starts)
    for hole, beside in zip(holes.tolist(), ring_of[down[upper + 1]].tolist(), strict=True):
        # The ring beside comes before this one in their order, so where it belongs is known.
        outer[hole] = outer[beside]
    return outer
