"""One clock for a source over all its connections."""

from __future__ import annotations

from fractions import Fraction

_SET_BACK = 1.0
_LEAP = 10.0


class Timeline:
    """Gives frames the stream's own times as long as its clock runs, and goes on by the wall clock where it leaps.

    A clock leaps where a new connection begins, where it is set back by more than a second, and where it moves on by
    ten seconds more than passed. Less than that is believed, as long as each time is later than the one before. A
    stream without a clock gets the times at which its frames arrive.

    Args:
        time_base: seconds a unit of the times given; a new connection's may differ from it.
    """

    def __init__(self, time_base: Fraction) -> None:
        self.time_base = time_base
        self._offset = 0
        self._last: int | None = None
        self._last_seen = 0.0
        self._connection = 0

    def stamp(self, pts: int | None, time_base: Fraction, seen: float, connection: int = 0) -> int:
        """The time of the next frame.

        Args:
            pts: its time on the stream's clock, or `None`.
            time_base: seconds a unit of `pts`.
            seen: when it arrived, in seconds of `time.monotonic`.
            connection: the number of the connection that it came by.
        """
        own = None if pts is None else round(pts * time_base / self.time_base)
        if self._last is None:
            at = own or 0
        else:
            passed = max(seen - self._last_seen, 0.0)
            onward = self._last + max(self._units(passed), 1)
            if own is None:
                at = onward
            else:
                step = float((own + self._offset - self._last) * self.time_base)
                if connection != self._connection or step < -_SET_BACK or step > passed + _LEAP:
                    self._offset = onward - own
                at = max(own + self._offset, self._last + 1)
        if own is not None:  # the first frame of a connection may have no time yet
            self._connection = connection
        self._last = at
        self._last_seen = max(seen, self._last_seen)
        return at

    def now(self, seen: float) -> int:
        """A time for something that stands in for a frame, at a time of `time.monotonic`."""
        return self.stamp(None, self.time_base, seen, self._connection)

    def _units(self, seconds: float) -> int:
        return round(Fraction(seconds) / self.time_base)
