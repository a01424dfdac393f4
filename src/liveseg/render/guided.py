"""Guided filtering: a value a pixel, made to follow the colours of a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]


class GuidedFilter:
    """Fits values to the colours of a picture: around each pixel as `value = slopes . colour + offset`.

    The guided filter of He, Sun and Tang (TPAMI 2013) with a colour guide. What depends on the picture alone is worked
    out once, for all fits.

    Args:
        guide: `(h, w, 3)` `float32` in [0, 1].
        radius: of the square window of a fit, in pixels.
        smoothness: what slopes cost, as a variance of colours: differences well below its root are not followed.
    """

    def __init__(self, guide: Floats, radius: int, smoothness: float) -> None:
        self._window = (2 * radius + 1, 2 * radius + 1)
        # Plane by plane: arithmetic on every third value takes several times as long.
        red, green, blue = self._guide = [np.ascontiguousarray(guide[..., channel]) for channel in range(3)]
        self._mean = [self._blurred(plane) for plane in self._guide]
        mean_red, mean_green, mean_blue = self._mean
        # The covariances of each window's colours, and by their cofactors the inverse of the matrix that they make.
        rr = self._blurred(red * red) - mean_red * mean_red + np.float32(smoothness)
        gg = self._blurred(green * green) - mean_green * mean_green + np.float32(smoothness)
        bb = self._blurred(blue * blue) - mean_blue * mean_blue + np.float32(smoothness)
        rg = self._blurred(red * green) - mean_red * mean_green
        rb = self._blurred(red * blue) - mean_red * mean_blue
        gb = self._blurred(green * blue) - mean_green * mean_blue
        c_rr, c_rg, c_rb = gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb
        c_gg, c_gb, c_bb = rr * bb - rb * rb, rb * rg - rr * gb, rr * gg - rg * rg
        scale = 1 / (rr * c_rr + rg * c_rg + rb * c_rb)
        cofactors = ((c_rr, c_rg, c_rb), (c_rg, c_gg, c_gb), (c_rb, c_gb, c_bb))
        self._inverse = [[cofactor * scale for cofactor in row] for row in cofactors]

    def followed(self, values: Floats) -> Floats:
        """`(h, w)` values as the fit around each pixel has that pixel."""
        slopes, result = self._fit(values)
        for slope, plane, mean in zip(slopes, self._guide, self._mean, strict=True):
            result = result + slope * (plane - mean)
        return result

    def plane(self, values: Floats) -> tuple[Floats, Floats]:
        """Slopes `(h, w, 3)` and offsets `(h, w)`, averaged over the window: for the picture at its full size.

        That is the fast guided filter (He and Sun, arXiv:1505.00996).
        """
        slopes, offset = self._fit(values)
        for slope, mean in zip(slopes, self._mean, strict=True):
            offset = offset - slope * mean
        return np.dstack([self._blurred(slope) for slope in slopes]), self._blurred(offset)

    def _fit(self, values: Floats) -> tuple[Sequence[Floats], Floats]:
        """The slopes, a plane each, and the values' mean around each pixel."""
        mean = self._blurred(values)
        shared = [
            self._blurred(plane * values) - own * mean for plane, own in zip(self._guide, self._mean, strict=True)
        ]
        return [a * shared[0] + b * shared[1] + c * shared[2] for a, b, c in self._inverse], mean

    def _blurred(self, values: Floats) -> Floats:
        return np.asarray(cv2.blur(values, self._window, borderType=cv2.BORDER_REFLECT), np.float32)
