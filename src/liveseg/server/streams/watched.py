"""A live source that rests while nobody looks: its connection is kept, but its frames go nowhere."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from liveseg.media.frame import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from liveseg.media.frame import Frame

_LOOK = 1.0
"""Seconds between two frames that are taken only to see whether the source is still there."""


class Attention:
    """Whether somebody looks at a stream, or did a moment ago; for several threads.

    Args:
        seconds: how long after the last look it still counts as looked at.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._viewers = 0
        self._last = time.monotonic()
        self._called = threading.Event()

    @property
    def viewers(self) -> int:
        """How many look on and on."""
        return self._viewers

    @property
    def paid(self) -> bool:
        """Whether it is looked at."""
        return self._viewers > 0 or time.monotonic() - self._last < self._seconds

    def look(self) -> None:
        """Somebody looks once."""
        self._last = time.monotonic()
        self._called.set()

    def arrive(self) -> None:
        """Somebody begins to look on."""
        self._viewers += 1
        self.look()

    def leave(self) -> None:
        """Somebody who looked on has gone."""
        self._viewers -= 1
        self._last = time.monotonic()

    def wait(self, seconds: float) -> None:
        """Wait until somebody looks, or `call`, but not for longer."""
        self._called.wait(seconds)
        self._called.clear()

    def call(self) -> None:
        """End the waiting."""
        self._called.set()


class Watched(Source):
    """Another source, of which nothing is given out while nobody looks.

    Frames left out so are not counted as dropped: nobody missed them. Placeholders always pass.

    Args:
        source: a live one; it is closed with this one.
        attention: says whether somebody looks.
        resting: called for frames that were left out since nobody looks: the source is there.
    """

    def __init__(self, source: Source, attention: Attention, resting: Callable[[], None]) -> None:
        self.info = source.info
        self.notes = source.notes
        self.facts = source.facts
        self._source = source
        self._attention = attention
        self._resting = resting
        self._ended = False

    def __iter__(self) -> Iterator[Frame]:
        rested = False
        for frame in self._source:
            if self._attention.paid or frame.placeholder:
                yield replace(frame, dropped_before=0) if rested else frame
                rested = False
                continue
            rested = True
            self._resting()
            if not self._ended:
                self._attention.wait(_LOOK)

    def end(self) -> None:
        """Ask the source to end soon."""
        self._ended = True
        self._source.end()
        self._attention.call()

    def close(self) -> None:
        """Close the source."""
        self._source.close()
