"""Bundles drawn from an iterator by a thread, only as they are wanted, while its caller goes on hearing the workers."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from liveseg.batch.records import Bundle


class Drawing:
    """Draws bundles ahead.

    Args:
        bundles: drawn from in a thread of its own.
        wake: called there when there is one more, or the end is reached.
    """

    def __init__(self, bundles: Iterator[Bundle], wake: Callable[[], None]) -> None:
        self._bundles = bundles
        self._wake = wake
        self._drawn: deque[Bundle] = deque()
        self._wanted = 1
        self._closed = threading.Event()
        self._complete = False
        self._error: BaseException | None = None
        self._changed = threading.Condition()
        threading.Thread(target=self._draw, name="bundles", daemon=True).start()

    @property
    def first(self) -> Bundle | None:
        """The next one, if it is there.

        Raises:
            Exception: what the iterator raised.
        """
        with self._changed:
            if self._drawn:
                return self._drawn[0]
            if self._error is not None:
                raise self._error
            return None

    def take(self) -> None:
        """Take the first away."""
        with self._changed:
            self._drawn.popleft()

    def want(self, count: int) -> None:
        """Draw until so many are there."""
        with self._changed:
            self._wanted = count
            self._changed.notify_all()

    @property
    def ended(self) -> bool:
        """Whether there are no more, neither here nor to come."""
        with self._changed:
            return self._closed.is_set() or (self._complete and not self._drawn and self._error is None)

    def close(self) -> None:
        """Draw no more, and forget what is here."""
        with self._changed:
            self._closed.set()
            self._drawn.clear()
            self._changed.notify_all()

    def _draw(self) -> None:
        try:
            while True:
                with self._changed:
                    while not self._closed.is_set() and len(self._drawn) >= self._wanted:
                        self._changed.wait()
                    if self._closed.is_set():
                        return
                bundle = next(self._bundles, None)
                with self._changed:
                    if self._closed.is_set():
                        return
                    if bundle is None:
                        self._complete = True
                    elif bundle:
                        self._drawn.append(bundle)
                self._tell()
                if bundle is None:
                    return
        except BaseException as error:  # noqa: BLE001 - raised where the bundles are wanted
            with self._changed:
                self._error = error
                self._complete = True
            self._tell()

    def _tell(self) -> None:
        with self._changed:
            if not self._closed.is_set():
                self._wake()
