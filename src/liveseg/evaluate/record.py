"""The record of an evaluation: a line of JSON for what is evaluated, then one for each image, in the set's order.

A line is written when its image is counted, so a run that was stopped or killed goes on behind the last whole line.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from liveseg import files
from liveseg.errors import LivesegError, MediaError, SourceNotFoundError, UsageError
from liveseg.evaluate.counts import ImageCounts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from os import PathLike
    from types import TracebackType
    from typing import BinaryIO, Self

SCHEMA = 1
_KIND = "evaluation record"
_MAGIC = json.dumps({"liveseg": _KIND})[:-1].encode()
"""What each record begins with."""

_BINDING = (
    "version",
    "images_digest",
    "truth",
    "classes",
    "model",
    "runtime",
    "device",
    "precision",
    "size",
    "settings",
    "counted",
)
"""What must not change between the runs that write one record."""


class Record:
    """A record that is being written, or gone on with; a context manager.

    Args:
        path: of the file; made if it is not there.
        header: what is evaluated, as JSON data.

    Raises:
        UsageError: the file is no record, or that of another evaluation.
        SinkError: it cannot be written, or another run is writing it.
    """

    def __init__(self, path: str | PathLike[str], header: Mapping[str, Any]) -> None:
        self.path = Path(path)
        self._file: BinaryIO | None = None
        files.claim(self.path, self.path)
        try:
            self._open(header)
        except BaseException as error:
            self.close()
            if isinstance(error, OSError) and not isinstance(error, LivesegError):
                raise files.sink_error(self.path, error) from error
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self, header: Mapping[str, Any]) -> None:
        if self.path.is_file() and self._continues(header):
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("wb")
        self._write(json.dumps({"liveseg": _KIND, "schema": SCHEMA} | dict(header), ensure_ascii=False))

    def _continues(self, header: Mapping[str, Any]) -> bool:
        """Open the file to go on with it; false where it has not even its first line."""
        end = _whole_end(self.path)
        if end == 0:
            return False
        before = read_header(self.path)
        changed = [name for name in _BINDING if before.get(name) != _as_json(header.get(name))]
        if changed:
            raise UsageError(
                f"{self.path} is the record of another evaluation: {_difference(before, header, changed[0])};"
                " name another record, or remove it"
            )
        self._file = self.path.open("r+b")
        self._file.truncate(end)
        self._file.seek(end)
        return True

    def past(self) -> Iterator[tuple[ImageCounts, float]]:
        """The images that are in it already, in order, each with the wall time since the one before.

        Raises:
            UsageError: a line that is none of a record.
        """
        return read_images(self.path)

    def add(self, counts: ImageCounts, seconds: float) -> None:
        """Write an image; when this returns, a kill of this process does not lose it.

        Args:
            counts: of the image.
            seconds: wall time since the one before.
        """
        with files.errors_named(self.path):
            self._write(counts.to_line(seconds))

    def _write(self, line: str) -> None:
        if self._file is None:
            raise UsageError(f"{self.path} is closed already")
        self._file.write(line.encode() + b"\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file; it stays."""
        if self._file is not None:
            self._file.close()
            self._file = None
        files.unclaim(self.path)


def read_header(path: Path) -> dict[str, Any]:
    """The first line of a record.

    Raises:
        SourceNotFoundError: no such file.
        MediaError: it cannot be read, or was made by a newer liveseg.
        UsageError: it is no record.
    """
    try:
        with path.open("rb") as file:
            first = file.readline()
    except FileNotFoundError as error:
        raise SourceNotFoundError(f"no such file: {path}") from error
    except OSError as error:
        raise MediaError(f"cannot read {path}: {error.strerror}") from error
    if not first.startswith(_MAGIC):
        raise UsageError(f"{path} is no record of liveseg eval; name another one")
    try:
        header: dict[str, Any] = json.loads(first)
    except ValueError as error:
        raise MediaError(f"{path} is damaged at its first line; remove it") from error
    if header.get("schema", SCHEMA) > SCHEMA:
        raise MediaError(f"{path} was made by a newer liveseg; upgrade liveseg")
    return header


def read_images(path: Path) -> Iterator[tuple[ImageCounts, float]]:
    """The images of a record, in order, without a last line that is not whole.

    Raises:
        UsageError: a line that is none of a record.
    """
    classes = len(read_header(path)["classes"])
    with path.open("rb") as file:
        file.readline()
        for number, line in enumerate(file, 2):
            if not line.endswith(b"\n"):
                return
            try:
                counts, seconds = ImageCounts.from_line(line.decode())
                counts.check(classes)
            except ValueError as error:
                raise UsageError(f"{path} is damaged at line {number}; remove it and begin again") from error
            yield counts, seconds


def _whole_end(path: Path) -> int:
    """Where the last whole line of a record ends; 0 where there is none.

    Raises:
        UsageError: it is no record.
    """
    with path.open("rb") as file:
        start = file.read(len(_MAGIC))
        if not _MAGIC.startswith(start):
            raise UsageError(f"{path} is no record of liveseg eval; name another one, it is not written over")
        end = file.seek(0, 2)
        while end:
            step = min(end, 1 << 16)
            file.seek(end - step)
            newline = file.read(step).rfind(b"\n")
            if newline >= 0:
                return end - step + newline + 1
            end -= step
    return 0


def _as_json(value: Any) -> Any:
    return json.loads(json.dumps(value))


def _difference(before: Mapping[str, Any], now: Mapping[str, Any], name: str) -> str:
    old, new = before.get(name), now.get(name)
    if name == "images_digest":
        return "its images are others"
    if name == "truth":
        return "its true masks are read otherwise"
    if name == "classes":
        return "its classes are others"
    if isinstance(old, dict) and isinstance(new, dict):
        name = next(own for own in {**old, **new} if old.get(own) != _as_json(new.get(own)))
        old, new = old.get(name), new.get(name)
    if isinstance(old, dict) or isinstance(new, dict):
        return f"its {name} are others"
    return f"its {name} is {old}, not {new}"
