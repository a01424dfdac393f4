"""From the thread that reads a source to the one that takes its frames: the newest one, or each in its turn."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Handover(Generic[T]):
    """A place for items between two threads.

    Args:
        places: how many items wait at most, and the reader for them; `None`: one, and a newer one takes its place.
    """

    def __init__(self, places: int | None = None) -> None:
        self._places = places
        self._items: deque[T] = deque()
        self._changed = threading.Condition()
        self._finished = False
        self._error: BaseException | None = None

    def put(self, item: T) -> None:
        """Hand an item over; with a number of places, wait for one. After `end` it goes nowhere."""
        with self._changed:
            if self._places is None:
                self._items.clear()
            else:
                places = self._places
                self._changed.wait_for(lambda: self._finished or len(self._items) < places)
            if not self._finished:
                self._items.append(item)
                self._changed.notify_all()

    def take(self, timeout: float) -> T | None:
        """The next item; `None` after `timeout` seconds without one, and at the end.

        Raises:
            BaseException: what `finish` was given, once the items before it are taken.
        """
        until = time.monotonic() + timeout
        with self._changed:
            while not self._items and not self._finished and (left := until - time.monotonic()) > 0:
                self._changed.wait(left)
            if self._items:
                self._changed.notify_all()
                return self._items.popleft()
            if self._error is not None:
                error, self._error = self._error, None
                raise error
            return None

    @property
    def over(self) -> bool:
        """Whether nothing more will come, not even an error."""
        with self._changed:
            return self._finished and not self._items and self._error is None

    def finish(self, error: BaseException | None = None) -> None:
        """Called by the reader: there is nothing more, or nothing more because of an error."""
        with self._changed:
            self._error = error if not self._finished else None
            self._finished = True
            self._changed.notify_all()

    def end(self) -> None:
        """Called by whoever takes: nothing more is wanted; what waits is let go, and nobody waits any longer."""
        with self._changed:
            self._finished = True
            self._items.clear()
            self._error = None
            self._changed.notify_all()
