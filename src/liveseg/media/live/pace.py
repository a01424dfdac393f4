"""When frames are due that come faster than they are to be shown."""

from __future__ import annotations

_SLACK = 0.5
_LEAP = 10.0


class Pace:
    """A schedule by the frames' own times, from the first of them on.

    Where frames come late, or their clock leaps, the schedule moves: nothing is shown faster to make up for it.
    """

    def __init__(self) -> None:
        self._start: float | None = None

    def due(self, timestamp: float, now: float) -> float:
        """When to show a frame, in seconds of the clock of `now`.

        Args:
            timestamp: its own time in seconds.
            now: the time in seconds, on a clock that is not set back.
        """
        if self._start is None or not now - _SLACK <= self._start + timestamp <= now + _LEAP:
            self._start = now - timestamp
        return self._start + timestamp
