"""Roboflow's exports: "Semantic Segmentation Masks" and COCO, in `train`, `valid` and `test`.

Masks are `photo_mask.png` beside `photo.jpg`, and `_classes.csv` says what their values are. The COCO export has
`_annotations.coco.json` beside the photos; the category that is only the parent of the others is left out.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from liveseg.datasets import coco
from liveseg.datasets.base import Dataset
from liveseg.datasets.labels_file import make_labels
from liveseg.datasets.mask_file import MASK_EXTENSIONS, MaskCode, MaskFileSample
from liveseg.datasets.places import chosen, merged, pictures, split_folders
from liveseg.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from liveseg.datasets.places import Request
    from liveseg.labels import LabelSet

LOOKED_FOR = "train/_classes.csv or train/_annotations.coco.json"

_CLASSES = "_classes.csv"
_COCO = "_annotations.coco.json"
_ENDING = "_mask"


def finds(path: Path) -> bool:
    """Whether a folder is one of its exports, or a part of one."""
    return bool(_folders(path))


def splits(request: Request) -> tuple[str, ...]:
    """The names of its parts."""
    return tuple(name for name in _folders(request.path) if name)


def read(request: Request) -> Dataset:
    """The data set, or the part that was asked for.

    Raises:
        DataError: files that are none of Roboflow's.
        UsageError: a part that it does not have.
    """
    folders = _folders(request.path)
    if not folders:
        raise DataError(f"{request.path} has no {LOOKED_FOR}")
    if request.split is None and "" not in folders:
        return merged(request, folders, read)
    folder = folders[chosen(request, tuple(name for name in folders if name))] if request.split else folders[""]
    if (folder / _COCO).is_file():
        found = coco.read_file(request, folder / _COCO, [folder], drop_root=True)
        return Dataset(found.name, "roboflow", found.root, found.labels, found.samples, found.notes)
    return _masks(request, folder)


def source_of(key: str) -> str:
    """What the copies that Roboflow makes of one photo have in common: what stands before `.rf.`."""
    return key.split(".rf.", 1)[0]


def _folders(path: Path) -> dict[str, Path]:
    """The folder of each part; that of an export without parts has no name."""
    parts = {name: folder for name, (folder,) in split_folders(path).items() if _holds(folder)}
    return parts or ({"": path} if _holds(path) else {})


def _holds(folder: Path) -> bool:
    return (folder / _CLASSES).is_file() or (folder / _COCO).is_file()


def _masks(request: Request, folder: Path) -> Dataset:
    labels, code = _classes(folder / _CLASSES)
    found = pictures(folder, MASK_EXTENSIONS)
    masks = {key: path for key, path in found.items() if key.endswith(_ENDING)}
    photos = {key: path for key, path in pictures(folder).items() if key not in masks}
    if not photos:
        raise DataError(f"there are no photos in {folder}")
    samples = []
    for key in sorted(photos):
        expected = folder / f"{key}{_ENDING}.png"
        samples.append(MaskFileSample(key, photos[key], masks.pop(f"{key}{_ENDING}", expected), code))
    strays = tuple(masks.values())
    notes = (f"{len(strays)} masks have no photo, such as {strays[0]}",) if strays else ()
    return Dataset(request.name, "roboflow", request.path, labels, tuple(samples), notes, strays)


def _classes(path: Path) -> tuple[LabelSet, MaskCode]:
    """The classes of a `_classes.csv`, whose lines are a value and a name, and how masks with them are read."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [row for row in csv.reader(file, skipinitialspace=True) if row]
        named = {int(row[0]): row[1].strip() for row in rows[1:]}
        values = sorted(named)
        labels = make_labels([named[value] for value in values])
        if values and not 0 <= values[0] <= values[-1] < 255:
            raise ValueError("a value is outside of 0 to 254")
    except (ValueError, IndexError) as error:
        raise DataError(f"{path} is no list of classes: write lines like 1, leaf ({error})") from error
    return labels, MaskCode.of(labels, values={value: index for index, value in enumerate(values)})
