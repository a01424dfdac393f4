"""A folder of this machine: written beside the target, flushed to the disk, then renamed."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import shutil
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from liveseg.batch.places.errors import AccessError, NotStoredError, StorageError
from liveseg.batch.places.names import MARK, checked, checked_folder, is_unfinished
from liveseg.batch.places.place import Place
from liveseg.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

_REMEDIES = {
    errno.ENOSPC: "no space left there; free some, or choose another place",
    errno.EDQUOT: "the quota there is used up; free some space, or choose another place",
    errno.EACCES: "not allowed; change the rights, or choose another place",
    errno.EPERM: "not allowed; change the rights, or choose another place",
    errno.EROFS: "that disk is read-only; choose another place",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter one",
    errno.EISDIR: "that is a folder, not a file",
    errno.ENOTDIR: "a part of its path is a file, not a folder",
    errno.EEXIST: "a part of its path is a file, not a folder",
    errno.EMFILE: "too many files are open; raise the limit (ulimit -n), or use fewer workers",
}
_MISSING = {errno.ENOENT, errno.ENOTDIR}
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}


class LocalPlace(Place):
    """A folder of this machine; it need not be there yet.

    Args:
        path: of the folder; `~` is the home.
    """

    appends = True

    def __init__(self, path: str) -> None:
        self._root = Path(path).expanduser().absolute()
        self.address = str(self._root)

    @property
    def folder(self) -> Path:
        """The folder."""
        return self._root

    def __repr__(self) -> str:
        return f"Place.at({self.address!r})"

    def read(self, name: str) -> bytes:
        """All of a file."""
        path = self._path(name)
        with _telling("read", path):
            return path.read_bytes()

    def fetch(self, name: str, to: Path) -> int:
        """Copy a file to a path of this machine."""
        path = self._path(name)
        with _telling("read", path):
            size = path.stat().st_size
            open(path, "rb").close()  # noqa: PTH123 - so that what fails from here on is the writing
        with _telling("write", to), _removed_after_failure(to):
            shutil.copyfile(path, to)
            if (copied := to.stat().st_size) != size:
                raise StorageError(f"cannot read {path}: it changed from {size:,} to {copied:,} bytes meanwhile")
        return size

    def digest(self, name: str) -> str:
        """SHA-256 of a file's bytes, in hexadecimal."""
        path = self._path(name)
        with _telling("read", path), path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def commit(self, source: Path, name: str) -> int:
        """Copy a file into the folder: beside its target, flushed to the disk, then renamed."""
        target = self._path(name)
        with _telling("write", target), self._beside(target) as partial:
            shutil.copyfile(source, partial)
            size = _flushed(partial)
            if size != source.stat().st_size:
                raise StorageError(f"cannot write {target}: {source} changed while it was copied")
            partial.replace(target)
            _flush_folder(target.parent)
        return size

    def commit_bytes(self, data: bytes, name: str, *, only_new: bool = False) -> bool:
        """Write a file beside its target, then rename it, or link it where there may be none yet."""
        target = self._path(name)
        with _telling("write", target), self._beside(target) as partial:
            partial.write_bytes(data)
            _flushed(partial)
            if only_new:
                if not _link(partial, target):
                    return False
            else:
                partial.replace(target)
            _flush_folder(target.parent)
        return True

    def append(self, data: bytes, name: str) -> None:
        """Add bytes to the end of a file in one write; they are not flushed to the disk."""
        path = self._path(name)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
        with _telling("write", path):
            try:
                handle = os.open(path, flags, 0o666)
            except FileNotFoundError:
                path.parent.mkdir(parents=True, exist_ok=True)
                handle = os.open(path, flags, 0o666)
            try:
                rest = memoryview(data)
                while rest:
                    rest = rest[os.write(handle, rest) :]
            finally:
                os.close(handle)

    def names(self, under: str = "") -> Iterator[tuple[str, int]]:
        """Each file below a folder, in the file system's order; links to folders are not followed."""
        under = checked_folder(under)
        top = self._path(under) if under else self._root
        yield from _walk(top, f"{under}/" if under else "")

    def size(self, name: str) -> int:
        """Bytes of a file."""
        path = self._path(name)
        with _telling("read", path):
            if path.is_dir():
                raise IsADirectoryError(errno.EISDIR, "that is a folder", str(path))
            return path.stat().st_size

    def exists(self, name: str) -> bool:
        """Whether there is a file of that name."""
        return self._path(name).is_file()

    def delete(self, name: str) -> None:
        """Remove a file, if it is there."""
        path = self._path(name)
        with _telling("remove", path):
            path.unlink(missing_ok=True)

    def delete_all(self, under: str) -> None:
        """Remove a folder within this one and all in it."""
        path = self._path(checked(under.removesuffix("/")))
        with _telling("remove", path), contextlib.suppress(FileNotFoundError):
            shutil.rmtree(path)

    def clear_unfinished(self, under: str = "", *, older_than: float = 86400.0) -> int:
        """Remove the partial files that killed processes left."""
        under = checked_folder(under)
        removed, before = 0, time.time() - older_than
        for path in _unfinished(self._path(under) if under else self._root):
            with _telling("remove", path), contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime <= before:
                    path.unlink()
                    removed += 1
        return removed

    def _path(self, name: str) -> Path:
        path = self._root / checked(name)
        # A link within the folder could lead anywhere; the folder itself may be one.
        real, root = os.path.realpath(path), os.path.realpath(self._root)
        if not real.startswith(root.removesuffix(os.sep) + os.sep):
            raise UsageError(f"{name!r} leads out of {self._root} through a link; name the file itself")
        return path

    @contextmanager
    def _beside(self, target: Path) -> Iterator[Path]:
        """The path to write to before the target gets its name; another for each writer, so that two do not mix."""
        target.parent.mkdir(parents=True, exist_ok=True)
        # As short as can be, since the target's own name may have the full length.
        partial = target.with_name(f".{secrets.token_hex(8)}{MARK}{target.suffix[:16]}")
        with _removed_after_failure(partial):
            yield partial
        partial.unlink(missing_ok=True)


def _link(partial: Path, target: Path) -> bool:
    """Give a whole file its final name, unless there is a file of that name."""
    try:
        if sys.platform == "win32":
            partial.rename(target)  # which there fails where the target exists
        else:
            os.link(partial, target)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        return _write_new(partial, target)
    return True


def _write_new(partial: Path, target: Path) -> bool:
    # A file system without hard links: still only one process can make the file, though others may see it grow.
    try:
        with target.open("xb") as file:
            file.write(partial.read_bytes())
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        return False
    return True


def _flushed(path: Path) -> int:
    # Without it a power cut could leave the final name on a file of zeros.
    with path.open("rb+") as file:
        os.fsync(file.fileno())
        return os.fstat(file.fileno()).st_size


def _flush_folder(folder: Path) -> None:
    if sys.platform == "win32":  # which cannot open one
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:  # some network file systems cannot
            raise
    finally:
        os.close(handle)


def _walk(folder: Path, before: str) -> Iterator[tuple[str, int]]:
    folders = []
    with _telling("list", folder):
        try:
            scan = os.scandir(folder)
        except FileNotFoundError:
            return
        with scan as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.name)
                elif entry.is_file() and not is_unfinished(entry.name):
                    try:
                        size = entry.stat().st_size
                    except FileNotFoundError:  # removed meanwhile
                        continue
                    yield before + entry.name, size
    for name in folders:
        yield from _walk(folder / name, f"{before}{name}/")


def _unfinished(top: Path) -> Iterator[Path]:
    """The partial files below a folder, one by one: beside each there may be millions of others."""
    waiting = [str(top)]
    while waiting:
        with contextlib.suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                elif is_unfinished(entry.name):
                    yield Path(entry.path)


@contextmanager
def _removed_after_failure(path: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):  # what ended the writing is the error to report
            path.unlink(missing_ok=True)
        raise


@contextmanager
def _telling(doing: str, path: Path) -> Iterator[None]:
    """Say what the operating system said about a path, as one line with its remedy."""
    try:
        yield
    except (StorageError, UsageError):
        raise
    except OSError as error:
        if error.errno in _MISSING and doing != "write":
            raise NotStoredError(f"cannot {doing} {path}: there is no such file or folder") from error
        reason = _REMEDIES.get(error.errno or 0) or error.strerror or type(error).__name__
        kind = AccessError if isinstance(error, PermissionError) else StorageError
        raise kind(f"cannot {doing} {path}: {reason}") from error
