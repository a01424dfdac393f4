"""A source that is read by a thread of its own."""

from __future__ import annotations

import threading
from abc import abstractmethod
from typing import Generic, TypeVar

from liveseg.media.frame import Source
from liveseg.media.live.handover import Handover

T = TypeVar("T")

_GOODBYE = 5.0
"""Seconds to wait for the thread at the end. It needs a tenth of one, but for a name server that does not answer: then
it is left alone, and ends when that time-out has passed."""


class ThreadedSource(Source, Generic[T]):
    """What such sources share: the thread, what it hands over, and an end that nobody has to wait for.

    Args:
        places: as `Handover` takes it.
    """

    def __init__(self, places: int | None) -> None:
        self.notes: list[str] = []
        self._handover = Handover[T](places)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, name="liveseg-source", daemon=True)

    @abstractmethod
    def _read(self) -> None:
        """Put all items into the handover; runs in the thread, until `_ended` is set at the latest."""

    def end(self) -> None:
        """End the iteration, and the thread, wherever they wait; from any thread."""
        self._ended.set()
        self._handover.end()

    def close(self) -> None:
        """End, and wait for the thread; may be called twice, and from another thread."""
        self.end()
        if self._thread.is_alive():
            self._thread.join(_GOODBYE)

    def _work(self) -> None:
        try:
            self._read()
        except BaseException as error:  # noqa: BLE001 - carried over to the thread that takes
            self._handover.finish(error)
        else:
            self._handover.finish()
