"""From the input to bundles: what is listed and not done, long videos in pieces, and pieces joined once all are there.

Three threads pass it on: one lists and asks the index, a few read the headers of videos, and the executor's draws.
"""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

from liveseg.batch.bundles import Sizes
from liveseg.batch.failures import kinds_left, merged
from liveseg.batch.records import Task
from liveseg.batch.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from liveseg.batch.manifest import Index
    from liveseg.batch.progress import Counts
    from liveseg.batch.records import Bundle, Identifier, Item, Piece, Record
    from liveseg.settings.batch import BatchSettings

    Cut = Callable[[Item], list[Piece] | None]

_HEADERS = 4
_HEADERS_AHEAD = 16
_PATIENCE = 0.05
"""Seconds that pictures at hand wait for more, where the listing is slower than the workers."""


class _Left(NamedTuple):
    """A file that is not done: with the pieces of it that are, of so many."""

    item: Item
    there: frozenset[int] = frozenset()
    pieces: int | None = None


@dataclass
class _Split:
    """A long video under way."""

    item: Item
    count: int
    there: set[int]
    failed: dict[int, str] = field(default_factory=dict)


class Feed:
    """Gives bundles and takes records.

    Args:
        items: the input, listed in a thread.
        index: what is known of it; asked in that thread only.
        settings: of the run.
        settings_hash: of these.
        cut: the pieces that a video is to be done in; `None` for whole.
        counts: what was found is counted there.
        workers: how many share the work.
    """

    def __init__(
        self,
        items: Iterable[Item],
        index: Index,
        settings: BatchSettings,
        settings_hash: str,
        *,
        cut: Cut,
        counts: Counts,
        workers: int,
    ) -> None:
        self._items = items
        self._index = index
        self._settings = settings
        self._hash = settings_hash
        self._cut = cut
        self._counts = counts
        self._workers = workers
        self._sizes = Sizes(settings.bundle)
        self._spool: Spool[_Left] = Spool()
        self._ended = threading.Event()
        self._lister = threading.Thread(target=self._list, name="listing", daemon=True)
        self._headers = ThreadPoolExecutor(_HEADERS, thread_name_prefix="headers")
        self._looking: deque[tuple[_Left, Future[list[Piece] | None]]] = deque()
        self._pictures: list[Task] = []
        self._lock = threading.Lock()
        self._splits: dict[Identifier, _Split] = {}
        self._joins: deque[Task] = deque()

    @property
    def more(self) -> bool:
        """Whether pieces wait to be joined, for which `bundles` is to be called once more."""
        with self._lock:
            return bool(self._joins)

    def bundles(self) -> Iterator[Bundle]:
        """What there is to do; it ends with the input, and each call after that gives what came to be joined since.

        Raises:
            LivesegError: the input cannot be listed.
        """
        if self._lister.ident is None:
            self._lister.start()
        while not self._ended.is_set():
            with self._lock:
                join = self._joins.popleft() if self._joins else None
            if join is not None:
                yield (join,)
                continue
            yield from self._looked_at()
            idle = not (self._looking or self._pictures)
            left = self._spool.get(1.0 if idle else _PATIENCE)
            if left is None:
                yield from self._gathered()
                if self._spool.complete and not self._spool.length:
                    yield from self._looked_at(wait=True)
                    break
            elif left.item.kind == "video":
                self._looking.append((left, self._headers.submit(self._pieces, left.item)))
            else:
                self._pictures.append(Task(left.item))
                if len(self._pictures) >= self._size():
                    yield from self._gathered()
        with self._lock:
            joins, self._joins = self._joins, deque()
        yield from ((join,) for join in joins)

    def take(self, record: Record) -> Literal["done", "failed"] | None:
        """Learn what became of a task; whether its file is done now, or has failed, or neither yet."""
        self._sizes.take(record)
        if record.piece is None:
            if record.status == "failed":
                self._counts.failed[record.error_kind or "unknown"] += 1
                return "failed"
            return "done"
        with self._lock:
            split = self._splits.get(record.identifier)
            if split is None or split.count != record.pieces:
                return None  # told a second time, after the first was enough
            if record.status == "failed":
                split.failed[record.piece] = record.error_kind or "unknown"
            else:
                split.there.add(record.piece)
                split.failed.pop(record.piece, None)
            if len(split.there) + len(split.failed) < split.count:
                return None
            del self._splits[record.identifier]
            if split.failed:
                self._counts.failed[merged(split.failed.values())] += 1
                return "failed"
            self._joins.append(Task(split.item, join=split.count))
            return None

    def close(self) -> None:
        """End its threads; one that waits for a slow storage ends with the process."""
        self._ended.set()
        self._spool.close()
        self._headers.shutdown(wait=False, cancel_futures=True)
        if self._lister.ident is not None:
            self._lister.join(2.0)

    # In the thread that lists.

    def _list(self) -> None:
        try:
            for item in self._items:
                if self._ended.is_set():
                    return
                self._counts.listed += 1
                left = self._what_is_left(item)
                if left is not None:
                    self._spool.put(left)
        except BaseException as error:  # noqa: BLE001 - raised where bundles are drawn
            self._spool.end(error)
        else:
            self._counts.complete = True
            self._spool.end()

    def _what_is_left(self, item: Item) -> _Left | None:
        redo = self._settings.redo
        if redo == "all":
            return _Left(item)
        if redo == "none" and self._index.made(item.name):
            self._counts.before += 1
            return None
        found = self._index.find(item, self._hash)
        if found.done:
            self._counts.before += 1
            return None
        if redo != "failed" and kinds_left(found):
            self._counts.left += 1
            return None
        return _Left(item, found.pieces_there, found.count)

    # In those that read headers.

    def _pieces(self, item: Item) -> list[Piece] | None:
        return None if self._ended.is_set() else self._cut(item)

    # In the one that draws.

    def _looked_at(self, *, wait: bool = False) -> Iterator[Bundle]:
        """Videos whose headers were read, in the order of the input; waits for them where too many are to be read."""
        while self._looking and (wait or self._looking[0][1].done() or len(self._looking) >= _HEADERS_AHEAD):
            left, header = self._looking.popleft()
            pieces = header.result()
            if pieces is None:
                yield (Task(left.item),)
            else:
                yield from self._split(left, pieces)

    def _split(self, left: _Left, pieces: list[Piece]) -> Iterator[Bundle]:
        there = set(left.there) if left.pieces == len(pieces) else set()
        if len(there) == len(pieces):
            yield (Task(left.item, join=len(pieces)),)
            return
        with self._lock:
            self._splits[left.item.identifier] = _Split(left.item, len(pieces), set(there))
        for piece in pieces:
            if piece.index not in there:
                yield (Task(left.item, piece),)

    def _size(self) -> int:
        left = len(self._pictures) + self._spool.length if self._spool.complete else None
        return self._sizes.size(left, self._workers)

    def _gathered(self) -> Iterator[Bundle]:
        """The pictures at hand, which may be more than go together by now."""
        while self._pictures:
            size = self._size()
            bundle, self._pictures = tuple(self._pictures[:size]), self._pictures[size:]
            yield bundle
