"""A worker process as the service sees it: given its task, listened to, and ended whatever happens."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import sys
from typing import TYPE_CHECKING, Any

from liveseg.errors import LivesegError

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import Callable

    from liveseg.server.videos.task import Task

    Listen = Callable[[str, dict[str, Any]], None]

STALL_SECONDS = 180.0
"""A worker that says nothing for so long is ended: the slowest frame takes less, and weights come with progress."""

_LONGEST_LINE = 1 << 16
_LAST_WORDS = 4096
_SECRET = re.compile(r"(?i)token|secret|passw|credential|api_?key")


class WorkerError(LivesegError):
    """A worker that ended before its work did.

    Args:
        reason: for the client, in words.
        last_words: what it wrote to standard error at last, for the log.
    """

    def __init__(self, reason: str, last_words: str = "") -> None:
        super().__init__(reason)
        self.last_words = last_words


async def run_worker(task: Task, listen: Listen) -> None:
    """Have a task done by a process of its own; returns once it has told `done` or `failed`, and has ended.

    Where this is cancelled, the process and whatever it started are ended before it returns.

    Args:
        task: what it is to do.
        listen: told of each event, and what was said with it.

    Raises:
        WorkerError: it ended by itself, said what makes no sense, or fell silent for `STALL_SECONDS`.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        "liveseg.server.videos.worker",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=_LONGEST_LINE,
        # A group of its own: Ctrl-C in the terminal is the service's business, and all of it can be ended at once.
        start_new_session=True,
        env={name: value for name, value in os.environ.items() if not _SECRET.search(name)},
    )
    words = asyncio.create_task(_last_words(process))
    try:
        await _tell(process, task)
        ended = await _listen(process, listen, STALL_SECONDS)
        if ended:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), 10)
            return
        raise WorkerError(_why(await process.wait()), await words)
    finally:
        await asyncio.shield(_end(process, words))


async def _tell(process: Process, task: Task) -> None:
    if process.stdin is None:
        raise TypeError("the worker has no standard input")
    # One that has ended already tells by its exit code. uvloop, unlike asyncio, minds a write to a pipe that is closed.
    if process.stdin.is_closing():
        return
    process.stdin.write(task.to_line())
    with contextlib.suppress(ConnectionError):
        await process.stdin.drain()


async def _listen(process: Process, listen: Listen, stall: float) -> bool:
    """Pass on what it says; whether it said how it ended."""
    if process.stdout is None:
        raise TypeError("the worker has no standard output")
    while True:
        try:
            line = await asyncio.wait_for(process.stdout.readline(), stall)
        except TimeoutError:
            raise WorkerError(f"it was ended, since nothing came of it for {stall:g} s") from None
        except ValueError:
            raise WorkerError("the process that worked on it spoke nonsense") from None
        if not line:
            return False
        try:
            told = json.loads(line)
            event = told.pop("event")
            listen(event, told)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            # What decodes a file from outside may be in the hands of who sent it.
            raise WorkerError("the process that worked on it spoke nonsense") from error
        if event in ("done", "failed"):
            return True


async def _last_words(process: Process) -> str:
    kept = b""
    if process.stderr is not None:
        while got := await process.stderr.read(_LAST_WORDS):
            kept = (kept + got)[-_LAST_WORDS:]
    return kept.decode("utf-8", "replace").strip()


async def _end(process: Process, words: asyncio.Task[str]) -> None:
    """End it and all that it started, if that is still needed."""
    if hasattr(os, "killpg"):
        # Also where it has ended by itself: what it may have started is in its group.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    elif process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    if process.stdin is not None:
        process.stdin.close()
    await process.wait()
    words.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await words


def _why(code: int) -> str:
    """What a worker's exit code says, where it ended before its work."""
    if code >= 0:
        return "the process that worked on it failed; this is a bug in liveseg, and the service's log has more"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    if name == "SIGKILL":
        return "the process that worked on it was killed, perhaps for memory; send it smaller, or again"
    return f"the process that worked on it crashed ({name}); the file is damaged, or meant to do that"
