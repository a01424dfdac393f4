"""Ending a call into FFmpeg that waits: for a server that does not answer, or a stream that has fallen silent.

FFmpeg asks a callback, about ten times a second, whether to give up. PyAV's callback gives up only when its time-out
has passed, which it finds out by asking its module `time`. Here that module is put behind one whose clock, in a thread
that is to end, has run out. Should a later PyAV ask elsewhere, calls end by their time-outs as before, only later.
"""

from __future__ import annotations

import math
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import av.container.core

if TYPE_CHECKING:
    from collections.abc import Iterator

_thread = threading.local()
_LEAP = 1e9


class _Clock:
    """Stands in for the module `time` in PyAV's containers."""

    @staticmethod
    def monotonic() -> float:
        """The time; in a thread whose call is to end, later each time by more than any time-out.

        It is not infinitely late, since PyAV asks for the beginning of a call as well, and compares.
        """
        now = time.monotonic()
        ended, until = getattr(_thread, "limits", (None, math.inf))
        if now <= until and (ended is None or not ended.is_set()):
            return now
        leaps: int = getattr(_thread, "leaps", 0) + 1
        _thread.leaps = leaps
        return now + leaps * _LEAP


@contextmanager
def interruptible(ended: threading.Event, within: float = math.inf) -> Iterator[None]:
    """Within it, calls of this thread into containers opened with a time-out end soon after the event is set.

    They raise `av.error.ExitError`, as when their time-out has passed.

    Args:
        ended: the event.
        within: seconds after which they end in any case; the container's time-out holds as well.
    """
    if getattr(av.container.core, "time", None) is time:
        av.container.core.time = _Clock  # type: ignore[attr-defined]
    before = getattr(_thread, "limits", (None, math.inf))
    _thread.limits = ended, time.monotonic() + within
    try:
        yield
    finally:
        _thread.limits = before
