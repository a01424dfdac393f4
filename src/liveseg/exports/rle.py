"""COCO's run lengths: a mask column by column, as the lengths of its runs of zeros and ones in turn, packed as text.

The packed form is that of the COCO API (`rleToString` of its `maskApi.c`), and the same to the byte.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]


def class_changes(mask: NDArray[np.uint8]) -> dict[int, Ints]:
    """Where the runs of each value begin and end, in turn, counted down the columns; all values in one pass.

    Args:
        mask: `(H, W)` `uint8`.
    """
    flat = np.asarray(cv2.transpose(mask)).reshape(-1)
    starts = np.concatenate(([0], np.flatnonzero(flat[1:] != flat[:-1]) + 1))
    ends = np.append(starts[1:], flat.size)
    values = flat[starts]
    pairs = np.stack((starts, ends), axis=1)
    return {int(value): pairs[values == value].reshape(-1) for value in np.unique(values)}


def ring_changes(rings: Sequence[NDArray[np.int32]], height: int) -> Ints:
    """Where the runs of what rings along the pixels' edges enclose begin and end, in turn, counted down the columns.

    Args:
        rings: `(N, 2)` `(x, y)`, not closed; their edges are horizontal or vertical.
        height: of the mask, in pixels.
    """
    here = np.concatenate(rings).astype(np.int64)
    there = np.concatenate([np.roll(ring, -1, axis=0) for ring in rings])
    left = np.minimum(here[:, 0], there[:, 0])
    lengths = np.abs(here[:, 0] - there[:, 0])
    # A horizontal edge is a change in each column that it crosses.
    step = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    changes = np.sort((np.repeat(left, lengths) + step) * height + np.repeat(here[:, 1], lengths))
    # The end of a column and the start of the next are one place, where a run goes on.
    same = np.flatnonzero(changes[1:] == changes[:-1])
    return np.delete(changes, np.concatenate((same, same + 1)))


def packed(changes: Ints, pixels: int) -> str:
    """Run lengths as text, which pycocotools takes as `counts`.

    Args:
        changes: where the runs of ones begin and end, in turn.
        pixels: how many the mask has.
    """
    edges = np.concatenate(([0], changes, [pixels]))
    counts = np.diff(edges if edges[-2] != pixels else edges[:-1])
    rest = counts.copy()
    # From the fourth on, each is told as what it differs from the last of its kind.
    rest[3:] -= counts[1:-2]
    groups = []
    unfinished = np.ones(len(rest), np.bool_)
    while unfinished.any():
        # Five bits at a time, the low ones first. The sixth says that more follow; the fifth of the last is the sign.
        low = rest & 31
        rest >>= 5
        more = unfinished & (rest != np.where(low & 16, -1, 0))
        groups.append(np.where(unfinished, low + 32 * more + 48, 0))
        unfinished = more
    text = np.stack(groups, axis=1).reshape(-1)
    return text[text > 0].astype(np.uint8).tobytes().decode("ascii")


def unpacked(text: str) -> Ints:
    """Run lengths from text, as pycocotools writes `counts`: of zeros and ones in turn (`rleFrString` of `maskApi.c`).

    Raises:
        ValueError: text that is none.
    """
    codes = np.frombuffer(text.encode(), np.uint8).astype(np.int64) - 48
    if not codes.size or codes.min() < 0 or codes.max() > 63 or codes[-1] & 32:
        raise ValueError("its run lengths are no text of COCO's")
    ends = np.flatnonzero(codes & 32 == 0)
    starts = np.concatenate(([0], ends[:-1] + 1))
    place = np.arange(len(codes)) - np.repeat(starts, ends - starts + 1)
    if place.max() > 11:  # more than 60 bits
        raise ValueError("its run lengths are no text of COCO's")
    numbers = np.add.reduceat((codes & 31) << 5 * place, starts)
    # The highest bit that was written is the sign.
    counts = numbers - np.where(codes[ends] & 16, 1 << 5 * (place[ends] + 1), 0)
    counts[1::2] = np.cumsum(counts[1::2])
    counts[2::2] = np.cumsum(counts[2::2])
    return counts


def box(changes: Ints, height: int) -> tuple[int, int, int, int]:
    """The box around the ones: x, y, width and height.

    Args:
        changes: where the runs of ones begin and end, in turn; at least one run.
        height: of the mask, in pixels.
    """
    first, last = changes[0::2], changes[1::2] - 1
    left, right = int(first[0] // height), int(last[-1] // height)
    if (first // height != last // height).any():
        return left, 0, right - left + 1, height
    top, bottom = int((first % height).min()), int((last % height).max())
    return left, top, right - left + 1, bottom - top + 1
