"""Which machine this is, as far as speed goes, and how many of its cores lie idle."""

from __future__ import annotations

import contextlib
import os
import platform
import time
from importlib import metadata
from pathlib import Path

from liveseg._version import __version__
from liveseg.runtimes.base import available_cores

_PACKAGES = (
    "av",
    "numpy",
    "onnxruntime",
    "onnxruntime-directml",
    "onnxruntime-gpu",
    "opencv-python-headless",
    "openvino",
    "torch",
)
"""Whose versions decide how fast the line is."""


def processor() -> str:
    """The processor's name, as the system gives it."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def versions() -> dict[str, str]:
    """The versions of liveseg, of Python and of the installed packages that decide how fast it is."""
    found = {"liveseg": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[package] = metadata.version(package)
    return found


class IdleCores:
    """How many cores lay idle since the last call, of those that this process may use.

    Linux says it in `/proc/stat`; elsewhere psutil is asked, if it is installed.
    """

    def __init__(self) -> None:
        self._last = self._read()

    def __call__(self) -> float | None:
        """Cores on average, from 0 to all of them; `None` where the system does not say."""
        before, self._last = self._last, self._read()
        if before is None or self._last is None:
            return None
        (idle_before, then), (idle, now) = before, self._last
        if now <= then:
            return None
        return min(max((idle - idle_before) / (now - then), 0.0), float(available_cores()))

    @staticmethod
    def _read() -> tuple[float, float] | None:
        """Idle core seconds so far, and the time of reading."""
        stat = Path("/proc/stat")
        with contextlib.suppress(OSError, ValueError, IndexError, AttributeError):
            return _idle_seconds(stat.read_text(encoding="ascii"), os.sched_getaffinity(0)), time.monotonic()
        with contextlib.suppress(ImportError, OSError):
            import psutil

            return float(psutil.cpu_times().idle), time.monotonic()
        return None


def _idle_seconds(stat: str, cores: set[int]) -> float:
    """The idle seconds of some cores in the text of `/proc/stat`, those of waiting for disks among them.

    Work of low priority (`nice`) is no idleness: only the lowest makes room for others, and ours may be niced, too.

    Raises:
        ValueError: not one of these cores is in it.
    """
    seconds, seen = 0, False
    for line in stat.splitlines():
        name, *ticks = line.split()
        if name.startswith("cpu") and name[3:].isdecimal() and int(name[3:]) in cores:
            seen = True
            seconds += int(ticks[3]) + int(ticks[4])
    if not seen:
        raise ValueError("none of these cores is in /proc/stat")
    return seconds / os.sysconf("SC_CLK_TCK")
