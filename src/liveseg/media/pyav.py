"""Importing PyAV where several threads may be the first to want it."""

from __future__ import annotations

import threading

_FIRST = threading.Lock()


def import_pyav() -> None:
    """Import the whole of PyAV, once, in one thread.

    Its modules import each other in a circle. Where two threads enter that circle at different places, each would wait
    for the other; Python sees that and lets one of them go on with a module that is only half there.
    """
    with _FIRST:
        import av  # noqa: F401 - for what it loads
