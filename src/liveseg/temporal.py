"""Steady masks from an unsteady network: a filter over the frames of one stream, before the mask is made.

The network sees each frame afresh, and what it is not sure of flips from frame to frame. `Smoother` averages its
low-resolution logits over time instead, along the motion of the picture. Logits add up as evidence does: a frame in
which the network is certain has large ones and weighs much, one in which it hesitates weighs little.

For each cell of the logits' grid it keeps the average and for how many seconds of evidence that stands. A new frame:

1. optical flow between small pictures of the frames says where each cell was before (DIS: Kroeger, Timofte, Dai,
   Van Gool, "Fast Optical Flow using Dense Inverse Search", 2016), and the average is fetched from there;
2. where the small picture, so moved, does not look as it does now, the past is about something else: its evidence is
   discarded as far as the difference goes, in the cells around, too;
3. the new logits join with the weight of their share of the evidence, `dt / (age + dt)`; the age ends at a second,
   sooner where the picture moves, since what was fetched over and over is blurred.

Time is the frames' own: ten frames a second are smoothed over as many seconds as sixty are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from liveseg.postprocess import check_finite

if TYPE_CHECKING:
    from fractions import Fraction

    from numpy.typing import NDArray

    from liveseg.segmenter import Inferred

    Floats = NDArray[np.float32]
    Pixels = NDArray[np.uint8]

_LONGEST = 1.0
"""Seconds of evidence that a cell keeps at most."""

_SHORTEST = 0.3
"""Seconds of evidence that a cell keeps however fast the picture moves."""

_TRAVEL = 1.5
"""Cells after which evidence has done its duty where the picture moves."""

_SAME, _OTHER = 12.0, 30.0
"""Difference of two small pictures, of 255, up to which a cell shows the same, and from which on it shows another."""

_CHANGE = np.clip((np.arange(256, dtype=np.float32) - _SAME) / (_OTHER - _SAME), 0, 1)
"""How surely a cell shows something else, from 0 to 1, by that difference."""

_BESIDE = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
"""The cells around one that share in its change."""

_CUT = 0.5
"""Share of cells that show something else from which on it is another scene."""

_GAP = 1.0
"""Seconds between frames after which nothing is known of the present."""

_AT_REST = 1.5
"""Cells a second under which motion is taken for the noise of its measurement, but for `_AT_REST_STEP`."""

_AT_REST_STEP = 0.05
"""Cells a frame that are motion however long the frame lasts."""

_CONTENDS = 2.0
"""Logits by which a class may be behind the winner everywhere and is still averaged; others are passed through."""

_PIXELS = 4500
"""Pixels of the small pictures, some 1.6 along a cell's side at the sizes that run in real time: what flow costs."""

_LEAST_SIDE = 16
"""Pixels that the search for motion needs at least on each side."""


@dataclass(frozen=True)
class _Grid:
    """How the logits' cells lie on the small picture.

    Args:
        rows: height of the small picture.
        columns: its width.
        pixels: the place of each of its pixels, x and y, `(rows, columns, 2)`.
        cells: the place of each cell, x and y in cells, `(h, w, 2)`.
        places: the place of each cell on the small picture, x and y in pixels, `(h, w, 2)`.
        pixels_a_cell: how many pixels of the small picture a cell is wide and high.
        window: pixels on each side of the square that stands for a cell; odd.
    """

    rows: int
    columns: int
    pixels: Floats
    cells: Floats
    places: Floats
    pixels_a_cell: Floats
    window: int


@lru_cache(maxsize=16)
def _grid(logits: tuple[int, ...], picture: tuple[int, ...], align_corners: bool) -> _Grid:
    """The grid of logits `(classes, h, w)` for pictures `(height, width)`."""
    scale = math.sqrt(_PIXELS / math.prod(picture))
    rows, columns = (min(max(round(length * scale), _LEAST_SIDE), _PIXELS // _LEAST_SIDE) for length in picture)
    small = np.array([columns, rows], np.float32)
    count = np.array([logits[2], logits[1]], np.float32)
    size = np.asarray((small - 1) / np.maximum(count - 1, 1) if align_corners else small / count, np.float32)
    at = _places(logits[1], logits[2])
    places = np.asarray(at * size if align_corners else (at + 0.5) * size - 0.5, np.float32)
    return _Grid(rows, columns, _places(rows, columns), at, places, size, 2 * (int(size.min()) // 2) + 1)


def _places(rows: int, columns: int) -> Floats:
    """The x and y of each place, `(rows, columns, 2)`."""
    return np.stack(np.meshgrid(np.arange(columns, dtype=np.float32), np.arange(rows, dtype=np.float32)), axis=-1)


class Smoother:
    """The memory of one stream: takes what the network said of each frame, in order, and gives what to make masks of.

    For a loop of one's own, `segmenter.finish(smoother(segmenter.infer(frame), seconds))`. Of a new scene, after more
    than a second without a frame, for a time that is not later than the last, and where the size of picture or output
    changes, it begins anew: such a frame passes through as it is. Not for several threads at the same time.

    An output that only repeats an earlier frame's (`Inferred.repeated`) is no new evidence: the past is moved on in
    its place.
    """

    def __init__(self) -> None:
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        # The small picture itself is the finest scale: walkers in a wide view are a few pixels of it.
        self._flow.setFinestScale(0)
        self._flow.setPatchStride(6)
        self._memory: _Memory | None = None
        self._room: Floats = np.empty((0, 0, 0), np.float32)

    def __call__(self, inferred: Inferred, timestamp: Fraction | float) -> Inferred:
        """Smooth the network's output for one frame.

        Args:
            inferred: as `Segmenter.infer` gives it; left as it is.
            timestamp: the frame's own time in seconds.

        Returns:
            The same with smoothed logits.

        Raises:
            WeightsError: logits that are not finite.
        """
        logits, now = inferred.logits, float(timestamp)
        check_finite(logits)
        kind = logits.shape, inferred.image.shape[:2], inferred.align_corners
        grid = _grid(*kind)
        picture = _small(inferred.image, grid)
        grey = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)
        if self._room.shape != logits.shape:
            self._room = np.empty_like(logits)
        contend = _contend(logits, self._room)
        age = np.zeros(logits.shape[1:], np.float32)
        last = self._memory
        if last is not None and last.kind == kind and 0 < now - last.time <= _GAP:
            flow = np.asarray(self._flow.calc(grey, last.grey, None), np.float32)  # type: ignore[call-overload]
            past = _Past.of(last, picture, flow, grid, now - last.time)
            if not past.is_another_scene:
                contend |= last.contend
                classes = np.flatnonzero(contend)
                own, age = past.joined(last.logits[classes], None if inferred.repeated else logits[classes])
                logits = logits.copy()
                logits[classes] = own
                contend[classes] = _contend(own)
        self._memory = _Memory(kind, now, logits, contend, age, picture, grey)
        return replace(inferred, logits=logits)


@dataclass(frozen=True, eq=False)
class _Memory:
    """What is remembered of the frames so far.

    Args:
        kind: shape of the logits, height and width of the frame, and how one lies on the other.
        time: the last frame's, in seconds.
        logits: the average, `(classes, h, w)`.
        contend: which classes are near the winner somewhere in it.
        age: for how many seconds of evidence it stands, `(h, w)`.
        picture: the last frame in small, RGB.
        grey: the same without colour.
    """

    kind: tuple[tuple[int, ...], tuple[int, ...], bool]
    time: float
    logits: Floats
    contend: NDArray[np.bool_]
    age: Floats
    picture: Pixels
    grey: Pixels


@dataclass(frozen=True, eq=False)
class _Past:
    """What the past says of the cells of a new frame.

    Args:
        passed: seconds since the last frame.
        places: where each cell was then, x and y in cells, `(h, w, 2)`; `None` where nothing moved.
        change: how surely each cell shows something else than it did, from 0 to 1.
        age: seconds of evidence that are left.
        longest: seconds of evidence that each cell may keep.
    """

    passed: float
    places: Floats | None
    change: Floats
    age: Floats
    longest: Floats

    @classmethod
    def of(cls, last: _Memory, picture: Pixels, flow: Floats, grid: _Grid, passed: float) -> _Past:
        """By `flow`, which leads from each pixel of the new small picture back to the last one."""
        differs = cv2.absdiff(picture, _sampled(last.picture, grid.pixels + flow, cv2.INTER_LINEAR))
        worst = np.maximum(np.maximum(differs[..., 0], differs[..., 1]), differs[..., 2])
        window = (grid.window, grid.window)
        by_cell = _sampled(cv2.blur(worst, window), grid.places, cv2.INTER_LINEAR)
        # The network looks further than a cell: what changed beside it changes what is said of it, too.
        by_cell = cv2.dilate(by_cell, _BESIDE)
        change = _CHANGE[by_cell]

        step = _sampled(cv2.blur(flow, window), grid.places, cv2.INTER_LINEAR) / grid.pixels_a_cell
        length = np.hypot(step[..., 0], step[..., 1])
        longest = np.asarray(np.clip(_TRAVEL * passed / np.maximum(length, 1e-6), _SHORTEST, _LONGEST), np.float32)
        step[length < min(_AT_REST * passed, _AT_REST_STEP)] = 0
        if not step.any():
            return cls(passed, None, change, last.age * (1 - change), longest)
        places = np.asarray(grid.cells + step, np.float32)
        # For what comes in from outside there is no evidence.
        age = _sampled(last.age, places, cv2.INTER_LINEAR, cv2.BORDER_CONSTANT)
        return cls(passed, places, change, age * (1 - change), longest)

    @property
    def is_another_scene(self) -> bool:
        """Whether too little looks as it did."""
        return float((self.change > 0.5).mean()) > _CUT

    def joined(self, average: Floats, logits: Floats | None) -> tuple[Floats, Floats]:
        """The average where it is now, with the new logits in it if there are any, and its age."""
        if self.places is not None:
            # Cubic: a bilinear average of averages of averages would melt small objects away.
            average = np.stack([_sampled(plane, self.places, cv2.INTER_CUBIC) for plane in average])
        if logits is None:
            return average, self.age
        age = np.minimum(self.age + self.passed, self.longest)
        gain = np.maximum(np.minimum(self.passed / age, 1), self.change)
        return average + gain * (logits - average), age


def _contend(logits: Floats, room: Floats | None = None) -> NDArray[np.bool_]:
    """Which classes are near the winner somewhere; `room` of the logits' shape saves making some."""
    behind = np.subtract(logits, logits.max(axis=0), out=room)
    return np.asarray(behind.reshape(len(logits), -1).max(axis=1) > -_CONTENDS)


def _sampled(values: NDArray[Any], places: Floats, way: int, outside: int = cv2.BORDER_REPLICATE) -> NDArray[Any]:
    """The values at places between samples; outside of them the nearest, or 0."""
    # OpenCV's type hints do not know that the second map may be missing.
    return np.asarray(cv2.remap(values, places, None, way, borderMode=outside))  # type: ignore[call-overload]


def _small(image: Pixels, grid: _Grid) -> Pixels:
    """A picture at the size of the grid's small ones, its noise averaged away."""
    # This looks at 16 pixels for each; an area average straight to the size would see more, and take ten times as long.
    twice = cv2.resize(image, (2 * grid.columns, 2 * grid.rows), interpolation=cv2.INTER_LINEAR)
    small = cv2.resize(twice, (grid.columns, grid.rows), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.GaussianBlur(small, (3, 3), 0), np.uint8)
