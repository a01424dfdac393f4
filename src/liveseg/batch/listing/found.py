"""A file that was found, and the item that becomes of it."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from liveseg.batch.listing.names import given_name, name_of
from liveseg.batch.records import Item
from liveseg.media.paths import IMAGE_EXTENSIONS, MEDIA_EXTENSIONS, VIDEO_EXTENSIONS

if TYPE_CHECKING:
    from liveseg.batch.records import Kind


@dataclass(frozen=True, slots=True)
class Found:
    """A file as a listing has it.

    Args:
        location: a path or an address.
        relative: its path below its input, with `/` between folders.
        version: as an item has it.
        size: bytes, where known.
        name: that a manifest gives it.
        media_type: that a server says.
    """

    location: str
    relative: str
    version: str = ""
    size: int | None = None
    name: str | None = None
    media_type: str | None = None

    def item(self, label: str) -> Item:
        """What is to be done.

        Args:
            label: the folder that the names of its input stand in; "" for none.
        """
        name = given_name(self.name) if self.name else name_of(self.relative)
        return Item(
            location=self.location,
            name=f"{label}/{name}" if label else name,
            kind=self._kind(),
            version=self.version,
            size=self.size,
        )

    def _kind(self) -> Kind:
        extension = posixpath.splitext(self.relative)[1].lower()
        if extension in IMAGE_EXTENSIONS:
            return "image"
        if extension in VIDEO_EXTENSIONS:
            return "video"
        if self.media_type or "://" in self.location:
            return "video" if (self.media_type or "").startswith("video/") else "image"
        return _kind_by_content(Path(self.location))


def _kind_by_content(path: Path) -> Kind:
    from liveseg.errors import LivesegError
    from liveseg.media.paths import kind_of

    try:
        return kind_of(path)
    except (LivesegError, OSError):
        return "image"  # whoever reads it says what is wrong with it


def is_media(name: str) -> bool:
    """Whether a name, by its extension, is an image's or a video's."""
    return posixpath.splitext(name)[1].lower() in MEDIA_EXTENSIONS


def is_left_out(part: str) -> bool:
    """Whether a file or folder of that name is passed by: hidden, unfinished, or where a batch keeps its manifest."""
    if part.startswith(".") or part == "_liveseg":
        return True
    return ".partial" in part and ".partial" in Path(part).suffixes[-2:]
