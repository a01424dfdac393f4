"""The search for the most of something that a machine holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def most_that_holds(holds: Callable[[int], bool], most: int) -> int:
    """The largest number from 1 to `most` that holds, or 0, asking few: doubled until one fails, then halved between.

    What holds is taken to hold for every smaller number, too.
    """
    good, bad = 0, 1
    while bad <= most and holds(bad):
        good, bad = bad, bad * 2
    bad = min(bad, most + 1)
    while bad - good > 1:
        middle = (good + bad) // 2
        if holds(middle):
            good = middle
        else:
            bad = middle
    return good
