"""Records by their names, however many there are: sorted in parts on disk, then merged."""

from __future__ import annotations

import heapq
import tempfile
from itertools import chain
from typing import IO, TYPE_CHECKING

from liveseg.batch.manifest.latest import key, winners
from liveseg.batch.manifest.lines import encode, trusted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import TracebackType
    from typing import Self

    from liveseg.batch.records import Record

PART_RECORDS = 16_384
MOST_PARTS = 64
"""So many parts are merged into one of the next level, since systems allow only a few hundred open files."""


class Sorted:
    """Takes records in any order and gives the one that holds for each key, in the order of the keys.

    Memory is that of some 16,000 records, whatever comes; the rest is in temporary files until it is left.
    """

    def __init__(self) -> None:
        self._held: list[Record] = []
        self._levels: list[list[IO[str]]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for part in chain.from_iterable(self._levels):
            part.close()

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self._held or self._levels)

    def add(self, record: Record) -> None:
        """Take one more."""
        self._held.append(record)
        if len(self._held) >= PART_RECORDS:
            self._spill()

    def __iter__(self) -> Iterator[Record]:
        """The winner of each key; to be read once, after the last `add`."""
        self._held.sort(key=key)
        yield from _merged(chain.from_iterable(self._levels), self._held)

    def _spill(self) -> None:
        self._held.sort(key=key)
        self._keep(_written(winners(self._held)), 0)
        self._held = []

    def _keep(self, part: IO[str], level: int) -> None:
        if level == len(self._levels):
            self._levels.append([])
        parts = self._levels[level]
        parts.append(part)
        if len(parts) >= MOST_PARTS:
            merged = _written(_merged(parts, []))
            for each in parts:
                each.close()
            parts.clear()
            self._keep(merged, level + 1)


def _written(records: Iterable[Record]) -> IO[str]:
    # Without a name it is gone with the process, even with one that is killed.
    file = tempfile.TemporaryFile("w+", encoding="ascii", newline="\n", prefix="liveseg-sorting-")  # noqa: SIM115
    file.writelines(encode(record) + "\n" for record in records)
    return file


def _merged(parts: Iterable[IO[str]], held: list[Record]) -> Iterator[Record]:
    parts = list(parts)
    for part in parts:
        part.seek(0)
    yield from winners(heapq.merge(*(map(trusted, part) for part in parts), held, key=key))
