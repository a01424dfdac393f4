"""Turns at something scarce: whoever came first goes first."""

from __future__ import annotations

import threading
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Turns:
    """A semaphore that serves strictly in order of arrival, so that nobody who asks often keeps others waiting.

    `threading.Semaphore` promises no order: a thread that has just given its place back may take it again at once.

    Args:
        places: how many may have a turn at the same time.
    """

    def __init__(self, places: int) -> None:
        self._lock = threading.Lock()
        self._free = places
        self._waiting: deque[threading.Event] = deque()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for one's turn and have it for the block."""
        called: threading.Event | None = None
        with self._lock:
            if self._free:
                self._free -= 1
            else:
                called = threading.Event()
                self._waiting.append(called)
        if called is not None:
            called.wait()
        try:
            yield
        finally:
            with self._lock:
                # The place is handed over, not put back: nobody can come in between.
                if self._waiting:
                    self._waiting.popleft().set()
                else:
                    self._free += 1


class InOrder:
    """Lets numbered pieces of work, which several threads have in hand, through one at a time and in their order.

    Every number from 0 up has to come, be it only to say that there is nothing to do.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._next = 0
        self._open = False

    @contextmanager
    def turn(self, number: int) -> Iterator[bool]:
        """Wait until all smaller numbers have had their turn, and have it for the block; one may come again.

        Yields:
            Whether the order holds; not so once it was opened, when nobody is waited for any more.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._open or self._next >= number)
            holds = not self._open
        try:
            yield holds
        finally:
            with self._changed:
                self._next = max(self._next, number + 1)
                self._changed.notify_all()

    def open(self) -> None:
        """Let everybody through: nothing that comes out is wanted any more."""
        with self._changed:
            self._open = True
            self._changed.notify_all()
