"""Making a teacher's logits: from what a model says of photos, or from masks that somebody has made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from liveseg.datasets.places import pictures
from liveseg.errors import MediaError, SourceNotFoundError, UsageError
from liveseg.labels import IGNORE_INDEX
from liveseg.media.images import read_image
from liveseg.tiling import log_probabilities
from liveseg.train.teacher_writer import LogitsWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from liveseg.datasets import Dataset
    from liveseg.segmenter import Segmenter
    from liveseg.train.teacher import TeacherLogits

    Floats = NDArray[np.float32]
    Told = Callable[[int, int], None]

STRIDE = 8
"""Pixels of a photo to a side of a cell of the grid that masks are brought to; the grid of `lite` is as fine."""

SOFTNESS = 0.1
"""The share of each cell's certainty that masks give to all classes alike, as label smoothing does."""


def photos_below(folder: Path) -> dict[str, Path]:
    """The photos of a folder and its subfolders by their keys: the path below the folder, without the ending.

    Raises:
        SourceNotFoundError: no such folder, or no photos in it.
        DataError: two photos of one key, or a folder that cannot be read.
    """
    if not folder.is_dir():
        raise SourceNotFoundError(f"no such folder of photos: {folder}")
    found = pictures(folder)
    if not found:
        raise SourceNotFoundError(f"no photos in the folder {folder}")
    return found


def keyed(photos: Mapping[str, Path], folder: Path, taken: Iterable[str] = ()) -> dict[str, Path]:
    """Photos by the end of their paths, as `TeacherLogits.key_of` finds them, instead of their keys in a folder.

    The end begins with the folder's name, and goes so far up that no key is taken: labelled photos are often called as
    others are, and what a teacher says of one must not be taken for what it says of the other.

    Args:
        photos: by their keys in the folder.
        folder: which they lie in.
        taken: the keys of other photos.
    """
    others = set(taken)
    parts = folder.resolve().parts
    for count in range(1, len(parts) + 1):
        begin = "/".join(parts[-count:])
        found = {f"{begin}/{key}": path for key, path in photos.items()}
        if others.isdisjoint(found):
            break
    return found


def half_pixel(logits: Floats, height: int, width: int, *, align_corners: bool) -> Floats:
    """A network's logits of a photo on a grid whose cells share the photo evenly, as large as the network's own.

    Args:
        logits: `(classes, h, w)` `float32`.
        height: of the photo, in pixels.
        width: of the photo, in pixels.
        align_corners: whether the outermost logits lie on the photo's outermost pixels; nothing is done if not.
    """
    if not align_corners:
        return logits
    for axis, pixels in ((1, height), (2, width)):
        count = logits.shape[axis]
        pixel = (np.arange(count) + 0.5) * (pixels / count) - 0.5
        place = np.clip(pixel * ((count - 1) / max(pixels - 1, 1)), 0, count - 1)
        low = place.astype(np.intp)
        shape = (-1, 1) if axis == 1 else (1, -1)
        weight = (place - low).astype(np.float32).reshape(shape)
        before, after = logits.take(low, axis), logits.take(np.minimum(low + 1, count - 1), axis)
        logits = before + (after - before) * weight
    return logits


def ask(
    segmenter: Segmenter,
    photos: Mapping[str, Path],
    target: Path,
    *,
    made: Mapping[str, Any] | None = None,
    told: Told | None = None,
) -> tuple[TeacherLogits, list[str]]:
    """Write what a model says of photos, as logarithms of its probabilities; a killed run is gone on with.

    How often it looks at each photo is the segmenter's: with `tta="flip"` at its mirror image too, with `full` at
    several scales.

    Args:
        segmenter: the teacher.
        photos: the photos by their keys.
        target: `NAME.json`.
        made: what else the logits depend on; those of an earlier run are only used where it was the same.
        told: called with the number of photos that are done and that there are.

    Returns:
        The logits, and for each photo that could not be read why not.

    Raises:
        SinkError: the files cannot be written.
        MediaError: none of the photos can be read.
    """
    recipe = {"teacher": segmenter.model, "precision": segmenter.precision, "size": segmenter.size, **(made or {})}
    unread: list[str] = []
    with LogitsWriter(target, segmenter.labels, recipe) as writer:
        for done, (key, path) in enumerate(photos.items(), start=1):
            if key not in writer.records:
                try:
                    image = read_image(path)
                except MediaError as error:
                    unread.append(str(error))
                    continue
                inferred = segmenter.infer(image)
                logits = half_pixel(inferred.logits, *image.shape[:2], align_corners=inferred.align_corners)
                writer.add(key, logits)
            if told is not None:
                told(done, len(photos))
        if len(unread) == len(photos):
            raise MediaError(f"none of the {len(photos)} photos can be read; the first: {unread[0]}")
    return writer.result, unread


def from_masks(
    dataset: Dataset, target: Path, *, softness: float = SOFTNESS, told: Told | None = None
) -> TeacherLogits:
    """Write masks as a teacher's logits: in each cell the classes' shares of its pixels, softened.

    Of a cell's certainty, `softness` goes to all classes alike (label smoothing, Szegedy et al., "Rethinking the
    Inception Architecture", 2016). Where no pixel of a cell is known (255), all classes are as likely.

    Args:
        dataset: the photos with these masks.
        target: `NAME.json`.
        softness: a share in [0, 1).
        told: called with the number of photos that are done and that there are.

    Raises:
        UsageError: a softness outside its range.
        DataError: a mask that is missing or makes no sense.
        SinkError: the files cannot be written.
    """
    if not 0 <= softness < 1:
        raise UsageError(f"the softness of masks is from 0 to below 1, not {softness:g}")
    recipe = {"teacher": f"the masks in {dataset.name}", "softness": softness, "stride": STRIDE}
    # Quickly made; kept ones would be wrong as soon as somebody has mended a mask.
    with LogitsWriter(target, dataset.labels, recipe, afresh=True) as writer:
        for done, sample in enumerate(dataset, start=1):
            writer.add(sample.key, log_probabilities(_softened(sample.read_mask(), len(dataset.labels), softness)))
            if told is not None:
                told(done, len(dataset))
    return writer.result


def _softened(mask: NDArray[np.uint8], classes: int, softness: float) -> Floats:
    height, width = (-(-side // STRIDE) for side in mask.shape)
    shares = np.zeros((classes, height, width), np.float32)
    for index in np.unique(mask[mask != IGNORE_INDEX]):
        own = (mask == index).astype(np.float32)
        shares[index] = cv2.resize(own, (width, height), interpolation=cv2.INTER_AREA)
    known = shares.sum(axis=0)
    some = known > 0
    shares[:, some] /= known[some]
    shares[:, ~some] = 1 / classes
    softened: Floats = shares * np.float32(1 - softness) + np.float32(softness / classes)
    return softened
