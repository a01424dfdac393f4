"""Each measurement in a process of its own: its memory, threads and caches are then nobody else's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from liveseg.bench.summary import rounded
from liveseg.errors import LivesegError
from liveseg.weights.home import OFFLINE_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from liveseg.bench.task import Task


class FailedMeasurementError(LivesegError):
    """A measurement that could not be made; the message is the reason, as its process gave it.

    Args:
        message: the reason.
        offered: whether it should have been possible: not where no runtime here does what was asked for.
    """

    def __init__(self, message: str, *, offered: bool = True) -> None:
        super().__init__(message)
        self.offered = offered


def measure(task: Task, environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Make one measurement in a new process and return its answer.

    Nothing is downloaded: that a model's weights are not here is then what the measurement says.

    Raises:
        FailedMeasurementError: it could not be made.
    """
    variables = {OFFLINE_VARIABLE: "1", **(environment or {})}
    told = replace(task, begun=time.time()).to_json()
    record = run([sys.executable, "-m", "liveseg.bench.worker"], task.do, told, variables)
    if "error" in record:
        raise FailedMeasurementError(record["error"], offered=record["offered"])
    answer: dict[str, Any] = rounded(record["answer"])
    return answer


def run(command: Sequence[str], what: str, told: str = "", variables: Mapping[str, str] | None = None) -> Any:
    """Run a program that answers with one line of JSON on its standard output.

    Args:
        command: the program and its arguments.
        what: what to call it where it fails.
        told: what it reads on its standard input.
        variables: of its environment, besides those of this process.

    Raises:
        FailedMeasurementError: it ended otherwise.
    """
    done = subprocess.run(  # noqa: S603 - Python itself, with our own arguments
        command,
        input=told,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **(variables or {})},
    )
    if done.returncode == 0:
        return json.loads(done.stdout.strip().splitlines()[-1])
    lines = done.stderr.strip().splitlines()
    ended = f"signal {-done.returncode}" if done.returncode < 0 else f"exit code {done.returncode}"
    raise FailedMeasurementError(f"{what} ended with {ended}" + (f": {lines[-1].strip()}" if lines else ""))
