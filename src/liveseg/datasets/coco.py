"""COCO's instances JSON: polygons and run lengths, drawn as masks when they are read.

Lin et al., "Microsoft COCO: Common Objects in Context" (2014). Polygons cover the pixels that pycocotools gives them.
A class's index in the masks is its place by category id, after background (0). Objects are drawn in the order of the
file, later ones on top; crowds are drawn as their class. `as_voc` makes Pascal VOC masks of COCO's own 80 categories.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from liveseg.datasets.base import Dataset
from liveseg.datasets.labels_file import begins_with, read_json, with_background
from liveseg.datasets.places import Photos, Request, chosen, key_of, merged, named_folder
from liveseg.datasets.shapes import ColumnRuns, DrawnSample, Polygons
from liveseg.errors import DataError
from liveseg.labels import PASCAL_VOC

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from liveseg.datasets.shapes import Shape
    from liveseg.labels import LabelSet

LOOKED_FOR = "annotations/instances_*.json"

_NAMES = ("instances_*.json", "*coco*.json", "result.json", "annotations.json")
_VOC_NAMES = (
    "airplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "dining table", "dog",
    "horse", "motorcycle", "person", "potted plant", "sheep", "couch", "train", "tv",
)  # fmt: skip
"""COCO's categories that Pascal VOC has too, in VOC's order: ids 5, 2, 16, 9, 44, 6, 3, 17, 62, 21, 67, 18, 19, 4, 1,
64, 20, 63, 7 and 72, as torchvision's reference lists them."""

_CATEGORIES = 80
_LEAST_AREA = 1000


@dataclass(frozen=True)
class CocoSample(DrawnSample):
    """A photo with the objects that a COCO file describes.

    Args:
        areas: what the file gives as the area of each of the shapes, in pixels.
    """

    areas: tuple[float, ...] = ()


def finds(path: Path) -> bool:
    """Whether a folder or file is laid out so."""
    # Whether it is whole is found when it is read; large ones take minutes.
    return begins_with(path, "{") if path.is_file() else bool(_files(path))


def splits(request: Request) -> tuple[str, ...]:
    """The names of its parts, one a file: that of `instances_val2017.json` is `val`."""
    files = _files(request.path)
    return tuple(files) if len(files) > 1 or "" not in files else ()


def read(request: Request) -> Dataset:
    """The data set, or the part that was asked for.

    Raises:
        DataError: a file that is none, or photos that are not there.
        UsageError: a part that it does not have.
    """
    files = _files(request.path)
    if not files:
        raise DataError(f"{request.path} has no {LOOKED_FOR}")
    if request.split is None and len(files) > 1:
        return merged(request, files, read)
    name = next(iter(files)) if request.split is None else chosen(request, splits(request))
    file = files[name]
    root = file.parent.parent if file.parent.name == "annotations" else file.parent
    stem = file.stem.removeprefix("instances_")
    folders = [root / stem, root / "images" / stem, root / name, root / "images" / name, root / "images", root]
    if request.images is not None:
        folders = [named_folder(request.images, request.path)]
    return read_file(request, file, folders)


def read_file(request: Request, file: Path, folders: Iterable[Path], *, drop_root: bool = False) -> Dataset:
    """The data set of one file.

    Args:
        request: what was asked for.
        file: the JSON file.
        folders: where its photos may lie.
        drop_root: leave out a category that is only the parent of others, as Roboflow writes one.
    """
    data = read_json(file)
    if not isinstance(data, dict) or not all(isinstance(data.get(key), list) for key in ("images", "annotations")):
        raise DataError(f'{file} is no COCO file: it has no lists "images" and "annotations"')
    notes = []
    try:
        labels, indices = _classes(data.get("categories"), data["annotations"], drop_root=drop_root)
        shapes, areas, boxes = _objects(data["annotations"], indices)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{file}: {_what(error)}") from error
    if boxes and not shapes:
        raise DataError(f"{file} has boxes and no outlines; export it for segmentation")
    if boxes:
        notes.append(f"{boxes} objects of {file.name} have no outline and are left out")
    photos = Photos(list(folders))
    samples = []
    for entry in sorted(data["images"], key=lambda entry: str(entry.get("id")).zfill(20)):
        try:
            name, number = str(entry["file_name"]), entry["id"]
            size = (int(entry["height"]), int(entry["width"])) if "height" in entry and "width" in entry else None
            key = key_of(name)
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"{file}, at an image: {_what(error)}") from error
        own = tuple(shapes.get(number, ()))
        samples.append(CocoSample(key, photos.find(name), file, own, size, "paint", tuple(areas.get(number, ()))))
    if not samples:
        raise DataError(f"{file} names no photos")
    notes += photos.check(file)
    empty = sum(not sample.shapes for sample in samples)
    if empty:
        notes.append(f"{empty} photos of {file.name} have no objects; they are background all over")
    return Dataset(request.name, "coco", request.path, labels, tuple(samples), tuple(notes))


def is_original(labels: LabelSet) -> bool:
    """Whether classes are background and COCO's own 80."""
    return len(labels) == _CATEGORIES + 1 and set(_VOC_NAMES) <= set(labels.names)


def as_voc(dataset: Dataset, *, training: bool = False) -> Dataset:
    """COCO's own 80 categories as Pascal VOC's classes, as torchvision's segmentation reference makes them.

    The 20 categories that VOC has too become its classes and all others background. Where two or more objects overlap,
    of one class or of several, the mask is 255. Crowds count as objects. For training, photos are left out whose
    objects of these classes have 1000 pixels or fewer together, or none; for validation, all photos stay.

    Reference: `FilterAndRemapCocoCategories`, `ConvertCocoPolysToMask` and `_coco_remove_images_without_annotations` of
    torchvision's `references/segmentation/coco_utils.py`.
    """
    table = {dataset.labels.names.index(name): index for index, name in enumerate(_VOC_NAMES, 1)}
    samples = []
    for sample in dataset.samples:
        if not isinstance(sample, CocoSample):
            raise DataError(f"{sample.key} does not come from a COCO file")
        kept = [place for place, shape in enumerate(sample.shapes) if shape.index in table]
        areas = tuple(sample.areas[place] for place in kept)
        if training and not sum(areas) > _LEAST_AREA:
            continue
        shapes = tuple(replace(sample.shapes[place], index=table[sample.shapes[place].index]) for place in kept)
        samples.append(replace(sample, shapes=shapes, areas=areas, rule="reference"))
    notes = [
        *dataset.notes,
        "COCO's categories are taken as Pascal VOC's classes; where objects overlap, nothing counts",
    ]
    if training:
        left = len(dataset) - len(samples)
        notes.append(f"{left} photos with at most {_LEAST_AREA} pixels of these classes are left out for training")
    return replace(dataset, labels=PASCAL_VOC, samples=tuple(samples), notes=tuple(notes))


def _files(path: Path) -> dict[str, Path]:
    """The files of a data set by the names of their parts; that of a single file without one is empty."""
    if path.is_file():
        return {"": path}
    for folder in (path / "annotations", path):
        for pattern in _NAMES if folder.is_dir() else ():
            found = sorted(folder.glob(pattern))
            if len(found) == 1:
                return {_part(found[0]): found[0]}
            if found:
                named: dict[str, Path] = {}
                # Of two years of one part the later has the part's name.
                for file in reversed(found):
                    name = _part(file) or file.stem
                    named[file.stem.removeprefix("instances_") if name in named else name] = file
                return dict(reversed(named.items()))
    return {}


def _part(file: Path) -> str:
    """What a file is called besides `instances_` and a year; CVAT's word for all is `default`."""
    name = re.sub(r"\d{4}$", "", file.stem.removeprefix("instances_"))
    return name if file.stem.startswith("instances_") and name != "default" else ""


def _classes(categories: Any, annotations: list[Any], *, drop_root: bool) -> tuple[LabelSet, dict[Any, int]]:
    """The label set, and the index of each category id in masks."""
    if not isinstance(categories, list) or not categories:
        raise ValueError('it has no "categories"')
    own = sorted(categories, key=lambda category: int(category["id"]))
    if drop_root:
        parents = {category.get("supercategory") for category in own}
        used = {annotation["category_id"] for annotation in annotations}
        own = [one for one in own if one["name"] not in parents or one["id"] in used or one["supercategory"] != "none"]
    labels, indices = with_background([str(category["name"]) for category in own])
    return labels, {category["id"]: index for category, index in zip(own, indices, strict=True)}


def _objects(
    annotations: list[Any], indices: dict[Any, int]
) -> tuple[dict[Any, list[Shape]], dict[Any, list[float]], int]:
    """The shapes and areas of each image, and how many objects have a box only."""
    shapes: dict[Any, list[Shape]] = {}
    areas: dict[Any, list[float]] = {}
    boxes = 0
    for annotation in annotations:
        number = annotation["category_id"]
        if number not in indices:
            raise ValueError(f"an object is of category {number!r}, which is none of its categories")
        shape = _shape(annotation.get("segmentation"), indices[number])
        if shape is None:
            boxes += 1
            continue
        shapes.setdefault(annotation["image_id"], []).append(shape)
        areas.setdefault(annotation["image_id"], []).append(float(annotation.get("area", 0)))
    return shapes, areas, boxes


def _shape(segmentation: Any, index: int) -> Shape | None:
    if not segmentation:
        return None
    if isinstance(segmentation, dict):
        height, width = segmentation["size"]
        counts = segmentation["counts"]
        if not isinstance(counts, str):
            counts = np.asarray(counts, np.int64).tobytes()
        return ColumnRuns(index, (int(height), int(width)), counts)
    if not isinstance(segmentation[0], list):
        segmentation = [segmentation]
    return Polygons.of(index, segmentation)


def _what(error: Exception) -> str:
    return f"there is no {error.args[0]!r}" if isinstance(error, KeyError) else str(error)
