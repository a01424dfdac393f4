"""The logs: what each worker did, written by it alone, before anyone else hears of it."""

from __future__ import annotations

import os
import secrets
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

from liveseg.batch.manifest.layout import LOGS, log_folder
from liveseg.batch.manifest.lines import encode
from liveseg.batch.places.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from concurrent.futures import Future
    from types import TracebackType
    from typing import Self

    from liveseg.batch.places import Place
    from liveseg.batch.records import Record

SUFFIX = ".jsonl"
FILE_BYTES = 4 << 20
"""A log goes on in a new file from here, so that it can be read in pieces of a bounded size."""
ROLLED_APPENDS = 64
"""So many objects of a worker are put together into one, where each append is an object."""
_SYNC_SECONDS = 5.0
_READERS = 8
_AHEAD_BYTES = 8 << 20


class WorkerLog:
    """The records of one worker, from its start to its end, in files that nobody else writes to.

    On disks an append is one write at the end of a file, which is synchronised every five seconds: a power cut, unlike
    a worker's death, may cost the records since then, and what they tell of is done again. On object stores it is one
    PUT of a new object; after 64 of them the worker puts them together into one, so that a run of 10 million files
    leaves some thousands of objects rather than hundreds of thousands. One thread at a time.

    Args:
        place: the destination.
        run: identifier of the run.
        worker: what the worker is called; one that is started again writes to another folder.
    """

    def __init__(self, place: Place, run: str, worker: str) -> None:
        self._place = place
        self._folder = log_folder(run, worker, secrets.token_hex(4))
        self._number = 0
        self._size = 0
        self._recent: list[tuple[str, bytes]] = []
        self._synced = time.monotonic()

    def append(self, records: Iterable[Record]) -> None:
        """Write records down; when it returns they are kept, whatever becomes of this process.

        Raises:
            StorageError: they may not be kept; appending them again does no harm.
        """
        data = "".join(encode(record) + "\n" for record in records).encode("ascii")
        if not data:
            return
        if self._place.appends:
            self._append(data)
        else:
            self._put(data)

    def close(self) -> None:
        """Put together what is left of single objects; what was appended is kept without it, too."""
        if self._size and self._place.appends:
            self._sync()
        if len(self._recent) > 1:
            self._roll()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()

    def _append(self, data: bytes) -> None:
        if self._size and self._size + len(data) > FILE_BYTES:
            self._sync()
            self._number, self._size = self._number + 1, 0
        try:
            self._place.append(data, self._name(self._number))
        except BaseException:
            # What it left may be a torn line, and nothing may follow that.
            self._number, self._size = self._number + 1, 0
            raise
        self._size += len(data)
        if time.monotonic() - self._synced > _SYNC_SECONDS:
            self._sync()

    def _sync(self) -> None:
        self._synced = time.monotonic()
        if self._place.folder is not None:
            # Compacted meanwhile, if it is gone.
            with suppress(FileNotFoundError), (self._place.folder / self._name(self._number)).open("rb+") as file:
                os.fsync(file.fileno())

    def _put(self, data: bytes) -> None:
        name = self._name(self._number)
        # Counted first: a PUT that failed may have arrived all the same, and must not be written over.
        self._number += 1
        self._place.commit_bytes(data, name)
        self._recent.append((name, data))
        self._size += len(data)
        if len(self._recent) >= ROLLED_APPENDS or self._size >= FILE_BYTES:
            self._roll()

    def _roll(self) -> None:
        first, last = self._recent[0][0], self._recent[-1][0]
        whole = f"{first.removesuffix(SUFFIX)}-{last.rpartition('/')[2]}"
        self._place.commit_bytes(b"".join(data for _, data in self._recent), whole)
        for name, _ in self._recent:
            # A leftover says again what the whole says, which changes nothing.
            with suppress(StorageError):
                self._place.delete(name)
        self._recent, self._size = [], 0

    def _name(self, number: int) -> str:
        return f"{self._folder}/{number:06}{SUFFIX}"


def logs(place: Place) -> Iterator[tuple[str, bytes]]:
    """Every log with its content, in no order, while workers may be writing.

    A log that was put together with others, or compacted, between the listing and its turn is found again in a new
    listing, or else in the tables, which are therefore to be read after the logs.
    """
    seen: set[str] = set()
    with ThreadPoolExecutor(_READERS, thread_name_prefix="logs") as pool:
        vanished = True
        while vanished:
            vanished = False
            files = [file for file in place.names(LOGS) if file[0].endswith(SUFFIX) and file[0] not in seen]
            seen.update(name for name, _ in files)
            for name, data in _ahead(pool, place, files):
                if data is None:
                    vanished = True
                else:
                    yield name, data


def _ahead(pool: ThreadPoolExecutor, place: Place, files: list[tuple[str, int]]) -> Iterator[tuple[str, bytes | None]]:
    """Read files a few ahead: as many small ones as there are readers, but of large ones only some bytes."""
    reading: deque[tuple[int, Future[tuple[str, bytes | None]]]] = deque()
    held = 0
    for name, size in files:
        while reading and (held + size > _AHEAD_BYTES or len(reading) >= 2 * _READERS):
            read, result = reading.popleft()
            held -= read
            yield result.result()
        reading.append((size, pool.submit(_read, place, name)))
        held += size
    while reading:
        yield reading.popleft()[1].result()


def _read(place: Place, name: str) -> tuple[str, bytes | None]:
    try:
        return name, place.read(name)
    except FileNotFoundError:
        return name, None
