"""Files that grow by whole lines: they can be followed while they do, and are never broken, whatever ends them."""

from __future__ import annotations

import json
import threading
from typing import IO, TYPE_CHECKING

from liveseg.errors import SinkError
from liveseg.files import refuse_existing, sink_error

if TYPE_CHECKING:
    from pathlib import Path

    from liveseg.events.event import Event


class LineFile:
    """A text file that several threads add whole lines to; each addition is in the file when `add` returns.

    It bears its final name from its first line on: every line of it is whole, so that it is never broken.

    Args:
        path: the file; its folder is made.
        append: go on with a file that is there.
        overwrite: replace a file that is there; not looked at with `append`.

    Raises:
        OutputExistsError: the file is there, and neither is true.
        SinkError: it cannot be written there.
    """

    def __init__(self, path: Path, *, append: bool = False, overwrite: bool = False) -> None:
        self.path = path
        self._lock = threading.Lock()
        refuse_existing(path, overwrite=overwrite or append)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file: IO[bytes] = path.open("ab" if append else "wb")
        except OSError as error:
            raise sink_error(path, error) from error

    def add(self, text: str) -> None:
        """Add lines, each with its end.

        Raises:
            SinkError: the disk is full, or the file is closed.
        """
        with self._lock:
            try:
                self._file.write(text.encode())
                self._file.flush()
            except OSError as error:
                raise sink_error(self.path, error) from error
            except ValueError as error:
                raise SinkError(f"cannot write {self.path}: it is closed already") from error

    def close(self) -> None:
        """Close the file; may be called twice."""
        with self._lock:
            self._file.close()


class EventLines:
    """An action: adds each event to a file, as a line of JSON.

    Args:
        path: the file; one that is there is continued.

    Raises:
        SinkError: it cannot be written there.
    """

    def __init__(self, path: Path) -> None:
        self.notes: list[str] = []
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
