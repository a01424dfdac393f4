"""Resizing on the device as `preprocess.resize` does it on the CPU: OpenCV's arithmetic, roundings included.

A network's mask changes at its borders when its input changes by one level of 255, so the arithmetic is that of
OpenCV's own `resize` (modules/imgproc/src/resize.cpp): fixed-point bilinear, and area averages in floating point. On
x86 bilinear pixels come out the same, and area averages but for one in some thousands, by one level. Where OpenCV has
code of its own for a processor, more may differ, by one level again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from torch import Tensor

    Shape = tuple[int, int]
    Ints = NDArray[np.int64]
    Floats = NDArray[np.float32]
    Transform = Callable[[Tensor], Tensor]

_ONE = 2048
"""What OpenCV's fixed-point weights count as 1."""


def resizer(before: Shape, after: Shape, device: torch.device) -> Transform:
    """A function that resizes `(N, H, W, 3)` `uint8` as `preprocess.resize` does.

    Args:
        before: height and width.
        after: height and width.
        device: where the pixels are.
    """
    if before == after:
        return lambda pixels: pixels
    if after[0] <= before[0] and after[1] <= before[1]:
        return _area(before, after, device)
    return _bilinear(before, after, device)


def _area(before: Shape, after: Shape, device: torch.device) -> Transform:
    """INTER_AREA where no axis grows: each pixel is the mean of what it covers."""
    # Halves have code of their own in OpenCV, in whole numbers, which rounds halves up.
    halves = before == (2 * after[0], 2 * after[1])
    rows, columns = (_covered(source, target) for source, target in zip(before, after, strict=True))
    taps = [
        (dimension, torch.tensor(index, device=device), torch.tensor(weight, device=device).view(shape))
        for dimension, shape, axis in ((1, (-1, 1, 1), rows), (2, (-1, 1), columns))
        for index, weight in zip(*axis, strict=True)
    ]

    def weighted(pixels: Tensor, dimension: int) -> Tensor:
        (index, weight), *others = [tap[1:] for tap in taps if tap[0] == dimension]
        total = pixels.index_select(dimension, index) * weight
        for index, weight in others:
            total.addcmul_(pixels.index_select(dimension, index).float(), weight)
        return total

    def resize(pixels: Tensor) -> Tensor:
        result = weighted(weighted(pixels, 1), 2)
        return (result.add_(0.5).floor_() if halves else result.round_()).to(torch.uint8)

    return resize


def _covered(source: int, target: int) -> tuple[Ints, Floats]:
    """The samples that each sample of a shrunk axis covers, and their shares: two arrays `(most, target)`."""
    place = np.arange(target)
    scale = source / target
    start, end = place * scale, np.minimum((place + 1) * scale, source)
    index = np.floor(start).astype(np.int64) + np.arange(int(np.ceil(scale)) + 1)[:, None]
    share = np.maximum(np.minimum(index + 1, end) - np.maximum(index, start), 0)
    share /= share.sum(axis=0)
    used = share.any(axis=1)
    return np.minimum(index, source - 1)[used], share[used].astype(np.float32)


def _bilinear(before: Shape, after: Shape, device: torch.device) -> Transform:
    """INTER_LINEAR, and INTER_AREA where an axis grows, which OpenCV makes a bilinear of its own."""
    grows = after[0] * after[1] >= before[0] * before[1]
    axes = []
    for source, target, shape in zip(before, after, ((-1, 1, 1), (-1, 1)), strict=True):
        low, share = (_half_pixel if grows else _edges)(source, target)
        weights = [np.rint(part * _ONE).astype(np.int32) for part in (1 - share, share)]
        axes.append(
            [torch.tensor(index.clip(0, source - 1), device=device) for index in (low, low + 1)]
            + [torch.tensor(weight, device=device).view(shape) for weight in weights]
        )
    (above, below, weight_above, weight_below), (left, right, weight_left, weight_right) = axes

    def resize(pixels: Tensor) -> Tensor:
        across = pixels.index_select(2, left) * weight_left
        across.addcmul_(pixels.index_select(2, right).int(), weight_right)
        across >>= 4
        result = (across.index_select(1, above) * weight_above) >> 16
        result += (across.index_select(1, below) * weight_below) >> 16
        return ((result + 2) >> 2).to(torch.uint8)

    return resize


def _half_pixel(source: int, target: int) -> tuple[Ints, Floats]:
    """The sample at or before each place of a resized axis and the share of the one after it, centres to centres."""
    position = ((np.arange(target) + 0.5) * (source / target) - 0.5).astype(np.float32)
    low = np.floor(position).astype(np.int64)
    return low, (position - low).astype(np.float32)


def _edges(source: int, target: int) -> tuple[Ints, Floats]:
    """The same, edges to edges: a place takes from the next sample only as far as it reaches into it."""
    place = np.arange(target)
    ratio = target / source
    low = np.floor(place * (1 / ratio)).astype(np.int64)
    share = ((place + 1) - (low + 1) * ratio).astype(np.float32)
    return low, np.where(share <= 0, np.float32(0), share - np.floor(share))
