"""The boundary F-score: how well the masks' borders lie on the true ones.

As Csurka, Larlus and Perronnin propose in "What is a good evaluation measure for semantic segmentation?" (BMVC 2013):
of each class in each image, precision is the share of its predicted boundary that lies within a tolerance of its true
boundary, recall the share of its true boundary that lies within the tolerance of the predicted one, and F their
harmonic mean; the tolerance is 0.75 % of the image's diagonal. An image's score is the mean over its classes, the
score of a set the mean over its images, and the score of a class the mean over the images that have a boundary of it.

What the definition leaves open is settled so:

- A pixel lies on its class's boundary where one of its four neighbours has another class. The image's rim is none.
- Distances are Euclidean, between the centres of pixels; one of exactly the tolerance is within it.
- The classes of an image are those with a boundary in the truth or the prediction, the background among them. Where
  only one of the two has one, F is 0.
- Ignored pixels (255) have no class. Where they are a seam at most twice the tolerance wide, as Pascal VOC draws them
  around each object, each takes the nearest class, so that the border runs in the seam's middle. Where they are wider,
  no boundary counts in them nor within the tolerance of them, but those that do count may be matched there.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]

TOLERANCE = 0.0075
"""How far two boundaries may be apart, as a share of the image's diagonal."""

Edge = tuple[int, int, int, int, int]
"""A class; of its predicted boundary the pixels that match and all; the same of its true boundary."""

_WIDEST_DISC = 150
"""The square of the radius, in pixels, up to which a disc is drawn around each pixel of a boundary. Around more, the
distance is computed everywhere: its time does not grow with the radius."""

_CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], np.uint8)


def edges(truth: Pixels, found: Pixels, classes: int) -> tuple[Edge, ...]:
    """The counts of each class that has a boundary, in ascending order.

    Args:
        truth: `(H, W)` `uint8`; what is not below `classes` is ignored.
        found: `(H, W)` `uint8`; what is not below `classes` is none of them.
        classes: how many there are.
    """
    height, width = truth.shape
    reach = TOLERANCE * math.hypot(height, width)
    ignored = truth >= classes
    counts: Pixels | None = None
    if ignored.any():
        if ignored.all():
            return ()
        truth, counts = _bridged(truth, ignored.view(np.uint8), reach)
    present = np.zeros(256, np.bool_)
    present[truth] = present[found] = True
    result = []
    for index in np.flatnonzero(present[:classes]).tolist():
        true, own = _edge(truth, index), _edge(found, index)
        true_counts, own_counts = (true, own) if counts is None else (true & counts, own & counts)
        lengths = cv2.countNonZero(own_counts), cv2.countNonZero(true_counts)
        if not any(lengths):
            continue
        matched = _matched(own_counts, true, reach), _matched(true_counts, own, reach)
        result.append((index, matched[0], lengths[0], matched[1], lengths[1]))
    return tuple(result)


def f_score(edge: Edge) -> float:
    """The F-score of one class in one image, from 0 to 1."""
    _, own_matched, own, true_matched, true = edge
    if not own or not true or not own_matched or not true_matched:
        return 0.0
    precision, recall = own_matched / own, true_matched / true
    return 2 * precision * recall / (precision + recall)


def near(places: Pixels, squared: float) -> Pixels:
    """Which pixels lie within a distance of others, `(H, W)` `uint8`, 0 or 1.

    Args:
        places: `(H, W)` `uint8`, 1 at the others and 0 elsewhere.
        squared: the square of the distance, in pixels.
    """
    whole = math.floor(squared)  # squared distances between pixels are whole numbers
    if whole <= _WIDEST_DISC:
        return np.asarray(cv2.dilate(places, _disc(whole)), np.uint8)
    if not cv2.countNonZero(places):
        return np.zeros_like(places)
    distance = cv2.distanceTransform(1 - places, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return (distance < math.sqrt(whole + 0.5)).astype(np.uint8)


def _matched(counted: Pixels, other: Pixels, reach: float) -> int:
    """How many pixels of one boundary, 1, lie within reach of another."""
    left, top, width, height = cv2.boundingRect(counted)
    if not width:
        return 0
    # Most objects are small beside their picture.
    margin = math.ceil(reach)
    part = slice(max(top - margin, 0), top + height + margin), slice(max(left - margin, 0), left + width + margin)
    return cv2.countNonZero(counted[part] & near(other[part], reach * reach))


def _edge(mask: Pixels, index: int) -> Pixels:
    """The pixels of a class, 1, that have a neighbour of another; 0 elsewhere."""
    own = (mask == index).view(np.uint8)
    return np.asarray(own - cv2.erode(own, _CROSS), np.uint8)


def _bridged(truth: Pixels, ignored: Pixels, reach: float) -> tuple[Pixels, Pixels]:
    """The truth with a class everywhere, and where boundaries count, 1."""
    _, nearest = cv2.distanceTransformWithLabels(ignored, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    known = ignored == 0
    classes = np.zeros(int(nearest.max()) + 1, np.uint8)
    classes[nearest[known]] = truth[known]
    deep = ignored & (1 - near(known.view(np.uint8), reach * reach))
    return classes[nearest], 1 - near(deep, (2 * reach) ** 2)


@lru_cache(maxsize=16)
def _disc(squared: int) -> Pixels:
    radius = math.isqrt(squared)
    line = np.arange(-radius, radius + 1) ** 2
    return (line[:, None] + line <= squared).astype(np.uint8)
