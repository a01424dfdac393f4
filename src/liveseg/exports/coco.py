"""COCO's annotation format: a document's head, its images, and masks as run lengths or as polygons.

By default a class is one annotation, as in COCO's stuff segmentation: that is what a semantic mask says, which does not
tell two people side by side apart. For readers that expect objects, each region can be an annotation of its own.
`iscrowd` is 0, as in the stuff format, although the masks are run lengths: training code leaves crowds out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from liveseg._version import __version__
from liveseg.exports import rle
from liveseg.exports.areas import areas
from liveseg.exports.polygons import without_holes

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from fractions import Fraction

    from numpy.typing import NDArray

    from liveseg.exports.polygons import Polygon
    from liveseg.labels import LabelSet

    Annotation = dict[str, Any]


def header(labels: LabelSet, classes: Collection[int]) -> dict[str, Any]:
    """A document without `images` and `annotations`: `info`, `licenses` and `categories`.

    Args:
        labels: names and colours of the classes.
        classes: the indices of those that may be annotated; a category's `id` is its index in the mask.
    """
    return {
        "info": {"description": "semantic segmentation by liveseg", "version": __version__},
        "licenses": [],
        "categories": [
            {"id": index, "name": labels.names[index], "supercategory": "", "color": list(labels.palette[index])}
            for index in classes
        ],
    }


def image(
    image_id: int,
    width: int,
    height: int,
    file_name: str,
    *,
    frame: int | None = None,
    timestamp: Fraction | None = None,
) -> dict[str, Any]:
    """An entry of `images`.

    Args:
        image_id: from 1 up; what the annotations of the picture name.
        width: in pixels.
        height: in pixels.
        file_name: of the picture, or of the video that the frame is from.
        frame: the frame's number in the video.
        timestamp: its presentation time in seconds; written as the nearest `float`.
    """
    entry: dict[str, Any] = {"id": image_id, "width": width, "height": height, "file_name": file_name}
    if frame is not None:
        entry["frame"] = frame
    if timestamp is not None:
        entry["timestamp"] = float(timestamp)
    return entry


def class_annotations(
    mask: NDArray[np.uint8],
    labels: LabelSet,
    classes: Collection[int],
    *,
    image_id: int = 1,
    first_id: int = 1,
    confidence: NDArray[np.float32] | None = None,
) -> list[Annotation]:
    """An annotation, with run lengths, for each class that the picture has, in the order of their indices.

    Args:
        mask: `(H, W)` `uint8` class indices.
        labels: names of the classes.
        classes: the indices wanted.
        image_id: of the picture.
        first_id: of the first annotation; those after it count up. From 1 up: 0 is no match to COCO's evaluation.
        confidence: `(H, W)`, the probability of each pixel's class; its mean becomes the annotation's `score`.
    """
    height, width = mask.shape
    scores = (
        {} if confidence is None else {area.index: area.mean_confidence for area in areas(mask, labels, confidence)}
    )
    found = []
    for index, changes in rle.class_changes(mask).items():
        if index in classes:
            bounds = rle.box(changes, height)
            found.append(_annotation(index, _mask(changes, height, width), _ones(changes), bounds, scores.get(index)))
    return _numbered(found, image_id, first_id)


def region_annotations(
    found: Sequence[Polygon], width: int, height: int, *, image_id: int = 1, first_id: int = 1
) -> list[Annotation]:
    """An annotation, with run lengths, for each region.

    Args:
        found: the regions; polygons that are not simplified.
        width: of the picture, in pixels.
        height: likewise.
        image_id: of the picture.
        first_id: of the first annotation; those after it count up.
    """
    made = []
    for polygon in found:
        changes = rle.ring_changes(polygon.rings, height)
        mask = _mask(changes, height, width)
        made.append(_annotation(polygon.index, mask, polygon.pixels, polygon.bounds, polygon.mean_confidence))
    return _numbered(made, image_id, first_id)


def polygon_annotations(found: Sequence[Polygon], *, image_id: int = 1, first_id: int = 1) -> list[Annotation]:
    """An annotation, with a polygon, for each region.

    COCO's polygons have no holes: a hole hangs on a cut in the exterior, which is walked there and back.

    Args:
        found: the regions.
        image_id: of the picture.
        first_id: of the first annotation; those after it count up.
    """
    made = []
    for polygon in found:
        points = [without_holes(polygon).reshape(-1).tolist()]
        made.append(_annotation(polygon.index, points, polygon.pixels, polygon.bounds, polygon.mean_confidence))
    return _numbered(made, image_id, first_id)


def _mask(changes: NDArray[np.int64], height: int, width: int) -> dict[str, Any]:
    return {"size": [height, width], "counts": rle.packed(changes, height * width)}


def _ones(changes: NDArray[np.int64]) -> int:
    return int(np.sum(changes[1::2] - changes[0::2]))


def _annotation(
    index: int, segmentation: object, pixels: int, bounds: tuple[int, int, int, int], score: float | None
) -> Annotation:
    made = {
        "category_id": index,
        "segmentation": segmentation,
        "area": pixels,
        "bbox": list(bounds),
        "iscrowd": 0,
    }
    return made if score is None else made | {"score": score}


def _numbered(found: list[Annotation], image_id: int, first_id: int) -> list[Annotation]:
    return [{"id": number, "image_id": image_id} | made for number, made in enumerate(found, first_id)]
