"""Tasks as a worker draws them, of one bundle after the other, so that its stages do not run empty at their borders."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from liveseg.batch.attempts import key_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from liveseg.batch.records import Bundle, Record, Task


class Arriving:
    """The tasks that a worker has at hand; iterating ends where there are none, and `draw` may find one later.

    Args:
        number: of the first bundle.
        bundle: the first one, which is begun.
        following: gives the next bundle and its number, which are begun by that, if one is there that may be.
    """

    def __init__(self, number: int, bundle: Bundle, following: Callable[[], tuple[int, Bundle] | None]) -> None:
        self._following = following
        self._more = beside_others(bundle)
        self._left: Iterator[Task] = iter(())
        self._open: dict[int, set[str]] = {}
        self._lock = threading.Lock()
        self._begin(number, bundle)

    def draw(self) -> Task | None:
        """The next task; `None` while none is at hand."""
        task = next(self._left, None)
        if task is None and self._more and (taken := self._following()) is not None:
            self._begin(*taken)
            task = next(self._left, None)
        return task

    def __iter__(self) -> Iterator[Task]:
        return iter(self.draw, None)

    def ended(self, records: Iterable[Record]) -> list[int]:
        """The bundles that these records are the last ones of; from any thread."""
        with self._lock:
            for record in records:
                key = key_of(record)
                for keys in self._open.values():
                    keys.discard(key)
            return self._close([number for number, keys in self._open.items() if not keys])

    def ended_all(self) -> list[int]:
        """The bundles that are left, of which nothing more will come."""
        with self._lock:
            return self._close(list(self._open))

    def _begin(self, number: int, bundle: Bundle) -> None:
        self._left = iter(bundle)
        with self._lock:
            self._open[number] = {task.key for task in bundle}

    def _close(self, numbers: list[int]) -> list[int]:
        for number in numbers:
            del self._open[number]
        return numbers


def beside_others(bundle: Bundle) -> bool:
    """Whether tasks of another bundle may be under way beside these.

    Not beside videos, which keep the network for long and may keep all memory; nor beside what is tried again, for it
    is to be known which task a worker dies of.
    """
    return all(task.item.kind == "image" and task.attempt == 1 for task in bundle)
