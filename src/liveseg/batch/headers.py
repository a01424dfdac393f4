"""Headers of videos, read in processes of their own: a file that crashes or hangs its reader does not end the run."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
from contextlib import suppress
from multiprocessing.connection import wait
from queue import LifoQueue
from typing import TYPE_CHECKING

from liveseg.batch.process import signals_held_back

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection
    from types import TracebackType
    from typing import Self

    from liveseg.batch.records import Item, Piece
    from liveseg.settings.batch import BatchSettings

    Cut = Callable[[Item, BatchSettings], list[Piece] | None]

SECONDS = 120.0
"""For one header, a store's bad minutes among them; whoever takes that long is ended, and the video taken whole."""

_HERE, _ELSEWHERE = 1, 4
"""Processes for files of this machine, and for others, of which most is waiting."""

_log = logging.getLogger(__name__)


class Headers:
    """Says what pieces videos are to be cut into; a context manager, asked from any number of threads.

    Its processes are started anew (`spawn`) when the first video comes, and serve until the end.

    Args:
        settings: of the batch.
        seconds: that one header may take.
        cut: what reads it, picklable; `pieces_of` if left out.
    """

    def __init__(self, settings: BatchSettings, *, seconds: float = SECONDS, cut: Cut | None = None) -> None:
        self._settings = settings
        self.seconds = seconds
        self._cut = cut
        self._context = multiprocessing.get_context("spawn")
        self._slots = {is_remote: _Slots(count) for is_remote, count in ((False, _HERE), (True, _ELSEWHERE))}
        self._readers: set[_Reader] = set()
        self._lock = threading.Lock()
        self._closed = False

    def pieces(self, item: Item) -> list[Piece] | None:
        """The pieces of a file; `None` where it is to be taken whole.

        That also goes for what cannot be read, or whose reader died or took too long: a worker finds out why.
        """
        from liveseg.batch.pieces.split import may_be_cut

        if not may_be_cut(item, self._settings):
            return None
        slots = self._slots["://" in item.location]
        reader = slots.get()
        try:
            reader = reader or self._start()
            answered, pieces = (False, None) if reader is None else reader.ask(item, self.seconds)
            if not answered and reader is not None:
                self._end(reader)
                reader = None
            return pieces
        finally:
            slots.put(reader)

    def _start(self) -> _Reader | None:
        with self._lock:
            if self._closed:
                return None
            reader = _Reader(self._context, self._settings, self._cut)
            self._readers.add(reader)
            return reader

    def _end(self, reader: _Reader) -> None:
        with self._lock:
            self._readers.discard(reader)
        reader.end()

    def close(self) -> None:
        """End its processes; what is being asked is answered with `None`."""
        with self._lock:
            self._closed = True
            readers, self._readers = self._readers, set()
        for reader in readers:
            reader.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Slots(LifoQueue["_Reader | None"]):
    """So many places for readers, those that are there first."""

    def __init__(self, count: int) -> None:
        super().__init__()
        for _ in range(count):
            self.put(None)


class _Reader:
    """A process that reads one header after the other."""

    def __init__(self, context: multiprocessing.context.SpawnContext, settings: BatchSettings, cut: Cut | None) -> None:
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=_answer, args=(theirs, settings, cut), name="headers", daemon=True)
        with signals_held_back():
            self._process.start()
        theirs.close()  # so that the pipe breaks when it dies

    def ask(self, item: Item, seconds: float) -> tuple[bool, list[Piece] | None]:
        """Whether it answered, and what."""
        try:
            self._ours.send(item)
            return (True, self._ours.recv()) if self._ours.poll(seconds) else (False, None)
        except (EOFError, OSError):
            return False, None

    def kill(self) -> None:
        """End it, whatever it is at."""
        self._process.kill()
        self._process.join()

    def end(self) -> None:
        """The same, where nobody asks it any more."""
        self.kill()
        self._ours.close()


def _answer(questions: Connection, settings: BatchSettings, cut: Cut | None) -> None:
    """Read the headers of what is asked for, until nobody asks any more."""
    for number in (signal.SIGINT, signal.SIGTERM):  # it ends with its driver
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_driver, daemon=True).start()
    from liveseg.batch.pieces.split import pieces_of

    read = pieces_of if cut is None else cut
    with suppress(EOFError, OSError):
        while True:
            item = questions.recv()
            try:
                pieces = read(item, settings)
            except Exception as error:  # noqa: BLE001 - whoever reads the video whole says what is wrong with it
                _log.debug("the header of %s cannot be read: %s", item.location, error)
                pieces = None
            questions.send(pieces)


def _end_with_driver() -> None:
    driver = multiprocessing.parent_process()
    if driver is not None:
        wait([driver.sentinel])
        os._exit(1)  # whatever a demuxer is at
