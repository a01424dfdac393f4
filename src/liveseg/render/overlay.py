"""Masks as colours: on black, or blended over the picture they were made from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from liveseg.errors import UsageError
from liveseg.labels import IGNORE_INDEX

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from liveseg.labels import LabelSet

    Pixels = NDArray[np.uint8]

DEFAULT_ALPHA = 0.6

_STRIP_PIXELS = 1 << 18
"""How many pixels are drawn at once: what each step leaves stays in a cache, which is three times as fast at 768x576,
and does not add up to a gigabyte for 100 megapixels."""


class Painter:
    """Draws masks of one label set; make it once, use it for every frame and from any thread.

    Args:
        labels: the classes and their colours.
        classes: indices of the classes to draw; `None` for all. The background is never drawn.
    """

    def __init__(self, labels: LabelSet, classes: Collection[int] | None = None) -> None:
        drawn = np.zeros(256, np.bool_)
        drawn[list(range(len(labels)) if classes is None else classes)] = True
        if labels.background:
            drawn[0] = False
        colors = labels.colors.copy()
        colors[~drawn] = 0
        self._colors = colors.reshape(256, 1, 3)
        self._drawn = np.where(drawn, np.uint8(255), np.uint8(0))
        self._draws_all_but_zero = bool(drawn[1 : len(labels)].all()) and labels.background
        # One value for all that is not drawn, so that no contour runs between two classes that nobody sees.
        self._seen = np.where(drawn, np.arange(256, dtype=np.uint8), np.uint8(0 if labels.background else IGNORE_INDEX))

    def color(self, mask: Pixels) -> Pixels:
        """The classes' colours on black: `(H, W)` indices to `(H, W, 3)` `uint8` RGB."""
        # OpenCV's look-up keeps the channel order of the table that it is given, so RGB stays RGB.
        return np.asarray(cv2.applyColorMap(np.ascontiguousarray(mask), self._colors), np.uint8)

    def seen(self, mask: Pixels) -> Pixels:
        """The mask as it is drawn, `(H, W)` `uint8`: one index that has no colour where nothing is."""
        if self._draws_all_but_zero:
            return np.ascontiguousarray(mask)
        return np.asarray(cv2.LUT(mask, self._seen), np.uint8)

    def where(self, mask: Pixels) -> Pixels:
        """Where a class is drawn: `(H, W)` `uint8` that is not 0 there."""
        # Every value but 0 counts, and class indices are just that.
        return np.ascontiguousarray(mask) if self._draws_all_but_zero else np.asarray(cv2.LUT(mask, self._drawn))

    def overlay(self, image: Pixels, mask: Pixels, alpha: float = DEFAULT_ALPHA) -> Pixels:
        """The picture with its classes tinted: `(1 - alpha) * image + alpha * color` on drawn classes.

        Elsewhere the picture is untouched.

        Args:
            image: `(H, W, 3)` `uint8` RGB; not changed.
            mask: `(H, W)` `uint8` class indices.
            alpha: opacity of the colours, in [0, 1].

        Raises:
            UsageError: an alpha outside [0, 1], or a mask of another size than the image.
        """
        if not 0.0 <= alpha <= 1.0:
            raise UsageError(f"alpha is an opacity from 0 to 1, not {alpha}")
        if image.shape[:2] != mask.shape:
            raise UsageError(f"the mask is {mask.shape} but the image is {image.shape[:2]}")
        drawn: Pixels = image.copy()
        rows = max(_STRIP_PIXELS // image.shape[1], 1)
        for top in range(0, image.shape[0], rows):
            part = slice(top, top + rows)
            tinted = cv2.addWeighted(image[part], 1.0 - alpha, self.color(mask[part]), alpha, 0.0)
            cv2.copyTo(tinted, self.where(mask[part]), drawn[part])
        return drawn

    def table(self, alpha: float = DEFAULT_ALPHA) -> Pixels:
        """What `overlay` does, as a table for those who draw elsewhere, such as on a GPU.

        Args:
            alpha: opacity of the colours, in [0, 1].

        Returns:
            `(256, 256, 3)` `uint8`: channel `c` of a pixel that has the value `v` there, and the class `k`, becomes
            `table[k, v, c]`.

        Raises:
            UsageError: an alpha outside [0, 1].
        """
        mask, values = np.indices((256, 256), np.uint8)
        return self.overlay(np.repeat(values[..., None], 3, axis=2), mask, alpha)
