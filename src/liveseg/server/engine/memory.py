"""The memory that this process holds, and how what a model leaves behind is given back to the system."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from pathlib import Path


def resident_bytes() -> int:
    """The resident memory of this process now; 0 where the system does not tell."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


def give_back() -> None:
    """Free what nothing refers to any more, and hand it to the system."""
    gc.collect()
    trim()


def trim() -> None:
    """Hand freed memory to the system, where the C library keeps it for itself, as glibc does."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        # Others, such as musl, have no such function.
        if hasattr(libc, "malloc_trim"):
            libc.malloc_trim(0)
