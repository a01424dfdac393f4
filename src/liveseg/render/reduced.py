"""A picture at a fraction of its size, and back: for what changes slowly from pixel to pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

_PART_ROWS = 64
"""Rows of the full picture that are worked on at once: a processor's cache holds them."""

_LEAST_ROWS = 4
"""Rows of the reduced picture at once; to enlarge fewer is mostly to enlarge their neighbours."""

_GAP = 8
"""Columns of the reduced picture that are worth leaving out, rather than enlarging one part for two."""


@dataclass(frozen=True)
class Region:
    """A part of the reduced picture: rows `top` to `bottom` and columns `left` to `right`, the ends not included."""

    top: int
    bottom: int
    left: int
    right: int


@dataclass(frozen=True)
class Reduction:
    """Pictures of one size, at one part in `step` of it.

    Args:
        height: of the pictures.
        width: likewise.
        step: how many of their pixels, in each direction, are one of the reduced picture.
    """

    height: int
    width: int
    step: int

    def down(self, pixels: NDArray[np.uint8]) -> Floats:
        """Each block's mean: `(H, W)` or `(H, W, 3)` `uint8` to `float32` in [0, 1] at the reduced size."""
        rows, columns = -(-self.height // self.step), -(-self.width // self.step)
        below, beside = rows * self.step - self.height, columns * self.step - self.width
        whole: Any = pixels
        if below or beside:
            whole = cv2.copyMakeBorder(pixels, 0, below, 0, beside, cv2.BORDER_REPLICATE)
        small = cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA)
        return np.asarray(small, np.float32) * np.float32(1 / 255)

    def blocks(self, values: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The full picture of reduced values, each a block."""
        rows, columns = values.shape
        large = cv2.resize(values, (columns * self.step, rows * self.step), interpolation=cv2.INTER_NEAREST)
        return np.array(large[: self.height, : self.width], np.uint8)

    def up(self, values: Floats, region: Region) -> Floats:
        """A region of what bilinear enlarging makes of reduced values, at full size; at most four channels."""
        # A row and a column more on each side, so that its edges are the same as in the whole.
        top, left = max(region.top - 1, 0), max(region.left - 1, 0)
        part = values[top : region.bottom + 1, left : region.right + 1]
        large = cv2.resize(part, (part.shape[1] * self.step, part.shape[0] * self.step))
        rows, columns = self.full(region)
        above, beside = top * self.step, left * self.step
        return np.asarray(
            large[rows.start - above : rows.stop - above, columns.start - beside : columns.stop - beside], np.float32
        )

    def full(self, region: Region) -> tuple[slice, slice]:
        """The rows and the columns of the full picture that a region stands for."""
        step = self.step
        return (
            slice(region.top * step, min(region.bottom * step, self.height)),
            slice(region.left * step, min(region.right * step, self.width)),
        )

    def regions(self, wanted: NDArray[np.bool_]) -> Iterator[Region]:
        """Parts, each small, that together hold all pixels that are wanted of the reduced picture, and few others."""
        height = max(_PART_ROWS // self.step, _LEAST_ROWS)
        for top in range(0, wanted.shape[0], height):
            strip = wanted[top : top + height]
            columns = np.flatnonzero(strip.any(axis=0))
            for run in np.split(columns, np.flatnonzero(np.diff(columns) > _GAP) + 1):
                if run.size:
                    yield Region(top, top + strip.shape[0], int(run[0]), int(run[-1]) + 1)
