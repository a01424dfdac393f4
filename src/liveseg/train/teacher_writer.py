"""Writing a teacher's logits, photo by photo: whole or not there, and gone on with after a kill."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from liveseg.errors import LivesegError, SinkError
from liveseg.files import atomic_write, errors_named, partial_path, sink_error
from liveseg.tiling import log_probabilities, probabilities
from liveseg.train.teacher import HEADER, Quantisation, Record, TeacherLogits, decode, encode

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType
    from typing import Self

    import numpy as np
    from numpy.typing import NDArray

    from liveseg.labels import LabelSet

PROBABILITIES = Quantisation(step=0.2, low=-51.0)
"""For logarithms of probabilities: the highest value is certainty, the lowest next to nothing at any temperature."""


@dataclass
class LogitsWriter:
    """Writes `NAME.json` and `NAME.bin`, see `liveseg.train.teacher`; a context manager.

    Until all is there, the bytes lie in `NAME.partial.bin` and a line for each photo in `NAME.partial.jsonl`. What an
    earlier run has left, killed or finished, is gone on with, if it was made in the same way; see `records`. Left
    without an exception, both files get their final names.

    Args:
        path: `NAME.json`; an earlier pair of this name that was made in another way is replaced at the end.
        labels: the classes of the logits.
        made: how they are made, as JSON data: what an earlier run left is only used where it says the same.
        afresh: whether to make all anew, whatever an earlier run has left.

    Raises:
        SinkError: the files cannot be written, or another run is writing them.
    """

    path: Path
    labels: LabelSet
    made: Mapping[str, Any] = field(default_factory=dict)
    afresh: bool = False
    records: dict[str, Record] = field(default_factory=dict, init=False)
    """What is there so far, by the photos' keys."""

    def __post_init__(self) -> None:
        self._data_path = partial_path(self.path.with_suffix(".bin"))
        self._lines_path = self._data_path.with_suffix(".jsonl")
        self._lock = FileLock(self._data_path.with_suffix(".lock"), timeout=0, thread_local=False)
        self._end = 0
        self._data: IO[bytes]
        self._lines: IO[bytes]

    def __enter__(self) -> Self:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
            kept = 0 if self.afresh else self._resume() or self._reopen()
            self._end = max((record.offset + record.length for record in self.records.values()), default=0)
            self._data = self._data_path.open("r+b" if self.records else "w+b")
            self._data.truncate(self._end)
            self._data.seek(self._end)
            self._lines = self._lines_path.open("r+b" if self.records else "w+b")
            self._lines.truncate(kept)
            self._lines.seek(kept)
            if not self.records:
                self._say(self._header)
        except Timeout as error:
            raise SinkError(f"cannot write {self.path}: another run is writing it; wait for it") from error
        except OSError as error:
            self._lock.release()
            raise sink_error(self.path, error) from error
        return self

    def add(self, key: str, logits: NDArray[np.float32]) -> None:
        """Append what was said of a photo.

        Args:
            key: the photo's.
            logits: `(classes, height, width)` `float32`, finite, on half-pixel centres of the whole photo; stored are
                the logarithms of the probabilities that they stand for.
        """
        if len(logits) != len(self.labels) or key.startswith(HEADER):
            raise ValueError(f"{key!r} with {len(logits)} classes, not {len(self.labels)}")
        data = encode(PROBABILITIES.values(log_probabilities(probabilities(logits))))
        record = Record(self._end, len(data), logits.shape[1], logits.shape[2])
        with errors_named(self.path):
            self._data.write(data)
            self._data.flush()
            # The line last: what it tells of is there.
            self._say({key: record.to_json()})
        self.records[key] = record
        self._end += len(data)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._data.close()
            self._lines.close()
            if kind is None:
                self._finish()
        finally:
            self._lock.release()

    @property
    def result(self) -> TeacherLogits:
        """The finished pair."""
        return TeacherLogits.open(self.path)

    @property
    def _header(self) -> dict[str, Any]:
        constants = {"step": PROBABILITIES.step, "low": PROBABILITIES.low}
        return {HEADER: {"labels": self.labels.to_json(), **constants, "made": self._made}}

    @property
    def _made(self) -> dict[str, Any]:
        made: dict[str, Any] = json.loads(json.dumps(dict(self.made)))  # as it is read again: no tuples
        return made

    def _say(self, item: Mapping[str, Any]) -> None:
        self._lines.write(_line(item))
        self._lines.flush()

    def _resume(self) -> int:
        """Take over what an earlier run of the same making has left; gives the length of the lines that hold."""
        if not (self._lines_path.is_file() and self._data_path.is_file()):
            return 0
        kept = 0
        with (
            self._lines_path.open("rb") as lines,
            self._data_path.open("rb") as data,
            # A cut-off line is no JSON, and a power cut may leave anything: what is sound ends where something is not.
            contextlib.suppress(ValueError, AttributeError),
        ):
            for number, line in enumerate(lines):
                if not line.endswith(b"\n"):
                    break
                item = json.loads(line)
                if number == 0 and item != self._header:
                    break
                if number:
                    ((key, place),) = item.items()
                    record = Record.from_json(place)
                    data.seek(record.offset)
                    decode(data.read(record.length), record.height, record.width)
                    self.records[key] = record
                kept += len(line)
        return kept if self.records else 0

    def _reopen(self) -> int:
        """Make a finished pair of the same making an unfinished one again; gives the length of its lines."""
        try:
            earlier = TeacherLogits.open(self.path)
        except LivesegError:
            return 0
        if (earlier.labels, earlier.quantisation, earlier.made) != (self.labels, PROBABILITIES, self._made):
            return 0
        self.records.update(earlier.records)
        lines = [self._header, *({key: record.to_json()} for key, record in self.records.items())]
        text = b"".join(map(_line, lines))
        # In this order: whenever it is cut off, one of the two pairs is whole.
        self._lines_path.write_bytes(text)
        self.path.with_suffix(".bin").replace(self._data_path)
        self.path.unlink()
        return len(text)

    def _finish(self) -> None:
        try:
            # First, lest an earlier index stand beside bytes that it knows nothing of.
            self.path.unlink(missing_ok=True)
            self._data_path.replace(self.path.with_suffix(".bin"))
            with atomic_write(self.path, overwrite=True) as partial:
                index = self._header | {key: record.to_json() for key, record in self.records.items()}
                partial.write_text(json.dumps(index), encoding="utf-8")
            self._lines_path.unlink()
            Path(self._lock.lock_file).unlink(missing_ok=True)
        except OSError as error:
            raise sink_error(self.path, error) from error


def _line(item: Mapping[str, Any]) -> bytes:
    return json.dumps(item).encode() + b"\n"
