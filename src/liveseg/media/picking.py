"""Which frames of a source are wanted, asked frame by frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liveseg.errors import UsageError

if TYPE_CHECKING:
    from fractions import Fraction

    from liveseg.media.frame import Selection


class Picker:
    """Picks the frames that a selection wants.

    Args:
        selection: which those are.
        first: the time of the source's first frame, in seconds.

    Attributes:
        over: whether no later frame is wanted.
    """

    def __init__(self, selection: Selection, first: Fraction) -> None:
        self.over = False
        self._selection = selection
        self._begin = first + selection.start
        self._end = None if selection.duration is None else self._begin + selection.duration
        self._candidates = 0
        self._taken = 0

    def takes(self, time: Fraction) -> bool:
        """Whether the next frame, shown at this time in seconds, is wanted."""
        if self.over or time < self._begin:
            return False
        if self._end is not None and time >= self._end:
            self.over = True
            return False
        self._candidates += 1
        if (self._candidates - 1) % self._selection.every:
            return False
        self._taken += 1
        self.over = self._taken == self._selection.limit
        return True


def check_selection(selection: Selection) -> None:
    """Refuse a selection that makes no sense.

    Raises:
        UsageError: says which part of it.
    """
    if selection.start < 0:
        raise UsageError(f"the start is before the video's begin: {float(selection.start):g} s; give 0 or more")
    if selection.duration is not None and selection.duration <= 0:
        raise UsageError(f"the duration has to be above 0 s, not {float(selection.duration):g} s")
    if selection.every < 1:
        raise UsageError(f"every {selection.every}th frame makes no sense; give 1 or more")
    if selection.limit is not None and selection.limit < 1:
        raise UsageError(f"a limit of {selection.limit} frames makes no sense; give 1 or more")
