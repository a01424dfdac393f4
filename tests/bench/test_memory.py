"""The most memory that a process has held."""

from __future__ import annotations

import subprocess
import sys

import numpy as np

from liveseg.bench.memory import peak_bytes

_CODE = "from liveseg.bench.memory import peak_bytes; {work}; print(peak_bytes())"


def peak_of(work):
    command = [sys.executable, "-c", _CODE.format(work=work)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def test_memory_that_was_given_back_still_counts():
    idle = peak_of("pass")
    assert peak_of("x = bytearray(300_000_000); del x") > idle + 280_000_000
    assert idle < 150_000_000


def test_the_memory_of_whoever_started_a_process_is_not_its_own():
    held = np.ones(40_000_000)  # 320 MB
    assert peak_bytes() > held.nbytes
    assert peak_of("pass") < 150_000_000
