"""Files that grow by whole lines: they can be followed while they do, and are never broken, whatever ends them."""

from __future__ import annotations

import json
import os
import threading
from typing import TYPE_CHECKING

from liveseg.errors import SinkError, UsageError
from liveseg.files import errors_named, refuse_existing, sink_error

if TYPE_CHECKING:
    from io import FileIO
    from pathlib import Path

    from liveseg.events.event import Event


class LineFile:
    """A text file that several threads add whole lines to; each addition is in the file when `add` returns.

    It bears its final name from its first line on: every line of it is whole, so that it is never broken.

    Args:
        path: the file; its folder is made.
        head: lines that come before all others.
        append: go on with a file that is there.
        overwrite: replace a file that is there, with the first line; not looked at with `append`.

    Raises:
        OutputExistsError: the file is there, and neither is true.
        SinkError: it cannot be written there.
    """

    def __init__(self, path: Path, *, head: str = "", append: bool = False, overwrite: bool = False) -> None:
        self.path = path
        self._head = head
        self._lock = threading.Lock()
        refuse_existing(path, overwrite=overwrite or append)
        with errors_named(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            # What lies there is kept until there is something to put in its place. No buffer: what could not be
            # written would come up again when the file is closed.
            self._file: FileIO = path.open("ab", buffering=0)
        self._replaces = not append and self._file.tell() > 0

    def add(self, text: str) -> None:
        """Add lines, each with its end.

        Raises:
            SinkError: the disk is full, or the file is closed.
        """
        with self._lock:
            try:
                self._write((self._head + text).encode())
                self._head = ""
            except OSError as error:
                raise sink_error(self.path, error) from error
            except ValueError as error:
                raise SinkError(f"cannot write {self.path}: it is closed already") from error

    def close(self) -> None:
        """Close the file; may be called twice."""
        with self._lock:
            self._file.close()

    def _write(self, data: bytes) -> None:
        if self._replaces:
            self._file.truncate(0)
            self._replaces = False
        before = self._file.seek(0, os.SEEK_END)
        try:
            while data:
                data = data[self._file.write(data) or 0 :]
        except OSError:
            self._file.truncate(before)  # of a line that does not fit, nothing stays
            raise


class EventLines:
    """An action: adds each event to a file, as a line of JSON.

    Args:
        path: the file; one that is there is continued.

    Raises:
        UsageError: what is there are no lines of JSON.
        SinkError: it cannot be written there.
    """

    def __init__(self, path: Path) -> None:
        self.notes: list[str] = []
        _refuse_others(path)
        self._lines = LineFile(path, append=True)
        self._lost = 0
        self._why = ""

    def take(self, event: Event) -> None:
        """Add a line; where that fails, the event is counted as lost."""
        try:
            self._lines.add(json.dumps(event.to_json(), ensure_ascii=False) + "\n")
        except SinkError as error:
            self._lost += 1
            self._why = str(error)

    def close(self) -> None:
        """Close the file, and say what could not be written."""
        self._lines.close()
        if self._lost:
            self.notes.append(f"{self._lost} events are missing in {self._lines.path}: {self._why}")
            self._lost = 0


def _refuse_others(path: Path) -> None:
    """Refuse to go on with what is no file of events: a slip of the pen may name a video."""
    refuse_existing(path, overwrite=True)
    try:
        with path.open("rb") as file:
            first = file.read(1)
    except FileNotFoundError:
        return
    except OSError as error:
        raise sink_error(path, error) from error
    if first not in (b"", b"{"):
        raise UsageError(f"--then jsonl: continues a file of JSON lines, which {path} is not; name another one")
