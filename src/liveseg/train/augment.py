"""Random pieces of photos: size, place, mirror image, colour, and mosaics of four photos.

Each piece is cut out before it is resized, so that a piece costs what its own pixels cost, whatever the photo's size.
Every choice comes from the generator that the caller gives: the same generator makes the same piece.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from liveseg.labels import IGNORE_INDEX
from liveseg.train.examples import Crop, Example

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from liveseg.train.examples import Floats, Pixels

_GREY = (124, 116, 104)
"""What lies beside a photo: the mean of ImageNet's photographs, which the networks see as zero."""

_LEAST_QUARTER = 0.3
"""The share of a mosaic's side that each of its photos has, at least."""


@dataclass(frozen=True)
class Augment:
    """Makes training pieces.

    Args:
        side: height and width of a piece, in pixels.
        base: the shorter side that photos are brought to at scale 1, in pixels.
        scale: the least and the greatest scale; drawn evenly on a logarithmic axis.
        stretch: how far width and height may be scaled apart: 0.1 is up to 10 %.
        mirror: whether pieces may be mirrored; wrong where left and right are classes.
        colour: strength of the changes of brightness, contrast, saturation and white balance, 0 for none.
        mosaic: share of the pieces that are put together from four photos.
        grid: rows and columns of the network's logits for such a piece.
        align_corners: whether those logits' corners lie on the piece's corner pixels, as the model's contract says.
        classes: how many channels a teacher has; 0 where there is no teacher.
    """

    side: int
    base: int
    scale: tuple[float, float] = (0.5, 2.0)
    stretch: float = 0.1
    mirror: bool = True
    colour: float = 1.0
    mosaic: float = 0.0
    grid: int = 0
    align_corners: bool = False
    classes: int = 0

    def __call__(self, pick: Callable[[int], Example], index: int, rng: np.random.Generator, count: int = 1) -> Crop:
        """One piece.

        Args:
            pick: gives the photo of a number.
            index: the photo that the piece is of; a mosaic takes three others at random.
            rng: every choice comes from it.
            count: how many photos `pick` has.
        """
        canvas = _Canvas(self)
        if self.mosaic and rng.random() < self.mosaic:
            low, high = _LEAST_QUARTER * self.side, (1 - _LEAST_QUARTER) * self.side
            x, y = (round(value) for value in rng.uniform(low, high, 2))
            others = [index, *(int(number) for number in rng.integers(0, count, 3))]
            corners = [(0, 0, x, y), (x, 0, self.side, y), (0, y, x, self.side), (x, y, self.side, self.side)]
            for place, number in zip(rng.permutation(4), others, strict=True):
                # Four photos share the piece, so each is shown at half the size it has alone.
                canvas.place(pick(number), corners[place], rng, zoom=0.6)
        else:
            canvas.place(pick(index), (0, 0, self.side, self.side), rng)
        image = recolour(canvas.image, rng, self.colour) if self.colour else canvas.image
        return Crop(image, canvas.mask, canvas.teacher, canvas.known)


class _Canvas:
    """A piece in the making."""

    def __init__(self, plan: Augment) -> None:
        self.plan = plan
        self.image: Pixels = np.empty((plan.side, plan.side, 3), np.uint8)
        self.image[:] = _GREY
        self.mask: Pixels = np.full((plan.side, plan.side), IGNORE_INDEX, np.uint8)
        self.teacher: Floats | None = (
            np.zeros((plan.classes, plan.grid, plan.grid), np.float32) if plan.classes else None
        )
        self.known: Floats = np.zeros((plan.grid, plan.grid), np.float32)
        steps = np.arange(plan.grid)
        if plan.align_corners:
            self.points = steps * ((plan.side - 1) / max(plan.grid - 1, 1))
        else:
            self.points = (steps + 0.5) * (plan.side / max(plan.grid, 1)) - 0.5

    def place(
        self, example: Example, box: tuple[int, int, int, int], rng: np.random.Generator, zoom: float = 1.0
    ) -> None:
        """Fill `box` (left, top, right, bottom) with a random part of a photo."""
        plan = self.plan
        mirrored = plan.mirror and rng.random() < 0.5
        image, mask = example.image, example.mask
        height, width = mask.shape
        scale = zoom * float(np.exp(rng.uniform(np.log(plan.scale[0]), np.log(plan.scale[1]))))
        scale *= plan.base / min(height, width)
        skew = float(np.exp(rng.uniform(-1, 1) * np.log1p(plan.stretch) / 2))
        across = _Axis.draw(width, scale * skew, box[0], box[2], rng)
        down = _Axis.draw(height, scale / skew, box[1], box[3], rng)
        part = slice(down.first, down.last), slice(across.first, across.last)
        target = slice(down.low, down.high), slice(across.low, across.high)
        size = across.high - across.low, down.high - down.low
        if min(size) <= 0:
            return
        # The part of a mirrored photo is the mirror image of the mirrored part.
        source = (part[0], slice(width - across.last, width - across.first)) if mirrored else part
        shrinks = scale < 0.8
        pixels = cv2.resize(image[source], size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
        classes = cv2.resize(mask[source], size, interpolation=cv2.INTER_NEAREST_EXACT)
        self.image[target] = pixels[:, ::-1] if mirrored else pixels
        self.mask[target] = classes[:, ::-1] if mirrored else classes
        if example.teacher is not None and self.teacher is not None:
            self._teach(example.teacher, down, across, mirrored)

    def _teach(self, logits: NDArray[np.floating], down: _Axis, across: _Axis, mirrored: bool) -> None:
        rows, vertical = down.sample(self.points, logits.shape[1])
        columns, horizontal = across.sample(self.points, logits.shape[2])
        if mirrored:
            horizontal = horizontal[:, ::-1]
        values = np.matmul(np.matmul(vertical, logits.astype(np.float32)), horizontal.T)
        there = np.ix_(rows, columns)
        if self.teacher is not None:
            self.teacher[:, there[0], there[1]] = values
        self.known[there] = 1


@dataclass(frozen=True)
class _Axis:
    """One axis of a piece: pixels `first` to `last` of a photo of `length` become `low` to `high` of the piece."""

    length: int
    first: int
    last: int
    low: int
    high: int

    @classmethod
    def draw(cls, length: int, scale: float, start: int, stop: int, rng: np.random.Generator) -> _Axis:
        room, shown = stop - start, max(1, round(length * scale))
        if shown > room:
            span = min(length, max(1, round(room / scale)))
            first = int(rng.integers(0, length - span + 1))
            return cls(length, first, first + span, start, stop)
        low = start + int(rng.integers(0, room - shown + 1))
        return cls(length, 0, length, low, low + shown)

    def sample(self, points: NDArray[np.floating], cells: int) -> tuple[NDArray[np.intp], Floats]:
        """Which of `points` of the piece lie on the photo, and the weights of the photo's `cells` at each: linear."""
        inside = np.flatnonzero((points >= self.low) & (points <= self.high - 1))
        along = (points[inside] + 0.5 - self.low) * ((self.last - self.first) / (self.high - self.low)) + self.first
        where = np.clip(along * (cells / self.length) - 0.5, 0, cells - 1)
        left = np.minimum(where.astype(np.intp), max(cells - 2, 0))
        right = np.minimum(left + 1, cells - 1)
        weights = np.zeros((len(inside), cells), np.float32)
        rows = np.arange(len(inside))
        np.add.at(weights, (rows, left), 1 - (where - left))
        np.add.at(weights, (rows, right), where - left)
        return inside, weights


def recolour(image: Pixels, rng: np.random.Generator, strength: float = 1.0) -> Pixels:
    """Change brightness, contrast, gamma, white balance and saturation at random; sometimes grey, sometimes soft.

    Args:
        image: `(H, W, 3)` `uint8` RGB; not changed.
        rng: every choice comes from it.
        strength: 1 is what outdoor photos differ by.
    """
    gain = np.exp(rng.uniform(-0.3, 0.3) * strength) * np.exp(rng.uniform(-0.08, 0.08, 3) * strength)
    gamma = float(np.exp(rng.uniform(-0.25, 0.25) * strength))
    contrast = float(np.exp(rng.uniform(-0.25, 0.25) * strength))
    grey_share = 1 - float(np.exp(rng.uniform(-0.5, 0.3) * strength))
    if rng.random() < 0.04 * strength:
        grey_share = 1.0
    soft = rng.random() < 0.1 * strength
    levels = np.linspace(0, 1, 256)[:, None] ** gamma
    table = np.clip(((levels - 0.45) * contrast + 0.45) * gain * 255, 0, 255).round().astype(np.uint8)
    changed = cv2.LUT(image, table.reshape(256, 1, 3))
    grey = cv2.cvtColor(cv2.cvtColor(changed, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    changed = cv2.addWeighted(changed, 1 - grey_share, grey, grey_share, 0)
    if soft:
        changed = cv2.GaussianBlur(changed, (3, 3), 0.6 + 0.6 * float(rng.random()))
    return np.asarray(changed, np.uint8)
