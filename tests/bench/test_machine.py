"""What is said of the machine."""

from __future__ import annotations

import re

from liveseg.bench.machine import commit, describe_machine


def test_the_machine_has_a_name_cores_and_memory():
    told = describe_machine()
    assert told["processor"]
    assert 1 <= told["cores_of_this_process"] <= told["cores"]
    assert told["memory_bytes"] > 10**8
    assert told["load_before"] >= 0


def test_variables_that_change_threads_are_told(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert describe_machine()["variables"]["OMP_NUM_THREADS"] == "7"


def test_a_checkout_has_a_commit():
    found = commit()
    assert found is None or re.fullmatch(r"[0-9a-f]{12}\+?", found)
