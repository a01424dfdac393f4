"""A file played as if it were live: at its own pace, and without those frames that nobody took in time."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from liveseg.media.live.pace import Pace
from liveseg.media.live.threaded import ThreadedSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from liveseg.media.frame import Frame, Source

_PATIENCE = 0.5


@dataclass(frozen=True, slots=True)
class _Due:
    frame: Frame
    number: int
    at: float


class Paced(ThreadedSource[_Due]):
    """The frames of another source at the pace of their timestamps; the newest one that is due, each time.

    `arrived` is when a frame was due, `dropped_before` how many were left out. A file that cannot be decoded as fast as
    it plays is played more slowly.

    Args:
        source: closed with this one.
    """

    def __init__(self, source: Source) -> None:
        super().__init__(places=None)
        self._source = source
        self.info = replace(source.info, live=True)
        self.notes = source.notes

    def __iter__(self) -> Iterator[Frame]:
        self._thread.start()
        last = -1
        try:
            while not self._handover.over:
                due = self._handover.take(_PATIENCE)
                if due is not None:
                    yield replace(due.frame, arrived=due.at, dropped_before=due.number - last - 1)
                    last = due.number
        finally:
            self.close()

    def end(self) -> None:
        """End the iteration, and the thread, wherever they wait; from any thread."""
        super().end()
        self._source.end()

    def close(self) -> None:
        """End, wait for the thread, and close the source; may be called twice, and from another thread."""
        super().close()
        if not self._thread.is_alive():
            self._source.close()

    def _read(self) -> None:
        pace = Pace()
        for number, frame in enumerate(self._source):
            now = time.monotonic()
            at = pace.due(float(frame.timestamp), now)
            if self._ended.wait(max(at - now, 0.0)):
                return
            self._handover.put(_Due(frame, number, at))
