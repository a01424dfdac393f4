"""The process that makes one measurement: `python -m liveseg.bench.worker`, a task on its input, JSON as its answer."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

from liveseg.bench.task import Task
from liveseg.errors import DeviceError, LivesegError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable


def main() -> None:
    """Read a task, make its measurement, answer."""
    # Libraries print to standard output, even from C++: they get standard error, the answer gets what was output.
    answering = os.dup(1)
    os.dup2(2, 1)
    task = Task.from_json(sys.stdin.read())
    try:
        record: dict[str, Any] = {"answer": _measurement(task)(task)}
    except LivesegError as error:
        # Wishes that contradict each other, and precisions and devices that are not here.
        record = {"error": str(error), "offered": not isinstance(error, UsageError | DeviceError)}
    with os.fdopen(answering, "w", encoding="utf-8") as stream:
        stream.write(json.dumps(record) + "\n")


def _measurement(task: Task) -> Callable[[Task], dict[str, Any]]:
    match task.do:
        case "probe":
            from liveseg.bench.line import probe as measure
        case "line":
            from liveseg.bench.line import measure
        case "network":
            from liveseg.bench.network import measure
        case "agreement":
            from liveseg.bench.agreement import measure
        case "flicker":
            from liveseg.bench.flicker import measure
        case "drawing":
            from liveseg.bench.drawing import measure
        case "streams":
            from liveseg.bench.streams import measure
        case "limit":
            from liveseg.bench.limit import measure
    return measure


if __name__ == "__main__":
    main()
