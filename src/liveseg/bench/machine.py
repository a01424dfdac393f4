"""What a result depends on besides liveseg's settings: the machine and the commit."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path
from typing import Any

from liveseg.runtimes.base import available_cores
from liveseg.tuning.machine import processor

_FLAGS = {
    "fma", "avx2", "avx_vnni", "avx512f", "avx512bw", "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_tile",
    "amx_int8", "amx_bf16", "asimd", "asimddp", "asimdhp", "i8mm", "bf16", "sve", "sve2",
}  # fmt: skip
"""The instructions that decide how fast networks run, by Linux's names for them."""

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "KMP_AFFINITY", "OMP_PROC_BIND")


def describe_machine() -> dict[str, Any]:
    """The processor, the memory and what else on the machine decides the speed, at this moment."""
    import psutil

    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "physical_cores": psutil.cpu_count(logical=False),
        "cores_of_this_process": available_cores(),
        "instructions": instructions(),
        "memory_bytes": psutil.virtual_memory().total,
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "load_before": round(psutil.getloadavg()[0], 2),
        "variables": {name: os.environ[name] for name in _THREAD_VARIABLES if name in os.environ},
    }


def instructions() -> list[str]:
    """Those of the processor's instruction sets that networks use; empty where the system does not tell."""
    cpuinfo = _cpuinfo()
    return sorted(_FLAGS & {*cpuinfo.get("flags", "").split(), *cpuinfo.get("Features", "").split()})


def commit() -> str | None:
    """The git commit that this code is of, with `+` behind it where files differ; `None` outside a checkout."""
    root = Path(__file__).parents[3]
    if not (root / ".git").exists():
        return None
    name = _answer("git", "-C", str(root), "rev-parse", "--short=12", "HEAD")
    if not name:
        return None
    changed = _answer("git", "-C", str(root), "status", "--porcelain", "--untracked-files=no", "--", "src")
    return f"{name}+" if changed else name


def _cpuinfo() -> dict[str, str]:
    path = Path("/proc/cpuinfo")
    if not path.exists():
        return {}
    first = path.read_text(encoding="utf-8", errors="replace").partition("\n\n")[0]
    pairs = (line.partition(":") for line in first.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


def _answer(*command: str) -> str:
    """What a program prints; nothing where it is not there or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)  # noqa: S603 - our own words
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
