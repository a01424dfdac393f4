"""Regions as polygons with holes, exact: filling one gives back its pixels.

Coordinates are those of the pixels' edges: `(0, 0)` is the picture's upper left corner, x goes right, y goes down, and
the pixel in row `r` and column `c` is the square from `(c, r)` to `(c + 1, r + 1)`. So a polygon's area is the number
of its pixels. (`cv2.findContours` joins the centres of pixels: what it finds is smaller by half a pixel all around.)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from liveseg.errors import UsageError
from liveseg.exports.trace import regions

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from fractions import Fraction

    from numpy.typing import NDArray

    from liveseg.labels import LabelSet

    Ring = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Polygon:
    """A region of one class, whose pixels hang together by their edges, as its borders.

    Args:
        index: the class index in the mask.
        name: its name.
        exterior: the outer ring, `(N, 2)` `int32` `(x, y)` along the pixels' edges, not closed. It goes clockwise as
            one sees it, which, as y goes down, is counter-clockwise to who computes with x and y: as RFC 7946 has it.
        holes: the inner rings, likewise, the other way round. They may touch the exterior or each other in single
            points.
        pixels: how many pixels the region has; also where the rings were simplified.
        share: of all of the picture's pixels, in (0, 1].
        mean_confidence: the mean probability of the class over the region; `None` where it was not asked for.
    """

    index: int
    name: str
    exterior: Ring
    holes: tuple[Ring, ...]
    pixels: int
    share: float
    mean_confidence: float | None = None

    @property
    def rings(self) -> tuple[Ring, ...]:
        """The exterior, then the holes: what OpenCV's `fillPoly` takes."""
        return (self.exterior, *self.holes)

    @property
    def bounds(self) -> tuple[int, int, int, int]:
        """The box around it: x, y, width and height."""
        low, high = self.exterior.min(axis=0), self.exterior.max(axis=0)
        return int(low[0]), int(low[1]), int(high[0] - low[0]), int(high[1] - low[1])


def polygons(
    mask: NDArray[np.uint8],
    labels: LabelSet,
    classes: Iterable[int],
    *,
    simplify: float = 0.0,
    min_area: int = 1,
    confidence: NDArray[np.float32] | None = None,
) -> list[Polygon]:
    """The regions of some classes, by class and, within it, by falling area.

    Args:
        mask: `(H, W)` `uint8` class indices.
        labels: names of the classes.
        classes: the indices wanted.
        simplify: leave out points as long as no border moves by more than about so many pixels (Douglas and Peucker,
            1973, as OpenCV has it); 0 keeps each. Simplified borders of neighbours overlap or leave gaps, and holes
            thinner than that vanish.
        min_area: leave out regions of fewer pixels.
        confidence: `(H, W)`, the probability of each pixel's class, for the means.

    Raises:
        UsageError: a negative `simplify` or `min_area`.
    """
    if not (math.isfinite(simplify) and simplify >= 0):
        raise UsageError(f"simplify is a distance in pixels from 0 up, not {simplify}")
    if min_area < 0:
        raise UsageError(f"min_area is a number of pixels from 0 up, not {min_area}")
    found = []
    for region in regions(mask, classes, confidence):
        if region.pixels < min_area:
            continue
        exterior, holes = region.exterior, region.holes
        if simplify:
            holes = tuple(ring for hole in holes if (ring := _simplified(hole, simplify)) is not None)
            plain = _simplified(exterior, simplify)
            # What is smaller than the tolerance would vanish, but which regions there are is for `min_area` to say.
            exterior = exterior if plain is None else plain
        mean = None if confidence is None else region.total / region.pixels
        share = region.pixels / mask.size
        found.append(Polygon(region.index, labels.names[region.index], exterior, holes, region.pixels, share, mean))
    return sorted(found, key=lambda polygon: (polygon.index, -polygon.pixels))


def _simplified(ring: Ring, tolerance: float) -> Ring | None:
    """A ring with fewer points; `None` where nothing but a line would be left."""
    kept = np.asarray(cv2.approxPolyDP(ring, tolerance, closed=True), np.int32).reshape(-1, 2)
    return kept if len(kept) > 2 else None


def without_holes(polygon: Polygon) -> Ring:
    """A polygon as one ring: each hole hangs on a cut that is walked there and back, so that it encloses nothing."""
    joined = polygon.exterior
    for hole in polygon.holes:
        # From the hole's first point to the nearest one of what is joined already: the cut stays short.
        at = int(np.argmin(((joined - hole[0]).astype(np.int64) ** 2).sum(axis=1)))
        joined = np.concatenate((joined[: at + 1], hole, hole[:1], joined[at:]))
    return joined


def features(
    found: Sequence[Polygon], frame: int | None = None, timestamp: Fraction | None = None
) -> list[dict[str, Any]]:
    """Polygons as GeoJSON features (RFC 7946), one a region; the rings are closed, the exterior comes first.

    Args:
        found: what `polygons` found.
        frame: the frame's number.
        timestamp: its presentation time in seconds; written as the nearest `float`.
    """
    seconds = None if timestamp is None else float(timestamp)
    return [
        {
            "type": "Feature",
            "properties": {
                "frame": frame,
                "timestamp": seconds,
                "class_index": polygon.index,
                "class": polygon.name,
                "pixels": polygon.pixels,
                "share": polygon.share,
                "mean_confidence": polygon.mean_confidence,
            },
            "geometry": {
                "type": "Polygon",
                "coordinates": [[*ring.tolist(), ring[0].tolist()] for ring in polygon.rings],
            },
        }
        for polygon in found
    ]


def feature_collection(features: Sequence[dict[str, Any]], width: int, height: int) -> dict[str, Any]:
    """GeoJSON features as one document, with the picture's size as its member `image`."""
    return {"type": "FeatureCollection", "image": {"width": width, "height": height}, "features": list(features)}
