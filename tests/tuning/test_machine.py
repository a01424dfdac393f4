"""What is known of this machine."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from liveseg._version import __version__
from liveseg.runtimes.base import available_cores
from liveseg.tuning import machine
from liveseg.tuning.machine import IdleCores, processor, versions

STAT = """\
cpu  1000 20 300 4000 50 0 0 0 0 0
cpu0 500 10 150 2000 20 0 0 0 0 0
cpu1 500 10 150 2000 30 0 0 0 0 0
cpu10 9 9 9 100000 9 0 0 0 0 0
intr 123
"""


def test_versions_name_liveseg_and_what_makes_it_fast():
    found = versions()
    assert found["liveseg"] == __version__
    assert {"python", "numpy", "av", "onnxruntime"} <= set(found)
    assert all(found.values())


def test_the_processor_has_a_name():
    assert processor().strip()
    assert "\n" not in processor()


@pytest.mark.skipif(not hasattr(os, "sysconf"), reason="reads what Linux writes")
@pytest.mark.parametrize(("cores", "ticks"), [({0}, 2020), ({1}, 2030), ({0, 1}, 4050)])
def test_idle_time_is_that_of_the_cores_in_use(cores, ticks):
    assert machine._idle_seconds(STAT, cores) == pytest.approx(ticks / os.sysconf("SC_CLK_TCK"))


@pytest.mark.skipif(not hasattr(os, "sysconf"), reason="reads what Linux writes")
def test_a_file_without_these_cores_says_nothing():
    with pytest.raises(ValueError, match="none of these cores"):
        machine._idle_seconds("cpu 1 2 3 4 5\n", {0})


def test_idle_cores_lie_between_none_and_all():
    idle = IdleCores()
    time.sleep(0.3)
    found = idle()
    if found is None:
        pytest.skip("this system does not say")
    assert 0 <= found <= available_cores()


def test_a_busy_process_leaves_fewer_cores_idle():
    idle = IdleCores()
    time.sleep(0.5)
    before = idle()
    if before is None:
        pytest.skip("this system does not say")
    command = [sys.executable, "-c", "print('on', flush=True)\nwhile True: pass"]
    burners = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(available_cores())]
    try:
        for burner in burners:
            burner.stdout.readline()
        idle()
        time.sleep(0.7)
        during = idle()
    finally:
        for burner in burners:
            burner.kill()
            burner.communicate()
    assert during < 0.3 * available_cores()


def test_where_the_system_does_not_say_it_is_unknown(monkeypatch):
    monkeypatch.setattr(IdleCores, "_read", staticmethod(lambda: None))
    assert IdleCores()() is None


def test_a_clock_that_stands_still_gives_no_number(monkeypatch):
    monkeypatch.setattr(IdleCores, "_read", staticmethod(lambda: (1.0, 5.0)))
    assert IdleCores()() is None


def test_more_idle_time_than_cores_is_cut(monkeypatch):
    readings = iter([(0.0, 0.0), (1000.0, 1.0)])
    monkeypatch.setattr(IdleCores, "_read", staticmethod(lambda: next(readings)))
    assert IdleCores()() == available_cores()
