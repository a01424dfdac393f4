"""The process in which one video is worked on: `python -m liveseg.server.videos.worker`, started by the service.

A `Task` comes as a line on standard input, which stays open as long as the service lives; what happens goes to standard
output, a JSON object a line. A file that crashes a decoder, or makes it eat memory, takes nothing with it but this.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from liveseg.errors import LivesegError
from liveseg.server.engine.threads import CHILD_NICE
from liveseg.server.videos.task import UPLOAD, Task

if TYPE_CHECKING:
    from typing import BinaryIO

_PR_SET_PDEATHSIG = 1


class Teller:
    """Tells the service what happens, a line each; may be called from any thread.

    Args:
        out: where the lines go.
        folder: of the job, which is nobody's business outside.
    """

    def __init__(self, out: BinaryIO, folder: Path) -> None:
        self._out = out
        self._folder = folder
        self._lock = threading.Lock()

    def __call__(self, event: str, **what: Any) -> None:
        """Tell one thing."""
        line = json.dumps({"event": event} | what).encode() + b"\n"
        with self._lock:
            self._out.write(line)
            self._out.flush()

    def words(self, text: str) -> str:
        """A message as the client may read it: without the places of this machine."""
        return text.replace(str(self._folder / UPLOAD), "the video").replace(str(self._folder) + os.sep, "")


def main() -> NoReturn:
    """Do what standard input asks for; the exit code is 0 whenever the end was told."""
    out = _own_output()
    task = Task.from_line(_first_line())
    _end_with(task.parent)
    _give_way()
    tell = Teller(out, Path(task.folder))
    tell("begun")
    from liveseg.server.videos.work import work

    try:
        work(task, tell)
    except LivesegError as error:
        tell("failed", detail=tell.words(str(error)))
    except MemoryError:
        tell("failed", detail="it needs more memory than this service gives to one video; send it smaller")
    # All is written and told; the runtimes take their time to clear up what the system clears up at once.
    os._exit(0)


def _own_output() -> BinaryIO:
    """Standard output for our lines only: what a library prints goes to standard error."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return out


def _first_line() -> bytes:
    line = b""
    # Not by `sys.stdin`, whose lock a thread that waits for more would hold when this process ends.
    while not line.endswith(b"\n"):
        got = os.read(0, 1 << 16)
        if not got:
            sys.exit(0)
        line += got
    return line


def _end_with(parent: int) -> None:
    """End at once when the service does, however that dies."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
    threading.Thread(target=_watch, name="liveseg-parent", daemon=True).start()


def _watch() -> None:
    while os.read(0, 1 << 16):
        pass
    os._exit(1)


def _give_way() -> None:
    """Whoever waits for a picture comes before who waits for a video."""
    if hasattr(os, "nice"):
        os.nice(CHILD_NICE)


if __name__ == "__main__":
    main()
