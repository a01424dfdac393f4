"""Where the files of a data set lie: its parts, the pictures of a folder, a photo that a list names."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING

from liveseg.datasets.base import Dataset
from liveseg.errors import DataError, UsageError
from liveseg.files import is_partial
from liveseg.media.paths import IMAGE_EXTENSIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from liveseg.labels import LabelSet

_SPLITS = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation"),
    "test": ("test", "testing"),
}
"""What the usual parts of a data set are called, and the names of their folders."""


@dataclass(frozen=True)
class Request:
    """What is to be opened.

    Args:
        path: the data set's folder, or the file that lists its photos.
        split: the part wanted; `None` for all.
        images: the folder of the photos, where it is not below the data set.
        masks: the folder of the masks, likewise.
        labels: what the values of masks stand for, where nothing else says it.
        values: values of masks that a mapping file names, whether or not they are a class.
    """

    path: Path
    split: str | None = None
    images: Path | None = None
    masks: Path | None = None
    labels: LabelSet | None = None
    values: Collection[int] = ()

    @property
    def name(self) -> str:
        """What reports call the data set."""
        own = self.path.resolve().name if self.path.is_dir() else self.path.stem
        return f"{own} {self.split}" if self.split else own


def canonical(name: str) -> str:
    """A part's usual name: `valid` is `val`."""
    return next((own for own, names in _SPLITS.items() if name.lower() in names), name)


def split_folders(*parents: Path) -> dict[str, tuple[Path, ...]]:
    """The folders of the usual parts below each of some folders, where all of them have one."""
    found = {}
    for own, names in _SPLITS.items():
        for name in names:
            folders = tuple(parent / name for parent in parents)
            if all(folder.is_dir() for folder in folders):
                found[own] = folders
                break
    return found


def subfolder(parent: Path, names: Iterable[str]) -> Path | None:
    """The first of some folders that is there."""
    return next((parent / name for name in names if (parent / name).is_dir()), None)


def named_folder(given: Path, root: Path) -> Path:
    """A folder that the user named, from where they are or from the data set.

    Raises:
        UsageError: there is none.
    """
    for folder in (given, root / given):
        if folder.is_dir():
            return folder
    raise UsageError(f"there is no folder {given}")


def pictures(folder: Path, extensions: Collection[str] = IMAGE_EXTENSIONS) -> dict[str, Path]:
    """The pictures of a folder and those below it, by their key: the path below the folder without the ending.

    Raises:
        DataError: two of one name, or a folder that cannot be read.
    """
    found: dict[str, Path] = {}
    for path in files_below(folder):
        if path.suffix.lower() not in extensions:
            continue
        key = path.relative_to(folder).with_suffix("").as_posix()
        if key in found:
            raise DataError(f"{found[key]} and {path} have one name; rename one of them")
        found[key] = path
    return found


def files_below(folder: Path) -> list[Path]:
    """All files of a folder and those below it in a fixed order, but for hidden and unfinished ones."""
    found: list[Path] = []
    try:
        for base, folders, names in os.walk(folder, onerror=_raise):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            found += [Path(base, name) for name in sorted(names) if not name.startswith(".")]
    except OSError as error:
        raise DataError(f"cannot read the folder {error.filename}: {error.strerror}") from error
    return [path for path in found if not is_partial(path)]


def _raise(error: OSError) -> None:
    raise error


class Photos:
    """Finds the photos that a list names by paths of its own.

    Args:
        folders: where they may lie, the likeliest first; the folders below the last of them are searched by name.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self.folders = list(dict.fromkeys(folder for folder in folders if folder.is_dir()))
        self.missing: list[str] = []
        self.found = 0

    def find(self, name: str, *others: str) -> Path:
        """The file of a photo; where there is none, the path at which it was looked for first."""
        for candidate in (name, *others):
            relative = _relative(candidate)
            for folder in self.folders:
                path = folder / relative
                if path.is_file():
                    self.found += 1
                    return path
        for candidate in (name, *others):
            path_by_name = self._by_name.get(_relative(candidate).name)
            if path_by_name is not None:
                self.found += 1
                return path_by_name
        self.missing.append(name)
        return (self.folders[0] if self.folders else Path()) / _relative(name)

    def check(self, origin: Path) -> list[str]:
        """A note about those that are missing.

        Raises:
            DataError: all are.
        """
        if self.found == 0 and self.missing:
            where = ", ".join(str(folder) for folder in self.folders) or "no folder"
            raise DataError(
                f"none of the {len(self.missing)} photos that {origin} names is there, such as {self.missing[0]!r};"
                f" looked in {where}; name their folder by --images"
            )
        if not self.missing:
            return []
        return [f"{len(self.missing)} photos that {origin.name} names are not there, such as {self.missing[0]}"]

    @cached_property
    def _by_name(self) -> dict[str, Path]:
        """The pictures below the last folder that bear their name alone."""
        names: dict[str, Path | None] = {}
        for path in files_below(self.folders[-1]) if self.folders else ():
            if path.suffix.lower() in IMAGE_EXTENSIONS:
                names[path.name] = None if path.name in names else path
        return {name: path for name, path in names.items() if path is not None}


def key_of(name: str) -> str:
    """The key of a photo that a list names."""
    return _relative(name).with_suffix("").as_posix()


def merged(request: Request, splits: Iterable[str], read: Callable[[Request], Dataset]) -> Dataset:
    """All parts of a data set as one, each photo's key beginning with its part.

    Raises:
        DataError: parts with other classes.
    """
    names = tuple(splits)
    parts = [read(replace(request, split=split)) for split in names]
    first = parts[0]
    for name, part in zip(names, parts, strict=True):
        if part.labels.names != first.labels.names:
            raise DataError(f"{request.path}: {name} has other classes than {names[0]}; open one by --split")
    samples = [
        replace(sample, key=f"{name}/{sample.key}")
        for name, part in zip(names, parts, strict=True)
        for sample in part.samples
    ]
    notes = dict.fromkeys(note for part in parts for note in part.notes)
    strays = tuple(stray for part in parts for stray in part.strays)
    return Dataset(request.name, first.layout, request.path, first.labels, tuple(samples), tuple(notes), strays)


def chosen(request: Request, splits: Sequence[str]) -> str:
    """The part that was asked for, by the name that the data set has for it.

    Raises:
        UsageError: it has none of that name.
    """
    if request.split in splits:
        return str(request.split)
    wanted = canonical(str(request.split))
    for split in splits:
        if canonical(split) == wanted:
            return split
    there = f"there is {', '.join(splits)}" if splits else "it has no parts"
    raise UsageError(f"{request.path} has no part {request.split!r}; {there}")


def _relative(name: str) -> PurePosixPath:
    """A list's path of a photo, as one below some folder, whatever system wrote it."""
    path = PureWindowsPath(name)
    parts = [part for part in path.parts if part not in ("..", ".", path.anchor)]
    return PurePosixPath(*parts)
