"""The names of classes, at the objects."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from liveseg.labels import UNKNOWN
from liveseg.render.letters import Box, blend, letters, scaled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from liveseg.labels import LabelSet
    from liveseg.render.overlay import Painter

    Pixels = NDArray[np.uint8]
    Color = tuple[int, int, int]

_SHARE = 1 / 40
_LEAST = 9
"""Size of the letters: a share of the picture's shorter side, and pixels below which they cannot be read."""

_LOOK = 192
"""Objects are looked for on a mask whose longer side has about so many pixels."""

_NEARLY = 0.8
"""Of the greatest distance from the border: so deep inside is deep enough, and a point nearer to the middle wins."""


@dataclass(frozen=True, slots=True)
class Object:
    """A region of one class.

    Args:
        index: of the class.
        x: column of a point well inside, in pixels.
        y: its row.
        depth: about how many pixels from there to the object's border.
        top: a row at or a little above its first.
        bottom: a row a little below its last.
        area: about how many pixels.
    """

    index: int
    x: int
    y: int
    depth: int
    top: int
    bottom: int
    area: int


def draw_names(
    picture: Pixels, mask: Pixels, labels: LabelSet, painter: Painter, *, without: Box | None = None
) -> None:
    """Write the name of its class at each object that is drawn and no speck, in place.

    A name stands inside an object that it does not hide, else above or below it. Larger objects come first; a name
    that finds no place beside those of others is left out.

    Args:
        picture: `(H, W, 3)` `uint8` RGB.
        mask: `(H, W)` `uint8` class indices.
        labels: names and colours.
        painter: the classes that are drawn.
        without: a part of the picture where nothing may stand.
    """
    height, width = mask.shape
    size = scaled(min(height, width), _SHARE, _LEAST)
    taken = [] if without is None else [without]
    for found in sorted(objects(mask, painter, least=2 * size * size), key=lambda one: -one.area):
        if labels.names[found.index] == UNKNOWN:
            continue  # a rim of doubt is no object
        chip, opacity = _chip(labels.names[found.index], labels.palette[found.index], size, width)
        tall, wide = opacity.shape
        left = min(max(found.x - wide // 2, 0), width - wide)
        middle = min(max(found.y - tall // 2, 0), height - tall)
        hides = 2 * found.depth < max(2 * tall, wide)
        for top in (found.top - tall, found.bottom, middle) if hides else (middle, middle - tall, middle + tall):
            box = Box(left, top, left + wide, top + tall)
            if 0 <= top <= height - tall and not any(box.meets(other) for other in taken):
                taken.append(box)
                blend(picture[top : top + tall, left : left + wide], opacity, chip)
                break


def objects(mask: Pixels, painter: Painter, *, least: int) -> Iterator[Object]:
    """The regions of one class each that hang together, with a point well inside: the middle may lie outside.

    Args:
        mask: `(H, W)` `uint8` class indices.
        painter: the classes that are drawn; others are no objects.
        least: pixels of the smallest object.
    """
    # No longer than the picture is wide or tall: of a strip some row is looked at.
    step = max(min(round(max(mask.shape) / _LOOK), *mask.shape), 1)
    small = painter.seen(mask[step // 2 :: step, step // 2 :: step])
    inside = painter.where(mask[step // 2 :: step, step // 2 :: step]) > 0
    # Where two classes meet, a pixel is left out, or they would be one region.
    inside[:, 1:] &= small[:, 1:] == small[:, :-1]
    inside[1:] &= small[1:] == small[:-1]
    # The picture's edge is a border, too.
    padded = np.pad(inside.astype(np.uint8), 1)
    count, regions, stats, centres = cv2.connectedComponentsWithStats(padded, connectivity=4)
    if count == 1:
        return
    depth = cv2.distanceTransform(padded, cv2.DIST_L2, 3)
    for number in range(1, count):
        left, top, wide, tall, area = (int(value) for value in stats[number])
        if area * step * step < least:
            continue
        place = slice(top, top + tall), slice(left, left + wide)
        own = np.where(regions[place] == number, depth[place], 0.0)
        # Of the points that are deep inside the one nearest to the middle: the deepest would jump about in a video.
        y, x = np.nonzero(own >= _NEARLY * own.max())
        nearest = np.argmin(np.hypot(x + left - centres[number, 0], y + top - centres[number, 1]))
        row, column = int(y[nearest]) + top - 1, int(x[nearest]) + left - 1
        yield Object(
            index=int(small[row, column]),
            x=column * step + step // 2,
            y=row * step + step // 2,
            depth=int(own.max() * step),
            # A sampled row more on either side: the one that was left out, and what lies between samples.
            top=(top - 2) * step - step // 2,
            bottom=(top + tall) * step,
            area=area * step * step,
        )


@lru_cache(maxsize=256)
def _chip(name: str, color: Color, size: int, most: int) -> tuple[Pixels, Pixels]:
    """A name on its class's colour: `(tall, wide, 3)` colours and `(tall, wide)` opacities, `uint8`."""
    pad = max(size // 3, 2)
    line = letters(name, size, max(most - 2 * pad, 1))
    tall, wide = line.shape[0] + 2 * (pad // 2), min(line.shape[1] + 2 * pad, most)
    chip = np.full((tall, wide, 3), color, np.uint8)
    red, green, blue = color
    ink = (0, 0, 0) if 0.299 * red + 0.587 * green + 0.114 * blue > 128 else (255, 255, 255)
    place = chip[pad // 2 : pad // 2 + line.shape[0], pad : pad + line.shape[1]]
    blend(place, line[:, : place.shape[1]], ink)
    opacity = np.zeros((tall, wide), np.uint8)
    radius = pad
    cv2.rectangle(opacity, (radius, 0), (wide - 1 - radius, tall - 1), (255,), cv2.FILLED)
    cv2.rectangle(opacity, (0, radius), (wide - 1, tall - 1 - radius), (255,), cv2.FILLED)
    for x in (radius, wide - 1 - radius):
        for y in (radius, tall - 1 - radius):
            cv2.circle(opacity, (x, y), radius, (255,), cv2.FILLED, cv2.LINE_AA)
    return chip, opacity
