"""A queue that may grow to millions of entries in a memory that does not: what waits lies in a temporary file."""

from __future__ import annotations

import pickle
import tempfile
import threading
import time
import zlib
from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable

T = TypeVar("T")

_CHUNK = 512


class Spool(Generic[T]):
    """First in, first out, from one thread to another.

    Args:
        chunk: entries that are written together.
    """

    def __init__(self, chunk: int = _CHUNK) -> None:
        self._chunk = chunk
        self._head: deque[T] = deque()
        self._tail: list[T] = []
        self._file = tempfile.TemporaryFile(prefix="liveseg-spool-")  # noqa: SIM115 - it is this object's own
        self._chunks: int = 0
        self._read_at = self._write_at = 0
        self._complete = False
        self._error: BaseException | None = None
        self._changed = threading.Condition()
        self.length = 0
        """Entries that wait."""

    @property
    def complete(self) -> bool:
        """Whether no more will come."""
        return self._complete

    def put(self, entry: T) -> None:
        """Add an entry; after `close` it is lost."""
        with self._changed:
            self._tail.append(entry)
            self.length += 1
            if len(self._tail) >= self._chunk:
                if self._head or self._chunks:
                    self._write(self._tail)
                else:
                    self._head.extend(self._tail)
                self._tail = []
            self._changed.notify()

    def end(self, error: BaseException | None = None) -> None:
        """No more will come.

        Args:
            error: raised once all that came before is taken.
        """
        with self._changed:
            self._complete = True
            self._error = error
            self._changed.notify()

    def get(self, seconds: float) -> T | None:
        """The next entry; `None` where none came for so long, or no more will come.

        Raises:
            Exception: what ended it.
        """
        until = time.monotonic() + seconds
        with self._changed:
            while not self.length:
                if self._complete:
                    if self._error is not None:
                        raise self._error
                    return None
                left = until - time.monotonic()
                if left <= 0:
                    return None
                self._changed.wait(left)
            if not self._head:
                if self._chunks:
                    self._head.extend(self._read())
                else:
                    self._head.extend(self._tail)
                    self._tail = []
            self.length -= 1
            return self._head.popleft()

    def close(self) -> None:
        """Forget everything."""
        with self._changed:
            self._complete = True
            self._head.clear()
            self._tail = []
            self.length = self._chunks = 0
            self._file.close()
            self._changed.notify()

    def _write(self, entries: Iterable[T]) -> None:
        if self._file.closed:
            return
        data = zlib.compress(pickle.dumps(list(entries), pickle.HIGHEST_PROTOCOL), 1)
        self._file.seek(self._write_at)
        self._file.write(len(data).to_bytes(4, "big") + data)
        self._write_at += 4 + len(data)
        self._chunks += 1

    def _read(self) -> list[T]:
        self._file.seek(self._read_at)
        size = int.from_bytes(self._file.read(4), "big")
        # Written by this process, into a file that has no name.
        entries: list[T] = pickle.loads(zlib.decompress(self._file.read(size)))  # noqa: S301
        self._read_at += 4 + size
        self._chunks -= 1
        if not self._chunks:
            self._read_at = self._write_at = 0
            self._file.truncate(0)
        return entries
