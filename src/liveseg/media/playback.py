"""The pace of a file, for sinks that somebody watches while they are written."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from liveseg.media.live.pace import Pace

if TYPE_CHECKING:
    from liveseg.media.frame import Frame, SourceInfo

_MOST = 1.0
"""Seconds that a frame is held back at most, so that whoever ends the job need not wait for a slide to be over."""


class Playback:
    """Holds frames of a file back until their time comes; a live source has a pace of its own.

    Args:
        info: the source's.
    """

    def __init__(self, info: SourceInfo) -> None:
        self._pace = None if info.live else Pace()

    def wait(self, frame: Frame) -> None:
        """Return when a frame is due, which may be at once."""
        if self._pace is not None:
            now = time.monotonic()
            time.sleep(min(max(self._pace.due(float(frame.timestamp), now) - now, 0.0), _MOST))
