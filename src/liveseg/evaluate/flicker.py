"""The flicker score: the share of pixels that change class between frames where the picture, after motion, does not.

Of each two frames that follow one another:

1. Both are made grey and reduced to a shorter side of at most 288 pixels, and smoothed by a Gaussian of 3 x 3; the
   masks are sampled there.
2. Dense optical flow (DIS, preset `fast`: Kroeger et al., "Fast Optical Flow using Dense Inverse Search", 2016), from
   the new frame back to the old one and the other way round, says where each pixel was.
3. A pixel counts where it was inside the picture, there and back leads to within 1 pixel of where it began, and the
   old frame, so moved, differs from the new one by less than 10 of 255 grey levels (mean of 3 x 3).
4. It flickers where its class is none of those of the four mask pixels around the place where it was: motion by parts
   of a pixel cannot be told on a mask.
5. Two frames of which less than half of the pixels count, as at a cut, say nothing and are left out.

The score is the flickering pixels of all pairs by the counted ones. It depends on the frame rate, so compare scores of
one clip. A mask that never changes scores 0 wherever the picture stands still: a score without a measure of quality
beside it means little.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from liveseg.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]
    Floats = NDArray[np.float32]

_SIDE = 288
"""The shorter side of what is compared, in pixels, at most."""

_LEAST_SIDE = 48
"""The shorter side, at least, and a sixth of the longer: OpenCV's search crashes on pictures far smaller."""

_SAME = 10
"""Grey levels of 255 under which two pixels show the same."""

_LOOP = 1.0
"""Pixels by which the way there and back may miss."""

_ENOUGH = 0.5
"""Share of pixels that must count for a pair of frames to count."""

_WHOLE = 1 / 64
"""Pixels by which a place may be beside a mask's pixel and still be that pixel."""


@dataclass(frozen=True)
class FlickerScore:
    """How much the masks of a clip flicker.

    Args:
        changed: pixels that changed class where the picture did not.
        counted: pixels where the picture did not change, of all pairs of frames.
        pairs: pairs of frames that counted.
        left_out: pairs that did not, such as those at cuts.
    """

    changed: int = 0
    counted: int = 0
    pairs: int = 0
    left_out: int = 0

    @property
    def share(self) -> float:
        """The score, from 0 to 1; 0 where nothing could be counted."""
        return self.changed / self.counted if self.counted else 0.0


class FlickerMeter:
    """Scores several masks of the same frames at once, such as those before and after smoothing; see `flicker`.

    It remembers one frame, so a clip of any length costs the same memory.

    Args:
        masks: how many masks each frame comes with.
    """

    def __init__(self, masks: int = 1) -> None:
        self.scores = [FlickerScore() for _ in range(masks)]
        """Those so far, in the order of the masks."""
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
        self._last: tuple[Pixels, list[Pixels]] | None = None

    def add(self, image: Pixels, *masks: Pixels) -> None:
        """Take the next frame.

        Args:
            image: `(H, W, 3)` `uint8` RGB.
            masks: `(H, W)` `uint8` class indices each, as many as were announced.

        Raises:
            UsageError: masks of another number or size.
        """
        if len(masks) != len(self.scores):
            raise UsageError(f"{len(masks)} masks were given and {len(self.scores)} announced")
        for mask in masks:
            if mask.shape != image.shape[:2]:
                raise UsageError(f"a mask is of its picture's height and width {image.shape[:2]}, not {mask.shape}")
        grey = _reduced(image)
        size = grey.shape[1], grey.shape[0]
        small = [np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST), np.uint8) for mask in masks]
        if self._last is not None and self._last[0].shape == grey.shape:
            places, counts = self._look_back(self._last[0], grey)
            enough = float(counts.mean()) >= _ENOUGH
            for number, (old, new) in enumerate(zip(self._last[1], small, strict=True)):
                self.scores[number] = _added(self.scores[number], old, new, places, counts if enough else None)
        self._last = grey, small

    def _look_back(self, old: Pixels, new: Pixels) -> tuple[Floats, NDArray[np.bool_]]:
        """Where each pixel of `new` was in `old`, x and y `(h, w, 2)`, and whether that can be relied on, `(h, w)`."""
        height, width = new.shape
        back = np.asarray(self._flow.calc(new, old, None), np.float32)  # type: ignore[call-overload]
        forth = np.asarray(self._flow.calc(old, new, None), np.float32)  # type: ignore[call-overload]
        x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
        places = np.stack((x, y), axis=-1) + back
        missed = back + _sampled(forth, places)
        differs = cv2.blur(cv2.absdiff(new, _sampled(old, places)), (3, 3))
        inside = ((places >= 0) & (places <= (width - 1, height - 1))).all(axis=-1)
        return places, inside & (np.hypot(missed[..., 0], missed[..., 1]) < _LOOP) & (differs < _SAME)


def flicker(frames: Iterable[tuple[Pixels, Pixels]]) -> FlickerScore:
    """The flicker score of a clip: the share of pixels that change class where the picture, after motion, does not.

    Args:
        frames: each frame's picture `(H, W, 3)` `uint8` RGB and mask `(H, W)` `uint8`, in order.

    Raises:
        UsageError: a mask of another size than its picture.
    """
    meter = FlickerMeter()
    for image, mask in frames:
        meter.add(image, mask)
    return meter.scores[0]


def _reduced(image: Pixels) -> Pixels:
    scale = min(_SIDE / min(image.shape[:2]), 1.0)
    least = max(_LEAST_SIDE, round(max(image.shape[:2]) * scale / 6))
    size = max(round(image.shape[1] * scale), least), max(round(image.shape[0] * scale), least)
    grey = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.GaussianBlur(grey, (3, 3), 0), np.uint8)


def _sampled(values: NDArray[Any], places: Floats) -> NDArray[Any]:
    # OpenCV's type hints do not know that the second map may be missing.
    return np.asarray(
        cv2.remap(values, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[call-overload]
    )


def _added(
    score: FlickerScore, old: Pixels, new: Pixels, places: Floats, counts: NDArray[np.bool_] | None
) -> FlickerScore:
    if counts is None:
        return FlickerScore(score.changed, score.counted, score.pairs, score.left_out + 1)
    last = np.array([new.shape[1] - 1, new.shape[0] - 1])
    low = np.clip(np.floor(places + _WHOLE).astype(np.intp), 0, last)
    high = np.clip(np.ceil(places - _WHOLE).astype(np.intp), 0, last)
    same = np.zeros(new.shape, np.bool_)
    for rows in (low[..., 1], high[..., 1]):
        for columns in (low[..., 0], high[..., 0]):
            same |= old[rows, columns] == new
    changed = int((counts & ~same).sum())
    return FlickerScore(score.changed + changed, score.counted + int(counts.sum()), score.pairs + 1, score.left_out)
