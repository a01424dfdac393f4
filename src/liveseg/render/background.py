"""What stands behind the foreground, and the foreground before it."""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np

from liveseg.render.matte import extracted, foreground_indices
from liveseg.render.reduced import Reduction
from liveseg.settings.background import Blur, Color

if TYPE_CHECKING:
    from collections.abc import Collection
    from fractions import Fraction

    from numpy.typing import NDArray

    from liveseg.labels import LabelSet
    from liveseg.media.frame import Source
    from liveseg.settings.background import Background, BackgroundSettings

    Pixels = NDArray[np.uint8]

_BLUR_STEPS = 4
"""Pixels of the reduced picture in a blur's standard deviation: fewer would show as facets."""

_STRIP_ROWS = 128


class Found(Protocol):
    """What replacing needs of a result; a `liveseg.segmentation.Segmentation` is one."""

    @property
    def image(self) -> Pixels:
        """The picture, `(H, W, 3)` `uint8` RGB."""

    @property
    def mask(self) -> Pixels:
        """Its class indices, `(H, W)` `uint8`."""

    @property
    def grid(self) -> tuple[int, int] | None:
        """Rows and columns of the network's output, which tell how coarse the mask is."""

    @property
    def timestamp(self) -> Fraction | None:
        """Of a video's frame, its time in seconds, with which a video in the background keeps step."""


class Scenery(Protocol):
    """What stands behind the foreground, frame by frame; asked by several threads at the same time."""

    def __call__(self, image: Pixels, alpha: Pixels, timestamp: Fraction | None) -> Pixels:
        """The whole background of one frame, `(H, W, 3)` `uint8` RGB, not to be written to.

        Args:
            image: the frame, `(H, W, 3)` `uint8` RGB.
            alpha: its foreground, `(H, W)` `uint8`.
            timestamp: its time in seconds; `None` for a picture.
        """

    def close(self) -> None:
        """Release files; nothing may be asked after that."""


class Replacer:
    """Puts the foreground before another background; make it once, call it from any thread.

    Args:
        background: what to put behind.
        foreground: indices of the classes that stay; see `matte.foreground_indices`.

    Raises:
        LivesegError: a file that cannot be opened.
    """

    def __init__(self, background: Background, foreground: Collection[int]) -> None:
        self._foreground = tuple(foreground)
        self._scenery = open_scenery(background)
        # Its owner, a line that draws with it, need not know that there is a file to be closed.
        self._close = weakref.finalize(self, self._scenery.close)

    def __call__(self, found: Found) -> Pixels:
        """The result's picture with another background, `(H, W, 3)` `uint8` RGB; its own arrays are not changed."""
        front, alpha = extracted(found.image, found.mask, self._foreground, found.grid)
        return composed(front, alpha, self._scenery(found.image, alpha, found.timestamp))

    def close(self) -> None:
        """Release the background's file, which also happens when nobody has the replacer any more."""
        self._close()


def replacer_of(settings: BackgroundSettings, labels: LabelSet) -> Replacer | None:
    """What the options ask for, for a model's classes; `None` where the background stays.

    Raises:
        UsageError: a foreground that the model does not know.
        LivesegError: a background's file that cannot be opened.
    """
    if settings.background is None:
        return None
    return Replacer(settings.background, foreground_indices(labels, settings.foreground))


def composed(front: Pixels, alpha: Pixels, behind: Pixels) -> Pixels:
    """One picture before another: `alpha / 255 * front + (1 - alpha / 255) * behind`, to within one level.

    Args:
        front: `(H, W, 3)` `uint8`, its colours not weighted by alpha.
        alpha: `(H, W)` `uint8`.
        behind: `(H, W, 3)` `uint8`.
    """
    result = np.empty_like(front)
    for top in range(0, len(front), _STRIP_ROWS):
        part = slice(top, top + _STRIP_ROWS)
        opacity = cv2.merge([alpha[part]] * 3)
        own = cv2.multiply(front[part], opacity, scale=1 / 255)
        other = cv2.multiply(behind[part], cv2.bitwise_not(opacity), scale=1 / 255)
        result[part] = cv2.add(own, other)
    return result


def open_scenery(background: Background) -> Scenery:
    """What the settings describe, ready to be asked; files are opened now.

    Raises:
        LivesegError: a file that cannot be opened, or is neither image nor video.
    """
    if isinstance(background, Blur):
        return BlurredScenery(background.strength)
    if isinstance(background, Color):
        return StillScenery(np.array(background.rgb, np.uint8).reshape(1, 1, 3))
    from liveseg.media import open_source
    from liveseg.media.frame import Selection
    from liveseg.render.clip import ClipScenery

    def open_at(start: Fraction) -> Source:
        # The processor's threads belong to the line.
        return open_source(path, Selection(start=start), threads=1)

    path = background.path
    with open_source(path, threads=1) as source:
        if source.info.kind == "image":
            return StillScenery(next(iter(source)).image)
    return ClipScenery(open_at)


class BlurredScenery(Scenery):
    """The frame's own background, out of focus, and without the colours of what stands before it.

    Only what is background is averaged, so that no glow of the foreground's colours surrounds it.

    Args:
        strength: the standard deviation, in percent of the picture's shorter side.
    """

    def __init__(self, strength: float) -> None:
        self._strength = strength

    def __call__(self, image: Pixels, alpha: Pixels, timestamp: Fraction | None) -> Pixels:  # noqa: ARG002 - as others
        """The background of one frame; see `Scenery`."""
        height, width = alpha.shape
        sigma = min(height, width) * self._strength / 100
        reduction = Reduction(height, width, max(round(sigma / _BLUR_STEPS), 1))
        sigma /= reduction.step
        colours = reduction.down(image)
        # By the fourth power, and a pixel less: what the matte leaves over still has the foreground's colours.
        weight = np.asarray(cv2.erode((1 - reduction.down(alpha)) ** 4, np.ones((3, 3), np.uint8)), np.float32)
        weighted = cv2.GaussianBlur(colours * weight[..., None], (0, 0), sigma)
        total = cv2.GaussianBlur(weight, (0, 0), sigma)[..., None]
        # Where no background is near, nothing of it will be seen.
        blurred = (weighted + 1e-4 * colours) / (total + 1e-4)
        small = cv2.convertScaleAbs(blurred, alpha=255)
        rows, columns = weight.shape
        large = cv2.resize(small, (columns * reduction.step, rows * reduction.step))
        return np.asarray(large[:height, :width], np.uint8)

    def close(self) -> None:
        """Nothing is open."""


class StillScenery(Scenery):
    """One picture behind all frames, scaled to cover them.

    Args:
        picture: `(H, W, 3)` `uint8` RGB, of any size.
    """

    def __init__(self, picture: Pixels) -> None:
        self._picture = picture
        self._fitted: dict[tuple[int, int], Pixels] = {}
        self._lock = threading.Lock()

    def __call__(self, image: Pixels, alpha: Pixels, timestamp: Fraction | None) -> Pixels:  # noqa: ARG002 - as others
        """The background of one frame; see `Scenery`."""
        size = (alpha.shape[0], alpha.shape[1])
        with self._lock:
            if size not in self._fitted:
                self._fitted = {size: covering(self._picture, size)}
            return self._fitted[size]

    def close(self) -> None:
        """Nothing is open."""


def covering(picture: Pixels, size: tuple[int, int]) -> Pixels:
    """The middle of a picture, as large as has the proportions of `size` (height, width), scaled to that."""
    height, width = size
    tall, wide = picture.shape[:2]
    scale = max(height / tall, width / wide)
    rows, columns = max(round(height / scale), 1), max(round(width / scale), 1)
    top, left = (tall - rows) // 2, (wide - columns) // 2
    middle = picture[top : top + rows, left : left + columns]
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(middle, (width, height), interpolation=way), np.uint8)
