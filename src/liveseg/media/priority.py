"""Threads stay ordinary ones, whatever a library makes of them.

SVT-AV1, run by root (as in most containers), puts its threads and the one that opens it under real-time scheduling
(`SCHED_FIFO`), where they run before everything else of the machine, and every process started from there inherits it:
two of them that are busy leave nothing to anybody.
"""

from __future__ import annotations

import contextlib
import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def ordinary_threads() -> Iterator[None]:
    """Whatever threads of this process come under real-time scheduling meanwhile are ordinary ones afterwards.

    Those that were under it before, as someone wished, stay so. Does nothing but on Linux.
    """
    if sys.platform != "linux":
        yield
        return
    before = _in_real_time()
    try:
        yield
    finally:
        for thread in _in_real_time() - before:
            # A thread may end meanwhile.
            with contextlib.suppress(ProcessLookupError):
                os.sched_setscheduler(thread, os.SCHED_OTHER, os.sched_param(0))


def _in_real_time() -> set[int]:
    """The threads of this process that are under real-time scheduling, by their kernel's numbers."""
    found = set()
    if sys.platform == "linux":
        for entry in Path("/proc/self/task").iterdir():
            with contextlib.suppress(ProcessLookupError):
                if os.sched_getscheduler(int(entry.name)) in {os.SCHED_FIFO, os.SCHED_RR}:
                    found.add(int(entry.name))
    return found
