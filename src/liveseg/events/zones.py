"""Zones of the picture: polygons with names, as `door=10%,20% 50%,20% 50%,90%`, and the pixels inside them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from liveseg.errors import UsageError
from liveseg.events.cursor import Cursor
from liveseg.events.rules import NUMBER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

_LEAST_CORNERS = 3


@dataclass(frozen=True)
class Coordinate:
    """A distance from the picture's left or upper edge: in pixels, or in per cent of its width or height."""

    number: Decimal
    percent: bool = False

    def pixels(self, whole: int) -> float:
        """The distance in pixels, of a picture that is `whole` pixels wide or high."""
        return float(self.number * whole / 100 if self.percent else self.number)

    def __str__(self) -> str:
        return f"{self.number:f}{'%' if self.percent else ''}"


@dataclass(frozen=True, eq=False)
class Region:
    """The pixels of a zone, in a picture of one size.

    Args:
        rows: the rows of the smallest box around them.
        columns: likewise.
        inside: 255 for each pixel of the box that is one of them, else 0, `uint8`.
        pixels: how many there are.
    """

    rows: slice
    columns: slice
    inside: NDArray[np.uint8]
    pixels: int


@dataclass(frozen=True)
class Zone:
    """A polygon of the picture, with a name.

    A pixel belongs to it where its centre lies inside, so that zones which share an edge share no pixel. Where the
    polygon crosses itself, what is encircled twice lies outside (the even-odd rule).

    Args:
        name: what rules and rows call it.
        corners: x and y of each, in order; the last one is joined to the first.
    """

    name: str
    corners: tuple[tuple[Coordinate, Coordinate], ...]

    def outline(self, height: int, width: int) -> NDArray[np.float64]:
        """The corners `(N, 2)`, x and y in pixels; the picture's upper left corner is at 0, 0."""
        return np.array([(x.pixels(width), y.pixels(height)) for x, y in self.corners], np.float64)

    def region(self, height: int, width: int) -> Region:
        """Its pixels in a picture of this size.

        Raises:
            UsageError: there are none.
        """
        inside = _inside(self.outline(height, width), height, width)
        rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
        if not len(rows):
            raise UsageError(
                f"zone {self.name!r} holds no pixel of a {width}x{height} picture; name corners within it, such as"
                f" {self.name}=0%,0% 50%,0% 50%,100% 0%,100%"
            )
        box = slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
        return Region(*box, np.ascontiguousarray(inside[box].astype(np.uint8) * 255), int(inside.sum()))

    def __str__(self) -> str:
        return f"{self.name}={' '.join(f'{x},{y}' for x, y in self.corners)}"


def parse_zone(text: str) -> Zone:
    """Read `NAME=X,Y X,Y X,Y …`: plain numbers are pixels, those with `%` shares of the picture's width or height.

    Raises:
        UsageError: it is none; the message points at the character.
    """
    cursor = Cursor(text, "--zone")
    name = cursor.need(r"\w[\w-]*", "a name")[0]
    cursor.need("=", "= and the corners, such as 10%,20% 50%,20% 50%,90%,")
    corners = []
    while not cursor.done:
        x = _coordinate(cursor)
        cursor.need(",", "a comma, and the corner's distance from the upper edge,")
        corners.append((x, _coordinate(cursor)))
    if len(corners) < _LEAST_CORNERS:
        raise cursor.error(f"a zone has {_LEAST_CORNERS} corners or more, not {len(corners)}; another one is expected")
    return Zone(name, tuple(corners))


def parse_zones(texts: Iterable[str]) -> tuple[Zone, ...]:
    """Read several zones.

    Raises:
        UsageError: one is none, or two have the same name.
    """
    zones = tuple(parse_zone(text) for text in texts)
    names = [zone.name for zone in zones]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UsageError(f"--zone: two zones are called {twice!r}; give each a name of its own")
    return zones


def _coordinate(cursor: Cursor) -> Coordinate:
    place = cursor.skip()
    number = Decimal(cursor.need(NUMBER, "a number of pixels or per cent, such as 120 or 25%,")[0])
    percent = cursor.take("%") is not None
    if percent and number > 100:
        raise cursor.error("a share of the picture is at most 100%", place)
    return Coordinate(number, percent)


def _inside(corners: NDArray[np.float64], height: int, width: int) -> NDArray[np.bool_]:
    """Whether each pixel's centre lies in a polygon: `(height, width)`, by counting the edges to its left."""
    x, y = np.arange(width) + 0.5, np.arange(height) + 0.5
    inside = np.zeros((height, width), np.bool_)
    for edge in zip(corners.tolist(), np.roll(corners, -1, axis=0).tolist(), strict=True):
        # From one end always, so that an edge crosses each row at the same place whichever way it is walked.
        (x1, y1), (x2, y2) = sorted(edge)
        rows = np.flatnonzero((y1 <= y) != (y2 <= y))
        crossing = x1 + (y[rows] - y1) * ((x2 - x1) / (y2 - y1)) if len(rows) else y[rows]
        inside[rows] ^= crossing[:, None] <= x
    return inside
