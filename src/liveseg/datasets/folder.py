"""The plainest layout: a folder of photos and one of masks, of the same names.

The mask of `images/a.jpg` is `masks/a.png`, `masks/a_mask.png` or `masks/a.jpg.png`. Folders may be nested, alike on
both sides. Parts are folders `train` and `val`, which hold both folders or lie in both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from liveseg.datasets.base import Dataset
from liveseg.datasets.labels_file import LABELS_FILE, read_labels
from liveseg.datasets.mask_file import MASK_EXTENSIONS, MaskCode, MaskFileSample, embedded_labels
from liveseg.datasets.places import chosen, files_below, merged, named_folder, pictures, split_folders, subfolder
from liveseg.errors import DataError
from liveseg.labels import PASCAL_VOC
from liveseg.media.paths import IMAGE_EXTENSIONS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from liveseg.datasets.places import Request
    from liveseg.labels import LabelSet

LOOKED_FOR = "images/ and masks/"

_IMAGES = ("images", "image", "imgs", "img", "photos")
_MASKS = ("masks", "mask", "annotations", "labels")
_BLURRED = (".jpg", ".jpeg")


def finds(path: Path) -> bool:
    """Whether a folder is laid out so."""
    return _pair(path) is not None or bool(_split_pairs(path))


def splits(request: Request) -> tuple[str, ...]:
    """The names of its parts."""
    return tuple(_parts(request))


def read(request: Request) -> Dataset:
    """The data set, or the part of it that was asked for.

    Without names of classes, those are taken that the masks carry in themselves, as liveseg writes them, and otherwise
    those of Pascal VOC, with a note.

    Raises:
        DataError: there are no such folders, or no photos in them.
        UsageError: a part that it does not have.
    """
    parts = _parts(request)
    if request.split is not None:
        pair = _nested(request) if request.split not in parts else None
        images, masks = pair or parts[chosen(request, tuple(parts))]
    elif parts:
        return merged(request, parts, read)
    else:
        images, masks = _folders(request)
    return _opened(request, images, masks)


def _opened(request: Request, images: Path, masks: Path) -> Dataset:
    photos = pictures(images)
    if not photos:
        raise DataError(f"there are no photos in {images}")
    found = pictures(masks, MASK_EXTENSIONS)
    if not found:
        blurred = (
            "; what is there is JPEG, which blurs the values of masks: save PNG" if pictures(masks, _BLURRED) else ""
        )
        raise DataError(f"there are no masks in {masks}: no {', '.join(sorted(MASK_EXTENSIONS))}{blurred}")
    notes = []
    labels = request.labels or _own_labels((images, masks, request.path))
    if labels is None:
        labels = embedded_labels(next(iter(found.values())))
    if labels is None:
        labels = PASCAL_VOC
        notes.append(f"there is no {LABELS_FILE}, so masks are taken as Pascal VOC's 21 classes")
    code = MaskCode.of(labels, as_they_are=request.values)
    samples = []
    for key in sorted(photos):
        names = (key, f"{key}_mask", f"{key}{photos[key].suffix}")
        name = next((name for name in names if name in found), None)
        mask = masks / f"{key}.png" if name is None else found.pop(name)
        samples.append(MaskFileSample(key, photos[key], mask, code))
    strays = tuple(found.values())
    if strays:
        notes.append(f"{len(strays)} masks have no photo, such as {strays[0]}")
    return Dataset(request.name, "folder", request.path, labels, tuple(samples), tuple(notes), strays)


def _parts(request: Request) -> dict[str, tuple[Path, Path]]:
    """The folders of each part that has its own."""
    pair = _given(request) or _pair(request.path)
    if pair is None:
        return _split_pairs(request.path)
    images, masks = pair
    # Photos beside the folders of parts belong to none; then the folders are only folders.
    if any(path.suffix.lower() in IMAGE_EXTENSIONS for path in images.iterdir()):
        return {}
    found = {name: (own, other) for name, (own, other) in split_folders(images, masks).items()}
    if len(found) == 1:
        # Nor is a lone one among others a part: it may be called after the vehicle.
        inner = [folder for folder in images.iterdir() if folder.is_dir() and (masks / folder.name).is_dir()]
        return found if sum(not folder.name.startswith(".") for folder in inner) == 1 else {}
    return found


def _split_pairs(path: Path) -> dict[str, tuple[Path, Path]]:
    pairs = {name: _pair(folder) for name, (folder,) in split_folders(path).items()}
    return {name: pair for name, pair in pairs.items() if pair is not None}


def named(path: Path) -> tuple[Path, Path] | None:
    """The folders that are called as those of photos and masks are, whatever lies in them."""
    images, masks = subfolder(path, _IMAGES), subfolder(path, _MASKS)
    return None if images is None or masks is None else (images, masks)


def _pair(path: Path) -> tuple[Path, Path] | None:
    pair = named(path)
    # What lies in `annotations` and `labels` may be something else.
    masked = pair is not None and any(file.suffix.lower() in MASK_EXTENSIONS for file in files_below(pair[1]))
    return pair if masked else None


def _given(request: Request) -> tuple[Path, Path] | None:
    if request.images is None and request.masks is None:
        return None
    own_images, own_masks = subfolder(request.path, _IMAGES), subfolder(request.path, _MASKS)
    images = own_images if request.images is None else named_folder(request.images, request.path)
    masks = own_masks if request.masks is None else named_folder(request.masks, request.path)
    if images is None or masks is None:
        what = "photos: name it by --images" if images is None else "masks: name it by --masks"
        raise DataError(f"{request.path} has no folder of {what}")
    return images, masks


def _folders(request: Request) -> tuple[Path, Path]:
    pair = _given(request) or named(request.path)
    if pair is None:
        raise DataError(f"{request.path} has no {LOOKED_FOR}; name the two folders by --images and --masks")
    return pair


def _nested(request: Request) -> tuple[Path, Path] | None:
    """The folders of a part with a name of its own, which lies in both."""
    pair = _given(request) or _pair(request.path)
    if pair is None or request.split is None:
        return None
    images, masks = (folder / request.split for folder in pair)
    return (images, masks) if images.is_dir() and masks.is_dir() else None


def _own_labels(folders: Iterable[Path]) -> LabelSet | None:
    """The classes that a file names in one of the folders or above them, but not above the data set's own."""
    *inner, root = folders
    for folder in inner:
        places = [folder, folder.parent] if folder.parent.is_relative_to(root) else [folder]
        for place in places:
            if (place / LABELS_FILE).is_file():
                return read_labels(place / LABELS_FILE)
    return read_labels(root / LABELS_FILE) if (root / LABELS_FILE).is_file() else None
