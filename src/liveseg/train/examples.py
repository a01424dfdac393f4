"""What a network learns from: a photo, its mask or none, and what a teacher says of it or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from liveseg.labels import IGNORE_INDEX

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]
    Floats = NDArray[np.float32]


class Example(NamedTuple):
    """One photo.

    Args:
        image: `(H, W, 3)` `uint8` RGB.
        mask: `(H, W)` `uint8` class indices; 255 where no answer counts, everywhere where the photo has no mask.
        teacher: logits of a teacher for the whole photo, `(C, h, w)` floating point, its cells spread evenly over the
            photo (half-pixel centres); `None` where there is no teacher.
    """

    image: Pixels
    mask: Pixels
    teacher: NDArray[np.floating] | None = None


class Crop(NamedTuple):
    """A square piece of one photo, or of several, that a network is fed with.

    Args:
        image: `(S, S, 3)` `uint8` RGB.
        mask: `(S, S)` `uint8` class indices, 255 where no answer counts.
        teacher: `(C, t, t)` `float32` logits of the teacher at the network's own grid; `None` where no photo of the
            piece has any and none were asked for.
        known: `(t, t)` `float32`: 1 where the teacher's logits are a teacher's, 0 beside the photo or without one.
    """

    image: Pixels
    mask: Pixels
    teacher: Floats | None
    known: Floats


def unlabelled(image: Pixels, teacher: NDArray[np.floating] | None = None) -> Example:
    """A photo without a mask: no pixel of it counts as labelled."""
    return Example(image, np.full(image.shape[:2], IGNORE_INDEX, np.uint8), teacher)
