"""The entries of one folder in natural order, however many there are."""

from __future__ import annotations

import heapq
import pickle
import re
import tempfile
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import IO

RUN = 20_000
"""Entries that are held in memory at a time."""
_BLOCK = 1000
_DIGITS = re.compile(r"([0-9]+)")

Named = tuple[str, bool]
"""A name, and whether it is a folder's."""
_Keyed = tuple[tuple[Any, ...], str, bool]


def in_natural_order(entries: Iterable[Named]) -> Iterator[Named]:
    """Entries with `2.jpg` before `10.jpg`, without regard to case.

    More than fit are sorted in runs, which wait in a temporary file and are merged.
    """
    keyed = ((natural_key(name), name, is_folder) for name, is_folder in entries)
    first = sorted(islice(keyed, RUN))
    if len(first) < RUN:
        yield from ((name, is_folder) for _, name, is_folder in first)
        return
    with tempfile.TemporaryFile(prefix="liveseg-names-") as file:
        runs = [_written(file, first)]
        while run := sorted(islice(keyed, RUN)):
            runs.append(_written(file, run))
        for _, name, is_folder in heapq.merge(*(_read(file, run) for run in runs)):
            yield name, is_folder


def natural_key(name: str) -> tuple[Any, ...]:
    """A sort key that takes numbers as numbers, and letters without regard to case."""
    pieces = _DIGITS.split(name.casefold())
    # Text and numbers alternate, so that like is compared with like.
    pieces[1::2] = map(int, pieces[1::2])
    return tuple(pieces)


def _written(file: IO[bytes], run: list[_Keyed]) -> list[int]:
    """Where each block of a run begins in the file."""
    starts = []
    for start in range(0, len(run), _BLOCK):
        starts.append(file.seek(0, 2))
        pickle.dump(run[start : start + _BLOCK], file, pickle.HIGHEST_PROTOCOL)
    return starts


def _read(file: IO[bytes], starts: list[int]) -> Iterator[_Keyed]:
    for start in starts:
        file.seek(start)
        yield from pickle.load(file)  # noqa: S301
