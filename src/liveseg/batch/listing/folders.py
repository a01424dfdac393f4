"""Folders of this machine, walked one at a time, in natural order."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from liveseg.batch.listing.found import Found
from liveseg.batch.listing.sorting import in_natural_order
from liveseg.batch.places.errors import AccessError, NotStoredError, StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from liveseg.batch.listing.sorting import Named

_NOWHERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
"""Removed meanwhile, or a link that leads nowhere."""


def walk(
    top: str,
    *,
    leave_out: str | None,
    passes: Callable[[str], bool],
    descend: Callable[[str], bool],
    wanted: Callable[[str], bool],
) -> Iterator[Found]:
    """The files below a folder; links are followed, but not into a folder that they stand in.

    Args:
        top: the folder.
        leave_out: a folder that is passed by, its real path.
        passes: whether a file or folder, by its own name, is passed by.
        descend: whether a folder, by its relative path, can hold anything wanted.
        wanted: whether a file, by its relative path, is.

    Raises:
        StorageError: a folder that cannot be read.
    """
    levels = [_Level(top, "", frozenset())]
    while levels:
        level = levels[-1]
        for name, is_folder in level.entries:
            if passes(name):
                continue
            relative = level.before + name
            if not is_folder:
                if wanted(relative) and (found := stated(os.path.join(level.path, name), relative)):  # noqa: PTH118
                    yield found
                continue
            path = os.path.join(level.path, name)  # noqa: PTH118 - speed counts here
            if descend(relative) and not (leave_out and os.path.realpath(path) == leave_out):
                try:
                    below = _Level(path, f"{relative}/", level.above)
                except NotStoredError:  # removed meanwhile
                    continue
                if not below.is_loop:
                    levels.append(below)
                    break
        else:
            levels.pop()


def stated(path: str, relative: str) -> Found | None:
    """A file with its size and version; `None` where there is none any more, or something that is no file."""
    try:
        state = os.stat(path)  # noqa: PTH116
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(path, error) from error
    return Found(path, relative, version=f"{state.st_mtime_ns}-{state.st_size}", size=state.st_size)


class _Level:
    """One folder on the way down, and what is left of it."""

    def __init__(self, path: str, before: str, above: frozenset[tuple[int, int]]) -> None:
        self.path, self.before = path, before
        try:
            state = os.stat(path)  # noqa: PTH116
        except OSError as error:
            raise _unreadable(path, error) from error
        own = (state.st_dev, state.st_ino)
        self.is_loop = own in above and own != (0, 0)
        self.above = above | {own}
        self.entries = iter(in_natural_order(_scanned(path)))


def _scanned(path: str) -> Iterator[Named]:
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                try:
                    if entry.is_dir():
                        yield entry.name, True
                    elif entry.is_file():
                        yield entry.name, False
                except OSError as error:
                    if error.errno not in _NOWHERE:
                        raise
    except FileNotFoundError:  # removed meanwhile
        return
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: str, error: OSError) -> StorageError:
    kind = {PermissionError: AccessError, FileNotFoundError: NotStoredError}.get(type(error), StorageError)
    return kind(f"cannot read {path}: {error.strerror or error}; change its rights, or leave it out")
