"""Files that are whole or not there: written under a partial name beside the target, then renamed.

The partial name of `NAME.EXT` is `NAME.partial.EXT`: its extension still says what it holds, so that what a
killed run leaves behind can be opened, and nothing broken ever bears a final name.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from liveseg.errors import LivesegError, OutputExistsError, SinkError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from os import PathLike

PARTIAL = ".partial"
"""What stands between the stem and the extension of a file that is still being written."""

_NO_SPACE = "no space left there; free some, or choose another place"
_NOT_ALLOWED = "not allowed to write there; choose another place"
_REASONS = {
    errno.ENOSPC: _NO_SPACE,
    errno.EDQUOT: _NO_SPACE,
    errno.EACCES: _NOT_ALLOWED,
    errno.EPERM: _NOT_ALLOWED,
    errno.EROFS: "that disk is read-only; choose another place",
    errno.ENAMETOOLONG: "the file name is too long; choose a shorter one",
    errno.EFBIG: "the file is larger than that disk or a set limit allows; choose another place",
    errno.EISDIR: "that is a folder; name a file in it",
    errno.ENOENT: "its folder does not exist and cannot be made; choose another place",
}


_locks: dict[Path, FileLock] = {}
"""The locks of the files that this process is writing."""


def partial_path(target: str | PathLike[str]) -> Path:
    """The name that a file has until it is whole: `NAME.partial.EXT`, in the folder of the target."""
    target = Path(target)
    return target.with_name(f"{target.stem}{PARTIAL}{target.suffix}")


def is_partial(path: Path) -> bool:
    """Whether a name is that of a file which was never finished."""
    return PARTIAL in path.suffixes[-2:]


def prepare(target: str | PathLike[str], *, overwrite: bool) -> Path:
    """Make a target ready to be written: its folder, and in it an empty partial file, whose path is returned.

    Raises:
        OutputExistsError: the target is there and `overwrite` is false.
        SinkError: the target is a folder or a device, or its folder cannot be made or written to.
    """
    target = Path(target)
    partial = partial_path(target)
    try:
        refuse_existing(target, overwrite=overwrite)
        _make_folder(target)
        claim(partial, target)
        # Opening it is the only question about rights, space and names that every system answers truly.
        partial.open("wb").close()
    except SinkError:
        raise
    except OSError as error:
        unclaim(partial)
        raise sink_error(target, error) from error
    return partial


def commit(partial: Path, target: Path, *, overwrite: bool = True) -> None:
    """Give a finished file its final name, in one step.

    Raises:
        OutputExistsError: the target has appeared meanwhile and `overwrite` is false.
        SinkError: the file cannot be renamed.
    """
    try:
        refuse_existing(target, overwrite=overwrite)
        partial.replace(target)
        unclaim(partial)
    except SinkError:
        raise
    except OSError as error:
        raise sink_error(target, error) from error


def discard(partial: Path) -> None:
    """Remove a partial file, if it is there and can be removed."""
    # What ended the writing is the error to report; a leftover beside it is named as one by its own name.
    with contextlib.suppress(OSError):
        partial.unlink(missing_ok=True)
    unclaim(partial)


def check_writable(target: str | PathLike[str], *, overwrite: bool) -> None:
    """See that a target can be written, before the work that its content takes; its folder is made.

    Raises:
        OutputExistsError: it is there and `overwrite` is false.
        SinkError: it cannot be written; the message says why.
    """
    discard(prepare(target, overwrite=overwrite))


@contextmanager
def atomic_write(target: str | PathLike[str], *, overwrite: bool) -> Iterator[Path]:
    """Write a file that appears whole under its name, or not at all: yields the partial path to write to.

    Left by an exception, the partial file is removed. The body is expected to write and nothing else: an
    `OSError` in it is reported as the target's.

    Raises:
        OutputExistsError: the target is there and `overwrite` is false.
        SinkError: the target cannot be written; the message says why.
    """
    target = Path(target)
    partial = prepare(target, overwrite=overwrite)
    try:
        yield partial
        commit(partial, target, overwrite=overwrite)
    except BaseException as error:
        discard(partial)
        if isinstance(error, OSError) and not isinstance(error, LivesegError):
            raise sink_error(target, error) from error
        raise


def sink_error(target: str | PathLike[str], error: OSError) -> SinkError:
    """What the operating system said about a target, as one line with its remedy."""
    reason = _REASONS.get(error.errno or 0) or error.strerror or " ".join(str(error).split())
    return SinkError(f"cannot write {target}: {reason or type(error).__name__}")


@contextmanager
def errors_named(target: str | PathLike[str]) -> Iterator[None]:
    """What the operating system raises within, as a `SinkError` of one line that names the target."""
    try:
        yield
    except LivesegError:
        raise
    except OSError as error:
        raise sink_error(target, error) from error


def claim(path: Path, target: Path) -> None:
    """Make this process the only one that writes a file, until it ends or gives the file back.

    Args:
        path: of the file that is written to.
        target: what it is for, for the message.

    Raises:
        SinkError: another run is writing it.
    """
    # Elsewhere than beside the target, so that a killed run leaves no more there than its partial file.
    name = hashlib.sha256(os.fsencode(path.absolute())).hexdigest()[:24]
    lock = FileLock(Path(tempfile.gettempdir()) / f"liveseg-{name}.lock", timeout=0, thread_local=False)
    try:
        lock.acquire()
        while not _is_named(lock):
            # Who had it removed its file since this one opened it; by now another file may stand there.
            lock.release()
            lock.acquire()
    except Timeout as error:
        raise SinkError(f"cannot write {target}: another run is writing it; choose another name") from error
    _locks[path] = lock


def unclaim(path: Path) -> None:
    """Give back a file that was claimed, if it was."""
    lock = _locks.pop(path, None)
    if lock is not None:
        # While it is held, see `claim`; where an open file cannot be removed, `release` does it. Many files would
        # leave as many locks.
        with contextlib.suppress(OSError):
            Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()


def _is_named(lock: FileLock) -> bool:
    """Whether the file that is locked is the one that its name leads to."""
    held = lock._context.lock_file_fd  # noqa: SLF001 - filelock leaves its files, and has no other way to ask
    if held is None:
        return True
    try:
        return os.path.samestat(os.fstat(held), Path(lock.lock_file).stat())
    except FileNotFoundError:
        return False


def _make_folder(target: Path) -> None:
    for folder in (target.parent, *target.parent.parents):
        if folder.is_dir():
            break
        if folder.exists():
            raise SinkError(f"cannot write {target}: {folder} is a file, not a folder; choose another place")
    target.parent.mkdir(parents=True, exist_ok=True)


def refuse_existing(target: Path, *, overwrite: bool) -> None:
    """See that a target may be written, before the work that its content takes.

    Raises:
        OutputExistsError: it is there and `overwrite` is false.
        SinkError: it is a folder or a device.
    """
    if target.is_dir():
        raise SinkError(f"cannot write {target}: that is a folder; name a file in it")
    if not target.exists():
        return
    if not target.is_file():
        # Renaming over a device such as /dev/null would replace the device.
        raise SinkError(f"cannot write {target}: that is not a regular file; choose another name")
    if not overwrite:
        raise OutputExistsError(f"{target} exists already; add --overwrite, or choose another name")
