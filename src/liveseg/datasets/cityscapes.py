"""Cityscapes' layout: `leftImg8bit/val/CITY/….png` and `gtFine/val/CITY/….png`, as 19 classes.

Cordts et al., "The Cityscapes Dataset for Semantic Urban Scene Understanding" (2016). Of `_labelIds` the 19 classes
that its benchmark counts are read and everything else is ignored, as its scripts make `_labelTrainIds`, which are read
as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from liveseg.datasets.base import Dataset
from liveseg.datasets.mask_file import MaskCode, MaskFileSample
from liveseg.datasets.places import chosen, files_below, merged, named_folder
from liveseg.errors import DataError
from liveseg.labels import IGNORE_INDEX, LabelSet

if TYPE_CHECKING:
    from pathlib import Path

    from liveseg.datasets.places import Request

LOOKED_FOR = "leftImg8bit/ and gtFine/"

_PHOTOS, _MASKS = "leftImg8bit", "gtFine"
_ENDINGS = ("labelIds", "labelTrainIds")

_CLASSES: dict[str, tuple[int, tuple[int, int, int]]] = {
    "road": (7, (128, 64, 128)),
    "sidewalk": (8, (244, 35, 232)),
    "building": (11, (70, 70, 70)),
    "wall": (12, (102, 102, 156)),
    "fence": (13, (190, 153, 153)),
    "pole": (17, (153, 153, 153)),
    "traffic light": (19, (250, 170, 30)),
    "traffic sign": (20, (220, 220, 0)),
    "vegetation": (21, (107, 142, 35)),
    "terrain": (22, (152, 251, 152)),
    "sky": (23, (70, 130, 180)),
    "person": (24, (220, 20, 60)),
    "rider": (25, (255, 0, 0)),
    "car": (26, (0, 0, 142)),
    "truck": (27, (0, 0, 70)),
    "bus": (28, (0, 60, 100)),
    "train": (31, (0, 80, 100)),
    "motorcycle": (32, (0, 0, 230)),
    "bicycle": (33, (119, 11, 32)),
}
"""The classes with their numbers in `_labelIds` and their colours."""

LABELS = LabelSet(tuple(_CLASSES), tuple(color for _, color in _CLASSES.values()), background=False)
"""The 19 classes; there is no background."""

_KNOWN_IDS = 34
"""The numbers below are classes or void; 255 is the licence plate's -1."""


def finds(path: Path) -> bool:
    """Whether a folder is laid out so."""
    return (path / _PHOTOS).is_dir() and (path / _MASKS).is_dir()


def splits(request: Request) -> tuple[str, ...]:
    """The names of its parts: the folders that both sides have."""
    photos, masks = _folders(request)
    return tuple(sorted(folder.name for folder in photos.iterdir() if (masks / folder.name).is_dir()))


def read(request: Request) -> Dataset:
    """The data set, or the part that was asked for.

    Raises:
        DataError: there are no such folders, or nothing in them.
        UsageError: a part that it does not have.
    """
    parts = splits(request)
    if request.split is None:
        if not parts:
            raise DataError(f"{request.path} has no part that lies in both {LOOKED_FOR}")
        return merged(request, parts, read)
    photos, masks = _folders(request)
    split = chosen(request, parts)
    files = [path for path in files_below(photos / split) if path.stem.endswith(f"_{_PHOTOS}")]
    if not files:
        raise DataError(f"there are no photos in {photos / split}: no *_{_PHOTOS}.png")
    ids = dict.fromkeys(range(_KNOWN_IDS), IGNORE_INDEX)
    ids |= {number: index for index, (number, _) in enumerate(_CLASSES.values())}
    codes = {"labelIds": MaskCode.of(LABELS, values=ids), "labelTrainIds": MaskCode.of(LABELS)}
    samples = []
    for image in files:
        key = image.relative_to(photos / split).as_posix().removesuffix(f"_{_PHOTOS}{image.suffix}")
        paths = {ending: masks / split / f"{key}_{masks.name}_{ending}.png" for ending in _ENDINGS}
        ending = next((ending for ending, path in paths.items() if path.is_file()), _ENDINGS[0])
        samples.append(MaskFileSample(key, image, paths[ending], codes[ending]))
    return Dataset(request.name, "cityscapes", request.path, LABELS, tuple(samples))


def _folders(request: Request) -> tuple[Path, Path]:
    photos = request.path / _PHOTOS if request.images is None else named_folder(request.images, request.path)
    masks = request.path / _MASKS if request.masks is None else named_folder(request.masks, request.path)
    for folder in (photos, masks):
        if not folder.is_dir():
            raise DataError(f"{request.path} has no folder {folder.name}")
    return photos, masks
