"""Temporary folders that go with their process: at its end, or if it was killed, with the next run on that machine."""

from __future__ import annotations

import re
import secrets
import shutil
import tempfile
import weakref
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

if TYPE_CHECKING:
    from types import TracebackType

_LOCK = ".used"
"""Another ending than that of a run's sign of life, which the next run on its destination looks for."""
_NAMED = re.compile(rf"(liveseg-[a-z]+-[0-9a-f]{{16}}){re.escape(_LOCK)}")


class Scratch:
    """A new, empty folder that nobody else reads; a context manager that removes it.

    Beside it stands a file that the system holds locked for this process, however it ends: so others can tell whether
    it lives, even from a container where processes have other numbers.

    Args:
        what: it is for, a word.
        parent: the folder that it is made in; the system's for such if left out.
    """

    def __init__(self, what: str, parent: Path | None = None) -> None:
        self.path = (parent or Path(tempfile.gettempdir())) / f"liveseg-{what}-{secrets.token_hex(8)}"
        # Locked before there is a folder, so that none that is at work is ever without.
        lock = _lock(self.path)
        lock.acquire()
        self._remove = weakref.finalize(self, _remove, self.path, lock)
        self.path.mkdir(mode=0o700)

    def cleanup(self) -> None:
        """Remove it; may be called twice."""
        self._remove()

    def __enter__(self) -> Path:
        return self.path

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cleanup()


def clear_abandoned(parent: Path | None = None) -> int:
    """Remove the folders of processes that were killed, as far as they are this user's; how many there were."""
    removed = 0
    for own in (parent or Path(tempfile.gettempdir())).glob(f"liveseg-*{_LOCK}"):
        named = _NAMED.fullmatch(own.name)
        if named is None:
            continue
        folder = own.with_name(named[1])
        lock = _lock(folder)
        with suppress(Timeout, OSError):  # it is at work, or another user's
            lock.acquire()
            _remove(folder, lock)
            removed += 1
    return removed


def _lock(folder: Path) -> FileLock:
    return FileLock(folder.with_name(folder.name + _LOCK), timeout=0, thread_local=False)


def _remove(folder: Path, lock: FileLock) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    lock.release()
    with suppress(OSError):  # somebody looks whether it is abandoned, and removes it
        Path(lock.lock_file).unlink(missing_ok=True)
