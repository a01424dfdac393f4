"""Pascal VOC's layout: `JPEGImages`, `SegmentationClass` and lists in `ImageSets/Segmentation`.

Everingham et al., "The PASCAL Visual Object Classes Challenge". The white border around objects is 255, which is
ignored. `SegmentationClassAug`, the masks with those of the Semantic Boundaries Dataset (Hariharan et al. 2011), is
read for lists of its own (`train_aug`, `trainaug`), where there is no other folder, and where `masks` names it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from liveseg.datasets.base import Dataset
from liveseg.datasets.mask_file import MASK_EXTENSIONS, MaskCode, MaskFileSample
from liveseg.datasets.places import chosen, named_folder, pictures, subfolder
from liveseg.errors import DataError
from liveseg.labels import PASCAL_VOC

if TYPE_CHECKING:
    from pathlib import Path

    from liveseg.datasets.places import Request
    from liveseg.labels import LabelSet

LOOKED_FOR = "JPEGImages/ and SegmentationClass/"

_PHOTOS = "JPEGImages"
_MASKS = ("SegmentationClass", "SegmentationClassAug")
_LISTS = ("ImageSets/Segmentation", "ImageSets/SegmentationAug")


def finds(path: Path) -> bool:
    """Whether a folder is laid out so."""
    return root_of(path) is not None


def root_of(path: Path) -> Path | None:
    """The folder with the photos and masks: the one named, or `VOC2012` in it or in its `VOCdevkit`."""
    below = [folder for parent in (path, path / "VOCdevkit") if parent.is_dir() for folder in parent.glob("VOC20*")]
    for folder in (path, *sorted(below, reverse=True)):
        if (folder / _PHOTOS).is_dir() and subfolder(folder, _MASKS) is not None:
            return folder
    return None


def splits(request: Request) -> tuple[str, ...]:
    """The names of its lists."""
    root = root_of(request.path) or request.path
    return tuple(name for name in lists_of(root) if name != "default")


def lists_of(root: Path) -> dict[str, Path]:
    """The lists of photos, by their names; `default` is CVAT's word for all."""
    files = [path for folder in _LISTS if (root / folder).is_dir() for path in sorted((root / folder).glob("*.txt"))]
    return {path.stem: path for path in reversed(files)}


def read(request: Request) -> Dataset:
    """The data set, or the part that one of its lists names; without one, all photos that have a mask.

    Raises:
        DataError: there are no such folders, a list that names nothing.
        UsageError: a part that it does not have.
    """
    root = root_of(request.path) or request.path
    labels = request.labels or PASCAL_VOC
    return opened(request, root, labels, MaskCode.of(labels, as_they_are=request.values), "voc")


def opened(request: Request, root: Path, labels: LabelSet, code: MaskCode, layout: str) -> Dataset:
    """A data set of this layout whose masks are read by a code of its own."""
    photos_folder = root / _PHOTOS if request.images is None else named_folder(request.images, root)
    if not photos_folder.is_dir():
        raise DataError(f"{root} has no folder {_PHOTOS}; name that of the photos by --images")
    lists = lists_of(root)
    split = None if request.split is None else chosen(request, tuple(lists))
    masks = _masks_folder(request, root, split)
    photos = pictures(photos_folder)
    if split is None:
        found = pictures(masks, MASK_EXTENSIONS)
        entries = [(key, photos[key], path) for key, path in sorted(found.items()) if key in photos]
    else:
        entries = [_entry(line, root, photos, photos_folder, masks) for line in _lines(lists[split])]
    if not entries:
        raise DataError(f"no photo of {photos_folder} has a mask in {masks if split is None else lists[split]}")
    samples = tuple(MaskFileSample(key, image, mask, code) for key, image, mask in entries)
    return Dataset(request.name, layout, request.path, labels, samples)


def _masks_folder(request: Request, root: Path, split: str | None) -> Path:
    if request.masks is not None:
        return named_folder(request.masks, root)
    names = _MASKS if split is None or re.search("aug", split, re.IGNORECASE) is None else _MASKS[::-1]
    folder = subfolder(root, names)
    if folder is None:
        raise DataError(f"{root} has no folder {_MASKS[0]}; name that of the masks by --masks")
    return folder


def _lines(path: Path) -> list[str]:
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is no list of photos; save it as text in UTF-8") from error
    lines = [line for line in lines if line]
    if not lines:
        raise DataError(f"{path} lists no photos")
    return lines


def _entry(line: str, root: Path, photos: dict[str, Path], photos_folder: Path, masks: Path) -> tuple[str, Path, Path]:
    """Key, photo and mask of a line of a list: a key, or the paths of both below the data set's folder."""
    paths = line.split()
    if len(paths) == 2 and paths[0].startswith("/"):
        image, mask = (root / path.lstrip("/") for path in paths)
        return image.stem, image, mask
    return line, photos.get(line, photos_folder / f"{line}.jpg"), masks / f"{line}.png"
