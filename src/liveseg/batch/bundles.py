"""How many files go to a worker together: so many that handing them over costs little beside the work."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from liveseg.batch.stages import AT_A_TIME, COMMITS, FETCHES

if TYPE_CHECKING:
    from liveseg.batch.records import Record

_SECONDS = 1.5
"""Work of a bundle: handing it over takes some milliseconds, and no more than this is done twice after a death."""

_FIRST = 4
_MOST = 512
_SHARE = 0.1
"""What a new measurement counts for, beside those before it."""


class Sizes:
    """The number of pictures in a bundle, from what pictures took so far; videos go alone.

    Args:
        fixed: what somebody wants it to be.
    """

    def __init__(self, fixed: int | None = None) -> None:
        self._fixed = fixed
        self._seconds: float | None = None
        self._measured = 0

    def take(self, record: Record) -> None:
        """Learn from a picture."""
        spent = _of_worker(record)
        if record.kind != "image" or spent <= 0:
            return
        self._measured += 1
        if self._seconds is None:
            self._seconds = spent
        else:
            # The first ones, with a model that has just been loaded, say the least.
            share = max(_SHARE, 1 / self._measured)
            self._seconds += share * (spent - self._seconds)

    def size(self, left: int | None, workers: int) -> int:
        """How many pictures the next bundle has.

        Args:
            left: pictures that there are; `None` while more may come.
            workers: that share them: the last bundles are small, so that all end at about the same time.
        """
        if self._fixed is not None:
            return self._fixed
        wanted = _FIRST if self._seconds is None else max(1, min(_MOST, int(_SECONDS / self._seconds)))
        if left is not None:
            wanted = min(wanted, math.ceil(left / (2 * max(workers, 1))))
        return max(wanted, 1)


def _of_worker(record: Record) -> float:
    """Seconds of its worker that a picture takes among others, for which its storage is waited at the same time."""
    total = record.seconds.get("total", 0.0)
    fetch, commit = record.seconds.get("fetch", 0.0), record.seconds.get("commit", 0.0)
    return max(total - fetch - commit, fetch / FETCHES, commit / COMMITS, total / AT_A_TIME)
