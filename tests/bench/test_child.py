"""Measurements in processes of their own."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from liveseg.bench.child import FailedMeasurementError, measure, run
from liveseg.bench.combination import Combination
from liveseg.bench.task import Task


def test_a_task_arrives_as_it_was_sent(task):
    sent = task("agreement", reference=Combination("lite", runtime="torch"), products=(("onnx", "int8", "cpu"),))
    assert Task.from_json(sent.to_json()) == sent


def test_what_cannot_run_is_answered_with_its_reason(task, monkeypatch, tmp_path):
    monkeypatch.setenv("LIVESEG_HOME", str(tmp_path))
    with pytest.raises(FailedMeasurementError, match="liveseg pull lraspp"):
        measure(task("probe", combination=Combination("lraspp", size=97)))


def test_a_process_that_dies_says_how(task):
    with pytest.raises(FailedMeasurementError, match=r"the loop ended with exit code 3: .*broken"):
        run([sys.executable, "-c", "import sys; print('broken', file=sys.stderr); sys.exit(3)"], "the loop")
    with pytest.raises(FailedMeasurementError, match="ValueError"):
        measure(task("agreement"))


@pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")
def test_a_process_that_was_killed_says_so():
    with pytest.raises(FailedMeasurementError, match="signal 9"):
        run([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"], "it")


def test_what_libraries_print_does_not_spoil_the_answer(task):
    code = (
        "import os; import liveseg.bench.line as line\n"
        "line.probe = lambda task: (print('noise'), os.system('echo more'), {'frames': task.frames})[2]\n"
        "from liveseg.bench.worker import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=task("probe").to_json(), capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == {"answer": {"frames": 3}}
    assert "noise" in done.stderr
    assert "more" in done.stderr
