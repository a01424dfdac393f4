"""From logs to tables: nothing is lost and nothing counts twice, wherever it is cut off.

New files are written beside the old, a new list takes effect in one step, and only then what it replaces is deleted.
Cut off before that step, the old list and the logs still hold; cut off after it, leftovers say again what the tables
say, which changes nothing, and the next time removes them.
"""

from __future__ import annotations

import heapq
import os
import secrets
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

from liveseg.batch.manifest import tables
from liveseg.batch.manifest.contents import contents, publish
from liveseg.batch.manifest.errors import LostLockError
from liveseg.batch.manifest.latest import current, key, winners
from liveseg.batch.manifest.layout import LISTS, LOGS, TABLES
from liveseg.batch.manifest.lines import records_of
from liveseg.batch.manifest.log import logs
from liveseg.batch.manifest.sorting import Sorted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from liveseg.batch.manifest.contents import Contents, Table
    from liveseg.batch.places import Place
    from liveseg.batch.records import Record

_DELETERS = 8


@dataclass(frozen=True)
class Compacted:
    """What a compaction did: logs that went into the tables, their lines that could not be read, and all rows now."""

    logs: int
    damaged: int
    rows: int


def compact(place: Place, check: Callable[[], None]) -> Compacted:
    """Take the logs of workers that have ended into the tables, and delete them.

    Args:
        place: the destination.
        check: raises where it must not go on, because another run has taken over.

    Raises:
        LostLockError: another compaction was quicker.
        StorageError: cut off; it can be done again.
    """
    before = contents(place)
    by = secrets.token_hex(4)
    taken: list[tuple[str, int]] = []
    damaged = 0
    with Sorted() as fresh:
        for name, data in logs(place):
            taken.append((name, len(data)))
            for record in records_of(data):
                if record is None:
                    damaged += 1
                else:
                    fresh.add(record)
        now = before
        if fresh:
            now = before.after(_write(place, before, fresh, by), by)
            check()
            if not publish(place, now):
                raise LostLockError(f"{place.address} was taken over by another run; what is done is kept")
    _clean(place, now, taken, check)
    return Compacted(len(taken), damaged, sum(table.rows for table in now.tables))


class _Ahead:
    """Records in order, of which the next can be looked at."""

    def __init__(self, records: Iterable[Record]) -> None:
        self._records = iter(records)
        self.next = next(self._records, None)

    def before(self, name: str) -> Iterator[Record]:
        """Take those whose name is less."""
        return self._while(lambda record: record.name < name)

    def through(self, name: str) -> Iterator[Record]:
        """Take those whose name is no greater."""
        return self._while(lambda record: record.name <= name)

    def rest(self) -> Iterator[Record]:
        """Take all that are left."""
        return self._while(lambda _: True)

    def _while(self, wanted: Callable[[Record], bool]) -> Iterator[Record]:
        while (record := self.next) is not None and wanted(record):
            self.next = next(self._records, None)
            yield record


def _write(place: Place, before: Contents, records: Iterable[Record], by: str) -> tuple[Table, ...]:
    """The tables with records put in; large ones that none of these falls into stay as they are."""
    made: list[Table] = []
    number = before.generation + 1
    writer = tables.TableWriter(place, lambda n: f"{TABLES}/{number:06}-{by}-{n:04}.parquet", made.append)
    try:
        fresh = _Ahead(records)
        for table in before.tables:
            _put(writer, fresh.before(table.first))
            if table.rows >= tables.FILE_ROWS // 2 and (fresh.next is None or fresh.next.name > table.last):
                writer.flush()
                made.append(table)
            else:
                _put(writer, heapq.merge(tables.rows(place, table), fresh.through(table.last), key=key))
        _put(writer, fresh.rest())
        writer.flush()
    finally:
        writer.close()
    return tuple(made)


def _put(writer: tables.TableWriter, ordered: Iterable[Record]) -> None:
    for _, same in groupby(winners(ordered), attrgetter("name")):
        everything = list(same)
        holding = {key(record) for record in current(everything)}
        writer.write((record, key(record) in holding) for record in everything)


def _clean(place: Place, now: Contents, taken: list[tuple[str, int]], check: Callable[[], None]) -> None:
    """Delete what the tables hold, and what nothing refers to."""
    valid = {now.name, *(table.file for table in now.tables)}
    strays = [name for folder in (LISTS, TABLES) for name, _ in place.names(folder) if name not in valid]
    check()

    def forget(log: tuple[str, int]) -> None:
        name, size = log
        # A worker that was cut off from its run may have gone on writing: then it is left for the next time.
        if not place.appends or place.size(name) == size:
            place.delete(name)

    with ThreadPoolExecutor(_DELETERS, thread_name_prefix="compact") as pool:
        list(pool.map(place.delete, strays))
        list(pool.map(forget, taken))
    if place.folder is not None:
        _drop_empty(place.folder / LOGS)


def _drop_empty(folder: Path) -> None:
    """Remove the folders of workers that have no log any more, which object stores do not have."""
    for path, _, _ in os.walk(folder, topdown=False):
        with suppress(OSError):  # a log has come, or the folder has gone
            Path(path).rmdir()
