"""Opening a data set, whatever files it lies in."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from liveseg.datasets import cityscapes, coco, cvat, folder, labelstudio, roboflow, voc
from liveseg.datasets.labels_file import labels_of
from liveseg.datasets.mapping import apply_mapping, map_to, read_mapping
from liveseg.datasets.places import Request, canonical
from liveseg.errors import DataError, LivesegError, SourceNotFoundError, UsageError
from liveseg.labels import PASCAL_VOC

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from os import PathLike

    from liveseg.datasets.base import Dataset
    from liveseg.datasets.labels_file import LabelsLike
    from liveseg.datasets.mapping import ClassMapping
    from liveseg.labels import LabelSet


class Layout(Protocol):
    """What the module of a layout offers."""

    LOOKED_FOR: str

    def finds(self, path: Path) -> bool:
        """Whether a folder or file is laid out so."""

    def splits(self, request: Request) -> tuple[str, ...]:
        """The names of its parts."""

    def read(self, request: Request) -> Dataset:
        """The data set, or the part of it that was asked for."""


class _Entry(NamedTuple):
    layout: Layout

    takes_labels: bool
    """Whether labels say what the values of its masks stand for; elsewhere they are what its classes are led to."""

    takes_file: bool
    """Whether it may be a file instead of a folder."""


_LAYOUTS = {
    "roboflow": _Entry(roboflow, takes_labels=False, takes_file=False),
    "cityscapes": _Entry(cityscapes, takes_labels=False, takes_file=False),
    "cvat": _Entry(cvat, takes_labels=False, takes_file=True),
    "voc": _Entry(voc, takes_labels=True, takes_file=False),
    "folder": _Entry(folder, takes_labels=True, takes_file=False),
    "coco": _Entry(coco, takes_labels=False, takes_file=True),
    "labelstudio": _Entry(labelstudio, takes_labels=False, takes_file=True),
}
"""In the order in which `auto` asks them."""

LAYOUTS = tuple(_LAYOUTS)
"""The names of the layouts."""


@contextmanager
def _told() -> Iterator[None]:
    """What the system refuses is told with the file that it refuses."""
    try:
        yield
    except OSError as error:
        if isinstance(error, LivesegError):
            raise
        raise DataError(f"cannot read {error.filename}: {error.strerror}") from error


@_told()
def open_dataset(
    path: str | PathLike[str],
    *,
    layout: str = "auto",
    split: str | None = None,
    images: str | PathLike[str] | None = None,
    masks: str | PathLike[str] | None = None,
    labels: LabelsLike | None = None,
    mapping: str | Path | Mapping[str, Any] | ClassMapping | None = None,
) -> Dataset:
    """Open a set of labelled photos; masks are made when they are read.

    Args:
        path: its folder, or the file that lists its photos (COCO, CVAT, Label Studio).
        layout: one of `LAYOUTS`, or `auto` to look.
        split: the part wanted, such as `train` or `val`; `None` for all of them, keys then beginning with the part.
        images: the folder of the photos, from here or from `path`, where it is not where the layout has it.
        masks: the folder of the masks, likewise.
        labels: `voc`, a file, or names: what the values of masks stand for (`folder`, `voc`), or the classes that the
            data set's own, which have the same names, shall become. With `voc`, COCO's own 80 categories become Pascal
            VOC's classes as torchvision's reference makes them: see `coco.as_voc`.
        mapping: a file or its data, by which the data set's classes become others: see `read_mapping`.

    Raises:
        SourceNotFoundError: no such folder or file.
        DataError: files that are not laid out as expected; the message says what was looked for.
        UsageError: an unknown layout, part or class.
    """
    request = _request(path, split, images, masks)
    entry = _LAYOUTS[_layout(request, layout)]
    own = None if labels is None else labels_of(labels)
    told = None if mapping is None else read_mapping(mapping)
    opened = entry.layout.read(
        Request(
            request.path,
            request.split,
            request.images,
            request.masks,
            own if entry.takes_labels else None,
            () if told is None else told.values,
        )
    )
    _check_keys(opened)
    if own is not None and not entry.takes_labels:
        opened = _led_to(opened, own, split)
    return opened if told is None else apply_mapping(opened, told)


@_told()
def find_splits(
    path: str | PathLike[str],
    *,
    layout: str = "auto",
    images: str | PathLike[str] | None = None,
    masks: str | PathLike[str] | None = None,
) -> tuple[str, ...]:
    """The names of a data set's parts, as `open_dataset` takes them; none where it is whole.

    The usual ones are `train`, `val` and `test`, whatever the data set calls them.

    Raises:
        SourceNotFoundError: no such folder or file.
        DataError: files that are not laid out as expected.
    """
    request = _request(path, None, images, masks)
    return tuple(dict.fromkeys(map(canonical, _LAYOUTS[_layout(request, layout)].layout.splits(request))))


def _request(
    path: str | PathLike[str],
    split: str | None,
    images: str | PathLike[str] | None,
    masks: str | PathLike[str] | None,
) -> Request:
    place = Path(path)
    if not place.exists():
        raise SourceNotFoundError(f"no such folder or file: {place}")
    if place.suffix.lower() == ".zip":
        raise DataError(f"{place} is an archive; unpack it and name the folder")
    return Request(place, split, None if images is None else Path(images), None if masks is None else Path(masks))


def _layout(request: Request, layout: str) -> str:
    """The name of the layout: the one given, or the first that the files are laid out in."""
    if layout in _LAYOUTS:
        return layout
    if layout != "auto":
        raise UsageError(f"no layout called {layout!r}; choose auto, {', '.join(sorted(_LAYOUTS))}")
    if request.images is not None and request.masks is not None and request.path.is_dir():
        # Two folders say all, unless the data set is one whose masks need more.
        named = [name for name in ("cityscapes", "cvat", "voc") if _LAYOUTS[name].layout.finds(request.path)]
        return named[0] if named else "folder"
    for name, entry in _LAYOUTS.items():
        if (request.path.is_dir() or entry.takes_file) and entry.layout.finds(request.path):
            return name
    given = request.images is not None or request.masks is not None
    if request.path.is_dir() and (given or folder.named(request.path) is not None):
        return "folder"  # which says what is missing in its folders
    looked = "; ".join(f"{name}: {entry.layout.LOOKED_FOR}" for name, entry in _LAYOUTS.items())
    raise DataError(f"{request.path} is no data set that is known; looked for {looked}")


def _led_to(dataset: Dataset, labels: LabelSet, split: str | None) -> Dataset:
    if dataset.layout == "coco" and labels.names == PASCAL_VOC.names and coco.is_original(dataset.labels):
        return coco.as_voc(dataset, training=split is not None and canonical(split) == "train")
    return map_to(dataset, labels)


def _check_keys(dataset: Dataset) -> None:
    seen: set[str] = set()
    for sample in dataset.samples:
        if sample.key in seen:
            raise DataError(f"{dataset.root} names the photo {sample.key!r} twice; leave one out")
        seen.add(sample.key)
