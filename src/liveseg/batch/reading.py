"""How a worker gets at a file: one of this machine is read where it lies, any other is fetched."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import TYPE_CHECKING

from liveseg.batch.images import MOST_BYTES
from liveseg.batch.places.errors import StorageError
from liveseg.errors import MediaError, SourceNotFoundError

if TYPE_CHECKING:
    from liveseg.batch.work import Work
    from liveseg.settings.batch import BatchSettings

_GONE = (errno.ENOENT, errno.ENOTDIR)


def fetch(work: Work, settings: BatchSettings) -> None:
    """Bring a task's file here: of a picture its bytes, of a video a path to it.

    Raises:
        SourceNotFoundError: it is not there.
        MediaError: it is no file, or too large.
        StorageError: the disk, or the storage after its retries, did not give it.
    """
    with work.measure("fetch"):
        if "://" not in work.item.location:
            _local(work, Path(work.item.location))
        else:
            _remote(work, settings)


def _local(work: Work, path: Path) -> None:
    try:
        if path.is_dir():
            raise MediaError(f"{path} is a folder, not a file")
        size = path.stat().st_size
        piece = work.task.piece
        # Of a video each piece reads about its part, and all of them together read it once.
        work.bytes_in = (
            size if piece is None else size * (piece.index + 1) // piece.count - size * piece.index // piece.count
        )
        if work.item.kind == "image":
            _check_size(work, size)
            work.data = path.read_bytes()
        else:
            path.open("rb").close()  # so that what fails from here on is the video
    except OSError as error:
        if error.errno in _GONE:
            raise SourceNotFoundError(f"no such file: {path}") from error
        # Rights, a disk that fails, too many open files: that says nothing of the file.
        raise StorageError(f"cannot read {path}: {error.strerror or error}") from error
    work.path = path


def _remote(work: Work, settings: BatchSettings) -> None:
    from liveseg.batch.listing import open_item

    place, name = open_item(work.item, settings.storage_options)
    if work.item.kind == "image":
        if work.item.size is not None:
            _check_size(work, work.item.size)
        work.data = place.read(name)
        work.bytes_in = len(work.data)
        return
    if work.slot is None:
        raise ValueError("the work has no slot to bring its file to")
    if work.task.piece is not None:
        return  # of which only the piece is read, while it is segmented
    work.path = work.slot.source(work.item)
    work.bytes_in = place.fetch(name, work.path)


def _check_size(work: Work, size: int) -> None:
    if size > MOST_BYTES:
        raise MediaError(
            f"{work.item.location} has {size / 1e9:.1f} GB, more than any picture of the size that is taken; scale it"
            " down"
        )
