"""How many pixels of each class there are in all frames of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from liveseg.products.base import Product

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from liveseg.labels import LabelSet
    from liveseg.pipeline import Result
    from liveseg.segmentation import Segmentation

_BLOCK = 1 << 14
"""Pixels counted at once: NumPy makes 8 bytes of each, and these stay in a processor's cache."""


class ClassTotals(Product):
    """A product that writes nothing and counts: frames, pixels, and pixels of each class.

    Args:
        labels: names of the classes.
    """

    def __init__(self, labels: LabelSet) -> None:
        super().__init__(None)
        self.frames = 0
        self.pixels = 0
        self._names = labels.names
        self._counts = np.zeros(256, np.int64)

    @property
    def areas(self) -> dict[str, int]:
        """Pixels of each class that there is, by its name."""
        return {name: int(count) for name, count in zip(self._names, self._counts, strict=False) if count}

    def prepare(self, found: Segmentation) -> NDArray[np.int64]:
        """How many pixels of the frame have each value, `(256,)` `int64`."""
        flat = found.mask.reshape(-1)
        counts = np.zeros(256, np.int64)
        for start in range(0, flat.size, _BLOCK):
            counts += np.bincount(flat[start : start + _BLOCK], minlength=256)
        return counts

    def write(self, result: Result, prepared: NDArray[np.int64]) -> None:
        """Count a frame."""
        self.frames += 1
        self.pixels += result.segmentation.mask.size
        self._counts += prepared

    def commit(self) -> None:
        """There is no file."""

    def abort(self) -> None:
        """There is no file."""
