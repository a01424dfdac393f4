"""Masks that are drawn when they are read: polygons, run lengths and brush strokes on the size of a photo."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from liveseg.datasets import brush
from liveseg.datasets.base import Sample
from liveseg.datasets.photo import fitted, shown_size
from liveseg.datasets.polygon import Patch, filled, polygon_changes
from liveseg.errors import DataError
from liveseg.exports import rle
from liveseg.labels import IGNORE_INDEX

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

Rule = Literal["paint", "reference"]
"""What holds where shapes overlap: the later one lies on top, or, as in torchvision's reference, nothing is known."""


@dataclass(frozen=True)
class Shape(ABC):
    """What one object covers.

    Args:
        index: its class in the mask.
    """

    index: int

    @abstractmethod
    def patch(self, height: int, width: int) -> Patch:
        """Its pixels in a mask of that size.

        Raises:
            ValueError: data that makes no sense there.
        """


@dataclass(frozen=True)
class Polygons(Shape):
    """What lies in any of some polygons, by the rule of the COCO API.

    Args:
        rings: the points of each, `x` and `y` in turn, in pixels, as the bytes of `float64`.
    """

    rings: tuple[bytes, ...]

    @classmethod
    def of(cls, index: int, rings: Iterable[Sequence[float] | NDArray[np.float64]]) -> Polygons:
        """From the numbers of each polygon, `x` and `y` in turn."""
        return cls(index, tuple(np.asarray(ring, np.float64).tobytes() for ring in rings))

    def patch(self, height: int, width: int) -> Patch:
        """What any of the polygons covers."""
        patches = []
        for ring in self.rings:
            points = np.frombuffer(ring)
            if len(points) % 2:
                raise ValueError("a polygon has an odd number of coordinates")
            patches.append(filled(polygon_changes(points.reshape(-1, 2), height, width), height, width))
        if len(patches) == 1:
            return patches[0]
        together = np.zeros((height, width), np.bool_)
        for left, top, ones in patches:
            together[top : top + ones.shape[0], left : left + ones.shape[1]] |= ones
        return Patch(0, 0, together)


@dataclass(frozen=True)
class ColumnRuns(Shape):
    """COCO's run lengths, down the columns of the whole mask.

    Args:
        size: height and width that they were made for.
        counts: packed as text, or the lengths as the bytes of `int64`.
    """

    size: tuple[int, int]
    counts: str | bytes

    def patch(self, height: int, width: int) -> Patch:
        """The pixels of the runs of ones."""
        if self.size != (height, width):
            raise ValueError(f"run lengths for {self.size[1]} x {self.size[0]} pixels in a mask of {width} x {height}")
        counts = rle.unpacked(self.counts) if isinstance(self.counts, str) else np.frombuffer(self.counts, np.int64)
        ends = _ends(counts, height * width)
        return filled(ends[: len(ends) // 2 * 2], height, width)


@dataclass(frozen=True)
class BoxRuns(Shape):
    """CVAT's run lengths, along the rows of a box.

    Args:
        left: the box's first column.
        top: its first row.
        size: its height and width.
        counts: the lengths, of zeros and ones in turn, as the bytes of `int64`.
    """

    left: int
    top: int
    size: tuple[int, int]
    counts: bytes

    def patch(self, height: int, width: int) -> Patch:
        """The pixels of the runs of ones."""
        own_height, own_width = self.size
        bottom, right = self.top + own_height, self.left + own_width
        if min(self.left, self.top, own_height, own_width) < 0 or bottom > height or right > width:
            raise ValueError(f"a mask whose box ends at {right}, {bottom} in a picture of {width} x {height} pixels")
        counts = np.frombuffer(self.counts, np.int64)
        _ends(counts, own_height * own_width)
        ones = np.repeat(np.arange(len(counts)) % 2 == 1, counts)
        return Patch(self.left, self.top, ones.reshape(self.size))


@dataclass(frozen=True)
class Brush(Shape):
    """What was painted with Label Studio's brush: every pixel that is not wholly transparent.

    Args:
        size: height and width of the canvas.
        data: as `brush.unpacked` takes it.
    """

    size: tuple[int, int]
    data: bytes

    def patch(self, height: int, width: int) -> Patch:
        """The pixels that have any opacity."""
        values = brush.unpacked(self.data)
        if self.size != (height, width) or len(values) != 4 * height * width:
            raise ValueError(f"a brush stroke of {len(values) // 4} pixels in a mask of {width} x {height}")
        return Patch(0, 0, values.reshape(height, width, 4)[:, :, 3] > 0)


@dataclass(frozen=True)
class DrawnSample(Sample):
    """A photo whose mask is drawn from shapes when it is read.

    Args:
        origin: the file that the shapes stand in.
        shapes: in the order in which they are drawn.
        size: height and width that they were made for; `None` for those of the photo.
        rule: what holds where they overlap.
    """

    origin: Path
    shapes: tuple[Shape, ...]
    size: tuple[int, int] | None = None
    rule: Rule = "paint"

    def read_mask(self) -> NDArray[np.uint8]:
        """The shapes on background (0); where several lie over each other, the later one or none, as `rule` says."""
        height, width = self.size or shown_size(self.image)
        name = f"the mask of {self.key} in {self.origin}"
        draw = painted if self.rule == "paint" else merged
        try:
            mask = draw(self.shapes, height, width)
        except ValueError as error:
            raise DataError(f"{name} cannot be drawn: {error}") from error
        return fitted(mask, self.image, name)


def painted(shapes: Iterable[Shape], height: int, width: int) -> NDArray[np.uint8]:
    """Shapes over each other, the later ones on top: `(height, width)` class indices."""
    mask = np.zeros((height, width), np.uint8)
    for shape in shapes:
        left, top, ones = shape.patch(height, width)
        mask[top : top + ones.shape[0], left : left + ones.shape[1]][ones] = shape.index
    return mask


def merged(shapes: Iterable[Shape], height: int, width: int) -> NDArray[np.uint8]:
    """Shapes beside each other, and 255 where two or more overlap: torchvision's `ConvertCocoPolysToMask`."""
    mask = np.zeros((height, width), np.uint8)
    taken = np.zeros((height, width), np.bool_)
    for shape in shapes:
        left, top, ones = shape.patch(height, width)
        here = np.s_[top : top + ones.shape[0], left : left + ones.shape[1]]
        mask[here][ones] = np.where(taken[here][ones], IGNORE_INDEX, shape.index)
        taken[here] |= ones
    return mask


def _ends(counts: NDArray[np.int64], pixels: int) -> NDArray[np.int64]:
    """Where each run ends; a ValueError where they are not as long as the mask."""
    ends = np.cumsum(counts)
    if not counts.size or counts.min() < 0 or ends[-1] != pixels:
        raise ValueError(f"run lengths of {int(ends[-1]) if counts.size else 0} pixels in a mask of {pixels}")
    return ends
