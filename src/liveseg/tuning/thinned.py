"""A live source held to a rate: what comes beyond it is left out before it is segmented."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from liveseg.media.frame import Source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from liveseg.media.frame import Frame


_EARLY = 0.1
"""By which part of the time between two frames one may come before it is due; the next one is due no earlier."""


class Thinned(Source):
    """Another source, of which at most so many frames a second are taken, evenly.

    Frames left out are counted in the next one's `dropped_before`. They were decoded and converted; what the cores do
    not spend on the rest of the line for them is spent on quality, or not at all.

    Args:
        source: a live one; it is closed with this one.
        rate: frames a second.
    """

    def __init__(self, source: Source, rate: float) -> None:
        self.info = source.info
        self.notes = source.notes
        self.facts = source.facts
        self._source = source
        self._seconds = 1 / rate

    def __iter__(self) -> Iterator[Frame]:
        due, left_out = -math.inf, 0
        early = self._seconds * _EARLY
        for frame in self._source:
            now = time.monotonic() if frame.arrived is None else frame.arrived
            if now < due - early:
                left_out += 1 + frame.dropped_before
                continue
            # One that comes late does not make the next one wait longer, and a pause entitles to no burst.
            due = (now if due < now - self._seconds else due) + self._seconds
            yield replace(frame, dropped_before=frame.dropped_before + left_out)
            left_out = 0

    def end(self) -> None:
        """Ask the source to end soon."""
        self._source.end()

    def close(self) -> None:
        """Close the source."""
        self._source.close()
