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
