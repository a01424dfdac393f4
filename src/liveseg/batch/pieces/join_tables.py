"""Parts of tables and of documents joined: the lines as they are, their numbers counted on."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING

from liveseg.batch.pieces.part import SeamError
from liveseg.files import atomic_write

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    Numbered = Sequence[tuple[Path, int]]
    """Parts, each with the number of its first frame."""

_FRAME = re.compile(rb'"frame": (\d+)')
_IDS = re.compile(rb'\{"id": (\d+)(?:, "image_id": (\d+))?')
_IMAGES = b'], "images": ['
_END = b"]}"


def join_csv(parts: Numbered, target: Path) -> None:
    """Join tables of areas, whose first column is the frame's number.

    Raises:
        SinkError: it cannot be written.
    """
    with atomic_write(target, overwrite=True) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        for number, (path, first) in enumerate(parts):
            with path.open(encoding="utf-8", newline="") as part:
                rows = csv.reader(part)
                head = next(rows)
                if number == 0:
                    writer.writerow(head)
                writer.writerows([str(int(row[0]) + first), *row[1:]] for row in rows)


def join_lines(parts: Numbered, target: Path) -> None:
    """Join files of one JSON record a line, whose first `"frame"` is the frame's number: areas and GeoJSON features.

    Raises:
        SinkError: it cannot be written.
    """
    with atomic_write(target, overwrite=True) as partial, partial.open("wb") as file:
        for path, first in parts:
            with path.open("rb") as part:
                for line in part:
                    file.write(_counted_on(line, first))


def join_coco(parts: Numbered, target: Path) -> None:
    """Join documents in COCO's format, an entry a line as `CocoDocument` writes them; ids are counted on.

    Raises:
        SeamError: one is no such document.
        SinkError: it cannot be written.
    """
    images = annotations = 0
    ends: list[tuple[int, int]] = []
    with atomic_write(target, overwrite=True) as partial, partial.open("wb") as file:
        for number, (path, _) in enumerate(parts):
            ends.append((images, annotations))
            with path.open("rb") as part:
                head = next(part, b"")
                if number == 0:
                    file.write(head.rstrip(b"\n"))
                for entry in _entries(part, _IMAGES, path):
                    file.write((b",\n" if annotations else b"\n") + _numbered(entry, ends[-1][1], images))
                    annotations += 1
                images += sum(1 for _ in _entries(part, _END, path))
        file.write(b"\n" + _IMAGES)
        written = 0
        for (path, first), (before, _) in zip(parts, ends, strict=True):
            with path.open("rb") as part:
                for _ in _entries(part, _IMAGES, path):
                    pass
                for entry in _entries(part, _END, path):
                    own = _counted_on(_numbered(entry, before, 0), first)
                    file.write((b",\n" if written else b"\n") + own)
                    written += 1
        file.write(b"\n" + _END + b"\n")


def _counted_on(line: bytes, first: int) -> bytes:
    return _FRAME.sub(lambda found: b'"frame": %d' % (int(found[1]) + first), line, count=1)


def _numbered(entry: bytes, ids: int, images: int) -> bytes:
    """An entry with its own id, and that of its image, counted on."""

    def counted(found: re.Match[bytes]) -> bytes:
        image = b"" if found[2] is None else b', "image_id": %d' % (int(found[2]) + images)
        return b'{"id": %d' % (int(found[1]) + ids) + image

    return _IDS.sub(counted, entry, count=1)


def _entries(lines: Iterator[bytes], end: bytes, path: Path) -> Iterator[bytes]:
    """The entries of a list, one a line, without the commas between; reads the line that ends the list."""
    for line in lines:
        if line.startswith(end):
            return
        entry = line.rstrip(b"\n").removesuffix(b",")
        if entry.startswith(b"{"):
            yield entry
    raise SeamError(f"{path.name} ends in the middle of a list")
