"""Mattes: how much of each pixel is foreground, and the foreground's own colours there.

A mask's border is as coarse as the grid of the network's output, and hard. Here it is moved to where the picture's
colours change, by guided filtering, and made as soft as they are. Away from the border nothing changes: bodies stay
whole, and what is far stays out.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

from liveseg.errors import UsageError
from liveseg.labels import UNKNOWN
from liveseg.render.guided import GuidedFilter
from liveseg.render.reduced import Reduction

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from liveseg.labels import LabelSet

    Pixels = NDArray[np.uint8]
    Floats = NDArray[np.float32]
    Grid = tuple[int, int]

_USUAL_CELLS = 36
"""Cells of the network's grid on the picture's shorter side, where nothing is known of it."""

_STEPS_A_CELL = 4
_MOST_REDUCED = 80_000
"""Pixels of the reduced picture: more take time and show nothing that the mask knows of."""

_SMOOTHNESS = 1e-4
_PASSES = 3
"""How often the border is moved; each pass begins where the last one left it."""

_PASS_RANGE = (0.1, 0.9)
_LAST_RANGE = (0.15, 0.85)
"""What is taken for all and for nothing: a fit to colours that vary never quite reaches 0 and 1."""


def foreground_indices(labels: LabelSet, names: Collection[str | int] | None = None) -> tuple[int, ...]:
    """The classes that are the foreground: those named, or else `person`, or else all but the background.

    Raises:
        UsageError: no such class, or none but the background.
    """
    if names is not None:
        return labels.indices(names)
    if "person" in labels.names:
        return (labels.names.index("person"),)
    first = int(labels.background)
    indices = tuple(index for index, name in enumerate(labels.names[first:], first) if name != UNKNOWN)
    if not indices:
        raise UsageError("this model knows nothing but a background; name what stays by --foreground")
    return indices


def foreground_alpha(image: Pixels, mask: Pixels, foreground: Collection[int], grid: Grid | None = None) -> Pixels:
    """How much of each pixel is foreground: 255 inside, 0 outside, soft where the picture is at the border.

    The border is looked for within a cell of the network's grid around the mask's. The guided filter does that in a few
    passes on a reduced picture, and a last one, applied to the picture itself, makes it as sharp or soft as that.

    Args:
        image: `(H, W, 3)` `uint8` RGB.
        mask: `(H, W)` `uint8` class indices.
        foreground: the indices of the classes that are foreground.
        grid: rows and columns of the network's output that the mask was made from; guessed by default.

    Returns:
        `(H, W)` `uint8`.

    Raises:
        UsageError: a mask of another size than the image.
    """
    hard = _hard(image, mask, foreground)
    return hard if _is_plain(hard) else _matte(image, hard, _Reduced(image, grid))


def decontaminated(image: Pixels, alpha: Pixels, grid: Grid | None = None) -> Pixels:
    """The picture with the foreground's own colours where it is mixed with what stands behind it.

    A pixel at the border is `alpha * foreground + (1 - alpha) * background`. Both are estimated from what is around,
    and what they do not explain is the foreground's: blurred fusion (Forte, Approximate Fast Foreground Colour
    Estimation, arXiv:2006.14970), here on a reduced picture. Where alpha is 255 the picture is unchanged. Where it is
    0, near the border, there are colours of the foreground, too, so that neither scaling nor coding makes a rim;
    farther off it is not said what there is.

    Args:
        image: `(H, W, 3)` `uint8` RGB; not changed.
        alpha: `(H, W)` `uint8`.
        grid: as for `foreground_alpha`.

    Returns:
        `(H, W, 3)` `uint8` RGB.
    """
    return image if _is_plain(alpha) else _own_colours(image, alpha, _Reduced(image, grid))


def extracted(
    image: Pixels, mask: Pixels, foreground: Collection[int], grid: Grid | None = None
) -> tuple[Pixels, Pixels]:
    """The foreground's own colours and its alpha: `decontaminated` and `foreground_alpha` in one go.

    Raises:
        UsageError: a mask of another size than the image.
    """
    hard = _hard(image, mask, foreground)
    if _is_plain(hard):
        return image, hard
    reduced = _Reduced(image, grid)
    alpha = _matte(image, hard, reduced)
    return _own_colours(image, alpha, reduced), alpha


def cutout(image: Pixels, mask: Pixels, foreground: Collection[int], grid: Grid | None = None) -> Pixels:
    """The foreground alone, `(H, W, 4)` `uint8` RGB with straight alpha; the arguments are those of `extracted`."""
    colours, alpha = extracted(image, mask, foreground, grid)
    return np.asarray(cv2.merge([*cv2.split(colours), alpha]), np.uint8)


class _Reduced:
    """A picture as small as the fits need it.

    Args:
        image: `(H, W, 3)` `uint8` RGB.
        grid: rows and columns of the network's output, if known.
    """

    def __init__(self, image: Pixels, grid: Grid | None) -> None:
        height, width = image.shape[:2]
        shorter = min(height, width)
        cell = shorter / _USUAL_CELLS if grid is None else math.sqrt(height * width / (grid[0] * grid[1]))
        step = max(round(cell / _STEPS_A_CELL), math.ceil(math.sqrt(height * width / _MOST_REDUCED)), 1)
        self.size = Reduction(height, width, step)
        self.radius = max(round(cell / step), 2)
        """How many reduced pixels are a cell of the network's grid."""
        self.colours = self.size.down(image)


def _hard(image: Pixels, mask: Pixels, foreground: Collection[int]) -> Pixels:
    """255 where the mask has foreground, else 0."""
    if image.shape[:2] != mask.shape:
        raise UsageError(f"the mask is {mask.shape} but the image is {image.shape[:2]}")
    table = np.zeros(256, np.uint8)
    table[list(foreground)] = 255
    return np.asarray(cv2.LUT(mask, table), np.uint8)


def _matte(image: Pixels, hard: Pixels, reduced: _Reduced) -> Pixels:
    size, radius = reduced.size, reduced.radius
    fitted = GuidedFilter(reduced.colours, radius, _SMOOTHNESS)
    share = _moved(size.down(hard), fitted, radius)
    inside = np.asarray(cv2.GaussianBlur((share > 0.5).astype(np.float32), (0, 0), radius / 4), np.float32)
    slopes, offset = fitted.plane(_limited(share, inside))
    alpha = size.blocks((inside > 0.5).astype(np.uint8) * np.uint8(255))
    for region in size.regions(_between(inside)):
        part = size.full(region)
        weighted = cv2.multiply(size.up(slopes, region), image[part], scale=1 / 255, dtype=cv2.CV_32F)
        fit = cv2.transform(weighted, np.ones((1, 3), np.float32)) + size.up(offset, region)
        soft = _limited(_stretched(fit, *_LAST_RANGE), size.up(inside, region))
        alpha[part] = np.rint(soft * 255)
    return alpha


def _moved(share: Floats, fitted: GuidedFilter, radius: int) -> Floats:
    """The foreground's share of each reduced pixel, its border moved by at most `radius` to the picture's."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    least = (cv2.erode(share, disc) >= 1).astype(np.float32)
    most = (cv2.dilate(share, disc) > 0).astype(np.float32)
    for _ in range(_PASSES):
        share = np.clip(_stretched(fitted.followed(share), *_PASS_RANGE), least, most)
    return share


def _own_colours(image: Pixels, alpha: Pixels, reduced: _Reduced) -> Pixels:
    size, share = reduced.size, reduced.size.down(alpha)
    own = _mean_colour(reduced.colours, share, reduced.radius)
    behind = _mean_colour(reduced.colours, 1 - share, reduced.radius)
    result = image.copy()
    for region in size.regions(_between(share)):
        part = size.full(region)
        opacity = cv2.merge([alpha[part] * np.float32(1 / 255)] * 3)
        ahead, mixed = size.up(own, region), size.up(behind, region)
        mixed += opacity * (ahead - mixed)
        rest = opacity * cv2.subtract(image[part], mixed, dtype=cv2.CV_32F)
        result[part] = np.asarray(cv2.add(ahead, rest, dtype=cv2.CV_8U), np.uint8)
    return result


def _limited(share: Floats, inside: Floats) -> Floats:
    """A share that is what it wants to be at the border, all of it well inside, and nothing well outside."""
    return np.clip(share, 2 * inside - 1, 2 * inside)


def _stretched(share: Floats, none: float, all_: float) -> Floats:
    stretched: Floats = np.clip((share - np.float32(none)) * np.float32(1 / (all_ - none)), 0, 1)
    return stretched


def _between(share: Floats) -> NDArray[np.bool_]:
    """Where a share is neither all nor nothing, and a pixel beyond: as far as enlarging it reaches."""
    around = np.ones((3, 3), np.uint8)
    return np.asarray((cv2.dilate(share, around) > 0.001) & (cv2.erode(share, around) < 0.999), np.bool_)


def _mean_colour(colours: Floats, share: Floats, radius: int) -> Floats:
    """The mean colour around each pixel of what a share is of, in [0, 255]."""
    reach = radius * 3 // 4
    window = (2 * reach + 1, 2 * reach + 1)
    # By the fourth power: what is half the one and half the other says little of either.
    squared = share * share
    weight = squared * squared
    weighted = cv2.blur(colours * weight[..., None], window, borderType=cv2.BORDER_REFLECT)
    total = cv2.blur(weight, window, borderType=cv2.BORDER_REFLECT) + 1e-5
    return np.asarray(255 * weighted / total[..., None], np.float32)


def _is_plain(pixels: Pixels) -> bool:
    least, most, _, _ = cv2.minMaxLoc(pixels)
    return least == most and least in (0, 255)
