"""The most memory that this process has held so far."""

from __future__ import annotations

import sys
from pathlib import Path


def peak_bytes() -> int:
    """The high-water mark of this process's resident memory, in bytes.

    On Linux it is `VmHWM`: `getrusage` there carries the mark of the process that started this one over to it.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    if sys.platform == "win32":
        import psutil

        return int(psutil.Process().memory_info().peak_wset)
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
