"""`Segmentation`: what the network found in one picture, and the pictures and numbers made from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from liveseg import postprocess
from liveseg.render.overlay import DEFAULT_ALPHA, Painter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from os import PathLike
    from pathlib import Path

    from numpy.typing import NDArray

    from liveseg.labels import LabelSet


@dataclass(frozen=True)
class Area:
    """How much of a picture one class covers.

    Args:
        index: the class index in the mask.
        name: its name.
        pixels: how many pixels.
        share: of all pixels, in [0, 1].
    """

    index: int
    name: str
    pixels: int
    share: float


@dataclass(frozen=True, eq=False)
class Segmentation:
    """One picture, segmented.

    Args:
        image: the picture, `(H, W, 3)` `uint8` RGB; the array that was given, not a copy.
        mask: `(H, W)` `uint8` class indices.
        labels: names and colours of the classes.
        logits: the network's own low-resolution output, `(classes, h, w)` `float32`.
        align_corners: how the logits' grid lies on the picture; as in `torch.nn.functional.interpolate`.
        speed: milliseconds by stage: `preprocess`, `infer`, `postprocess`.
    """

    image: NDArray[np.uint8] = field(repr=False)
    mask: NDArray[np.uint8] = field(repr=False)
    labels: LabelSet = field(repr=False)
    logits: NDArray[np.float32] = field(repr=False)
    align_corners: bool = field(default=False, repr=False)
    speed: Mapping[str, float] = field(default_factory=dict)

    @cached_property
    def confidence(self) -> NDArray[np.float32]:
        """The probability of each pixel's class, `(H, W)` `float32` in (0, 1]; computed when first asked for."""
        height, width = self.mask.shape
        return postprocess.upsampled_confidence(self.logits, height, width, align_corners=self.align_corners)

    def full_logits(self) -> NDArray[np.float32]:
        """Every class's logits at the picture's size: `(classes, H, W)` `float32`, 84 bytes a pixel for 21 classes."""
        height, width = self.mask.shape
        return postprocess.upsampled(self.logits, height, width, align_corners=self.align_corners)

    def areas(self) -> list[Area]:
        """The classes present, the background among them, by falling area."""
        counts = np.bincount(self.mask.reshape(-1), minlength=len(self.labels))
        order = sorted(np.flatnonzero(counts), key=lambda index: -int(counts[index]))
        return [
            Area(int(index), self.labels.names[index], int(counts[index]), float(counts[index] / self.mask.size))
            for index in order
        ]

    def overlay(self, alpha: float = DEFAULT_ALPHA, classes: Iterable[str] | None = None) -> NDArray[np.uint8]:
        """The picture with its classes tinted, `(H, W, 3)` `uint8` RGB; see `Painter.overlay`.

        Args:
            alpha: opacity of the colours, in [0, 1].
            classes: names of the classes to draw; all by default.
        """
        return self._painter(classes).overlay(self.image, self.mask, alpha)

    def color_mask(self, classes: Iterable[str] | None = None) -> NDArray[np.uint8]:
        """The classes' colours on black, `(H, W, 3)` `uint8` RGB."""
        return self._painter(classes).color(self.mask)

    def save_mask(self, path: str | PathLike[str], *, overwrite: bool = True) -> Path:
        """Write the mask as a PNG of class indices with the classes' colours as its palette.

        Raises:
            SinkError: the file cannot be written.
        """
        from liveseg.media.images import write_mask

        return write_mask(path, self.mask, self.labels, overwrite=overwrite)

    def _painter(self, classes: Iterable[str] | None) -> Painter:
        return Painter(self.labels, None if classes is None else self.labels.indices(classes))
