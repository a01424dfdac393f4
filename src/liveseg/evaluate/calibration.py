"""How far the network's confidence can be believed: the expected calibration error.

As Guo, Pleiss, Sun and Weinberger have it in "On Calibration of Modern Neural Networks" (ICML 2017): pixels are put
into 15 bins of equal width by the probability of their predicted class, and the error is the mean over all pixels of
the distance between their bin's mean confidence and its share of right pixels. 0 is perfect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from liveseg.evaluate.confusion import strips

if TYPE_CHECKING:
    from numpy.typing import NDArray

BINS = 15

FULL = BINS * 4369
"""A confidence of 1 in whole steps, so that sums of confidences are exact."""

Bin = tuple[int, int, int, int]
"""A bin's number; its pixels, those of them that are right, and the sum of their confidences in steps."""

_RIGHT, _IGNORED = 1 << 16, 2 << 16

_STEPS = np.arange(_RIGHT)
_FIRST = np.array([0, *(index * FULL // BINS + 1 for index in range(1, BINS))])
"""The first step of each bin."""


def bins(
    truth: NDArray[np.uint8], found: NDArray[np.uint8], confidence: NDArray[np.float32], classes: int
) -> tuple[Bin, ...]:
    """The bins that have pixels, in ascending order; a confidence between two is in the lower one.

    Args:
        truth: `(H, W)` `uint8`; what is not below `classes` does not count.
        found: `(H, W)` `uint8`; what is not below `classes` is wrong.
        confidence: `(H, W)` `float32` in [0, 1].
        classes: how many there are.
    """
    counts = np.zeros(_IGNORED + 1, np.int64)
    for rows in strips(*truth.shape):
        steps = (confidence[rows] * np.float32(FULL) + np.float32(0.5)).astype(np.uint32)
        steps |= (truth[rows] == found[rows]).astype(np.uint32) << np.uint32(16)
        steps[truth[rows] >= classes] = _IGNORED
        counts += np.bincount(steps.reshape(-1), minlength=_IGNORED + 1)
    right = counts[_RIGHT:_IGNORED]
    pixels = counts[:_RIGHT] + right
    sums = [np.add.reduceat(own, _FIRST).tolist() for own in (pixels, right, pixels * _STEPS)]
    return tuple(own for own in zip(range(BINS), *sums, strict=True) if own[1])
