"""What travels between the driver and its workers: the files, the tasks made of them, and what became of each."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NewType

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind = Literal["image", "video"]
Status = Literal["done", "part", "failed"]
Identifier = NewType("Identifier", str)
"""32 hexadecimal digits that tell one file, in one version, from every other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One file of the input.

    Args:
        location: an absolute path or an address that fsspec opens; without credentials.
        name: what its outputs are called: a relative path without its extension, with `/` between folders.
        kind: by its extension.
        version: what another content would change: an entity tag, or size and time of change; "" where none is known.
        size: bytes; `None` where the listing does not say.
        content: SHA-256 of its bytes in hexadecimal, where files are told apart by their content.
    """

    location: str
    name: str
    kind: Kind
    version: str = ""
    size: int | None = None
    content: str | None = None

    @property
    def identifier(self) -> Identifier:
        """Of its content where that is known, else of its location and version."""
        what = f"content\0{self.content}\0{self.name}" if self.content else f"{self.location}\0{self.version}"
        return Identifier(hashlib.sha256(what.encode("utf-8", "surrogateescape")).hexdigest()[:32])


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a long video: the frames from the first key frame at or after `start` to the one that `end` finds.

    Whoever works on a piece finds these key frames by itself, so that nobody has to read the whole file first.

    Args:
        index: of this piece, from 0.
        count: of all pieces of the video.
        start: seconds from the video's first frame; piece 0 begins with the first frame.
        end: seconds; `None` for the last piece, which goes to the end.
    """

    index: int
    count: int
    start: float
    end: float | None


@dataclass(frozen=True, slots=True)
class Task:
    """What a worker takes: a whole file, a piece of a long video, or the joining of its pieces.

    Args:
        item: the file.
        piece: the part of it; `None` for all of it.
        join: the number of finished pieces to put together; 0 for none.
        attempt: from 1.
    """

    item: Item
    piece: Piece | None = None
    join: int = 0
    attempt: int = 1

    @property
    def key(self) -> str:
        """What tells it from every other task of a run, whatever the attempt."""
        part = f"/{self.piece.index}-{self.piece.count}" if self.piece else f"/join-{self.join}" if self.join else ""
        return f"{self.item.identifier}{part}"


Bundle = tuple[Task, ...]
"""Tasks that go to a worker together, so that handing them over costs little beside the work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What became of a task; one line of the manifest.

    Args:
        identifier: of the item.
        location: of the item.
        name: of the item.
        kind: of the item.
        version: of the item.
        piece: index of the piece; `None` for a whole file and for a joined one.
        pieces: how many pieces there are; `None` for a whole file.
        status: `done`; `part`, a piece that is done; `failed`.
        attempts: how many it took.
        error: one line that says what was wrong, for a failure.
        error_kind: what kind of failure: `unreadable`, `missing`, `storage`, `memory`, `timeout`, `lost` (its worker
            died), `defect`.
        outputs: the files that were committed, relative to the destination.
        bytes_in: that were read.
        bytes_out: that were committed.
        frames: that were segmented; 1 for an image.
        pixels: of these frames, at the source's size.
        seconds: wall time of each stage: `fetch`, `decode`, `preprocess`, `network`, `postprocess`, `render`, `encode`,
            `commit`, and `total`.
        areas: pixels of each class by its name, over all frames.
        model: that segmented it.
        settings: hash of everything that decides the outputs.
        worker: that did it.
        finished: seconds since 1970.
    """

    identifier: Identifier
    location: str
    name: str
    kind: Kind
    version: str = ""
    piece: int | None = None
    pieces: int | None = None
    status: Status
    attempts: int = 1
    error: str | None = None
    error_kind: str | None = None
    outputs: tuple[str, ...] = ()
    bytes_in: int = 0
    bytes_out: int = 0
    frames: int = 0
    pixels: int = 0
    seconds: Mapping[str, float] = field(default_factory=dict)
    areas: Mapping[str, int] = field(default_factory=dict)
    model: str = ""
    settings: str = ""
    worker: str = ""
    finished: float = 0.0
