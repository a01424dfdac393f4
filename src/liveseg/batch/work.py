"""One task on its way through a worker: what it reads, what was made of it, and what went wrong."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from liveseg.batch.failure import kind_of, told
from liveseg.batch.records import Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from liveseg.batch.outputs import Slot
    from liveseg.batch.records import Item, Status, Task

_STAGES = {
    "infer": "network",
    "device": "network",
    "smooth": "postprocess",
    "prepare": "encode",
    "save": "encode",
}
"""Stages of the line, by the names that records have for them; the others are called alike."""


@dataclass(frozen=True)
class Made:
    """What was made of a file, before it is committed.

    Args:
        files: each where it lies here, and its name at the destination.
        frames: that were segmented.
        pixels: of these, at the source's size.
        areas: pixels of each class by its name.
        seconds: of each stage of the line, by the line's own names.
        model: the model's name.
    """

    files: tuple[tuple[Path, str], ...]
    frames: int
    pixels: int
    areas: Mapping[str, int]
    seconds: Mapping[str, float]
    model: str


@dataclass
class Work:
    """A task and what became of it so far; one thread has it at a time.

    Args:
        task: what is to be done.
        slot: where its files are, once it has one.
        path: the file as it can be read here, once it is here.
        data: its content, of an image.
        decoded: what was read of it: the frame of an image.
        inferred: what the network said of that.
        made: what came of it.
        outputs: what was committed.
        bytes_in: that were read.
        bytes_out: that were committed.
        seconds: of each stage, by the names of records.
        total: seconds that its stages took, whatever else went on beside them.
        holds_picture: whether it counts among those with a picture in memory.
        error: what went wrong; nothing more is done then.
    """

    task: Task
    slot: Slot | None = None
    path: Path | None = None
    data: bytes | None = None
    decoded: Any = None
    inferred: Any = None
    made: Made | None = None
    outputs: list[str] = field(default_factory=list)
    bytes_in: int = 0
    bytes_out: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    total: float = 0.0
    holds_picture: bool = False
    error: BaseException | None = None

    @property
    def item(self) -> Item:
        """The file."""
        return self.task.item

    def here(self) -> tuple[Path, Slot]:
        """The file as it can be read here, and where its outputs may be written."""
        if self.path is None or self.slot is None:
            raise ValueError(f"{self.item.location} is not here yet")
        return self.path, self.slot

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        """Count the block's time for a stage."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.add(stage, time.perf_counter() - began)

    def add(self, stage: str, seconds: float) -> None:
        """Count some time for a stage of the line, or of a record."""
        name = _STAGES.get(stage, stage)
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds

    def record(self, *, worker: str, settings: str) -> Record:
        """What the manifest is told, by a worker, of work that its settings' hash stands for."""
        task, made = self.task, self.made
        piece = task.piece
        status: Status = "done" if piece is None else "part"
        error = kind = None
        if isinstance(self.error, Exception):
            status, error, kind = "failed", self._plain(told(self.error, task)), kind_of(self.error)
        done = made if error is None else None
        return Record(
            identifier=task.item.identifier,
            location=task.item.location,
            name=task.item.name,
            kind=task.item.kind,
            version=task.item.version,
            piece=None if piece is None else piece.index,
            pieces=piece.count if piece is not None else task.join or None,
            status=status,
            attempts=task.attempt,
            error=error,
            error_kind=kind,
            outputs=tuple(self.outputs),
            bytes_in=self.bytes_in,
            bytes_out=self.bytes_out,
            frames=0 if done is None else done.frames,
            pixels=0 if done is None else done.pixels,
            seconds={stage: round(spent, 6) for stage, spent in (self.seconds | {"total": self.total}).items()},
            areas={} if done is None else dict(done.areas),
            model="" if made is None else made.model,
            settings=settings,
            worker=worker,
            finished=time.time(),
        )

    def _plain(self, line: str) -> str:
        """A line that names the file as the user knows it, not where it lies for now."""
        if self.made is not None:
            for path, name in self.made.files:
                line = line.replace(str(path), name)
        if self.slot is not None:
            line = line.replace(str(self.slot.source(self.item)), self.item.location)
        return line
