"""Where videos and results lie: a folder of this process alone, removed at its end or by the next one."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from liveseg.errors import SinkError
from liveseg.files import sink_error

if TYPE_CHECKING:
    from collections.abc import Iterator

_PREFIX = "liveseg-videos-"
_LOCK = "in-use.lock"
_SLACK = 64 << 20
"""Bytes that have to be free besides what a client is about to send."""


class Store:
    """The folder of one process' videos; each job has a folder in it, under a name that no client chose.

    Opening it removes what processes left there that were killed: their folders' locks are free.

    Args:
        base: where the folder is made; `None` for the system's place for temporary files.

    Raises:
        SinkError: it cannot be made or written there.
    """

    def __init__(self, base: Path | None = None) -> None:
        base = Path(tempfile.gettempdir()) if base is None else base
        try:
            base.mkdir(parents=True, exist_ok=True)
            # While it is held, no other process takes a folder that has no lock yet for one that was left.
            with FileLock(base / f"{_PREFIX}begin-{_owner()}.lock", timeout=30):
                self.removed = sum(_removed(left) for left in _left(base))
                self.folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=base))
                self._lock = FileLock(self.folder / _LOCK, thread_local=False)
                self._lock.acquire()
        except Timeout as error:
            raise SinkError(f"cannot use {base}: another program holds its lock; choose another folder") from error
        except OSError as error:
            raise sink_error(base, error) from error

    def make(self, job: str) -> Path:
        """A new folder for a job.

        Raises:
            SinkError: it cannot be made.
        """
        folder = self.folder / job
        try:
            folder.mkdir(mode=0o700)
        except OSError as error:
            raise sink_error(folder, error) from error
        return folder

    def remove(self, job: str) -> bool:
        """Remove a job's folder; whether nothing of it is left.

        Windows keeps files that somebody is downloading; then it can be tried again.
        """
        shutil.rmtree(self.folder / job, ignore_errors=True)
        return not (self.folder / job).exists()

    def has_room(self, size: int) -> bool:
        """Whether so many bytes can be stored, as far as can be told."""
        return shutil.disk_usage(self.folder).free >= size + _SLACK

    def close(self) -> None:
        """Remove everything; may be called twice."""
        self._lock.release()
        shutil.rmtree(self.folder, ignore_errors=True)


def _left(base: Path) -> Iterator[Path]:
    """Folders that a process of the same user made there; in a place that all may write to there are others', too."""
    for folder in base.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):  # it may go meanwhile
            if folder.is_dir() and not folder.is_symlink() and folder.stat().st_uid == _owner():
                yield folder


def _removed(folder: Path) -> bool:
    """Remove a folder whose process has ended."""
    lock = FileLock(folder / _LOCK, timeout=0)
    try:
        lock.acquire()
    except (Timeout, OSError):
        return False
    lock.release()
    shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()


def _owner() -> int:
    """The user that this process runs as; on Windows, which keeps temporary files apart by user itself, 0."""
    return os.getuid() if hasattr(os, "getuid") else 0
