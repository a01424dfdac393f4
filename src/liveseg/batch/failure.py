"""From what went wrong with a file to the kind of failure that its record names, and what a worker cannot outlive."""

from __future__ import annotations

import logging
import re
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from liveseg.errors import LivesegError, MediaError, SinkError, SourceNotFoundError, UsageError

if TYPE_CHECKING:
    from liveseg.batch.records import Task

_log = logging.getLogger(__name__)

_LOST = re.compile(
    r"out of memory|device (?:is )?lost|device-side assert|device removed|cuda (?:error|failure)|cudnn_status|"
    r"cublas_status|cl_out_of|bfc_?arena|failed to allocate memory for requested buffer",
    re.IGNORECASE,
)
"""What PyTorch, ONNX Runtime and OpenVINO say where a device fails rather than a file."""


class DeviceLostError(LivesegError, RuntimeError):
    """The device that the network runs on is lost or out of memory: its worker has to end, and others go on."""


def must_end(error: BaseException) -> bool:
    """Whether a worker cannot go on after an error: it is no `Exception`, or its device is lost."""
    if not isinstance(error, Exception):
        return True
    if isinstance(error, DeviceLostError):
        return True
    # Memory of the machine itself is given back with the file that took it.
    if isinstance(error, LivesegError | MemoryError | OSError):
        return False
    return type(error).__name__ in ("OutOfMemoryError", "AcceleratorError") or _LOST.search(str(error)) is not None


def kind_of(error: Exception) -> str:
    """The kind of failure, as `Record.error_kind` lists them."""
    from liveseg.batch.places.errors import StorageError

    if isinstance(error, FileNotFoundError | SourceNotFoundError) and not isinstance(error, SinkError):
        return "missing"
    if isinstance(error, StorageError | SinkError):
        return "storage"
    if isinstance(error, MemoryError):
        return "memory"
    if isinstance(error, TimeoutError):
        return "timeout"
    # A picture that the network does not take for its shape is refused like one that cannot be read.
    if isinstance(error, MediaError | UsageError):
        return "unreadable"
    return "storage" if isinstance(error, OSError) else "defect"


def told(error: Exception, task: Task) -> str:
    """The error in one line; a defect's traceback goes into the log, where it can be found by the file's name."""
    line = " ".join(str(error).split())
    if isinstance(error, LivesegError):
        return line
    if isinstance(error, MemoryError):
        return f"{task.item.location} takes more memory than there is{f': {line}' if line else ''}; scale it down"
    if kind_of(error) == "defect":
        _log.error("defect at %s (%s)", task.item.location, task.key, exc_info=error)
        place = traceback.extract_tb(error.__traceback__)[-1:]
        where = "".join(f" in {Path(last.filename).name}, line {last.lineno}" for last in place)
        what = f"{type(error).__name__}{f': {line}' if line else ''}"
        return (
            f"a defect of liveseg at {task.item.location}: {what}{where}; --redo failed --verbose shows the traceback"
        )
    return line or type(error).__name__
