"""Names that were given, each of which may be given once: on the disk, since there may be millions."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing

from liveseg.batch.scratch import Scratch
from liveseg.errors import UsageError

_TOGETHER = 50_000


class Unique:
    """A set of names in a temporary file."""

    def __init__(self) -> None:
        self._folder: Scratch | None = None
        self._connection: sqlite3.Connection | None = None
        self._pending = 0

    def take(self, name: str, where: str) -> None:
        """Note that a name is taken.

        Raises:
            UsageError: it was taken before.
        """
        if self._connection is None:
            self._folder = Scratch("names")
            self._connection = sqlite3.connect(self._folder.path / "names.sqlite", check_same_thread=False)
            self._connection.execute("PRAGMA synchronous=OFF")
            self._connection.execute("PRAGMA journal_mode=OFF")
            self._connection.execute("CREATE TABLE names (digest BLOB PRIMARY KEY) WITHOUT ROWID")
        # Names that differ only in case count as the same, since many file systems hold only one of them.
        digest = hashlib.blake2b(name.casefold().encode("utf-8", "surrogateescape"), digest_size=16).digest()
        with closing(self._connection.execute("INSERT OR IGNORE INTO names VALUES (?)", (digest,))) as done:
            if not done.rowcount:
                raise UsageError(f"{where} is called {name!r}, as one before it; give each its own name")
        self._pending += 1
        if self._pending >= _TOGETHER:
            self._connection.commit()
            self._pending = 0

    def close(self) -> None:
        """Remove the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
