"""What every store can be asked: single requests by path, each of which succeeds or raises what its library raises."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from liveseg.batch.places.retry import Patience

CHUNK = 1 << 20
"""Bytes that are handed on at once."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a store says of a file.

    Args:
        size: bytes; `None` where it does not say.
        version: an entity tag or generation; "" where there is none.
        md5: of its bytes, in hexadecimal, where the store seems to say; some stores' tags only look like one.
        media_type: such as `image/png`, where it says so.
    """

    size: int | None
    version: str = ""
    md5: str | None = None
    media_type: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or folder of a listing.

    Args:
        path: in full, as the store takes it; a folder's without a `/` at its end.
        size: bytes; `None` for a folder, or where the listing does not say.
        version: as in `Facts`.
        is_folder: whether it stands for what is below it.
    """

    path: str
    size: int | None = None
    version: str = ""
    is_folder: bool = False


@dataclass(frozen=True)
class Page:
    """A part of a listing.

    Args:
        entries: in the store's order.
        following: what to ask for the next part with; `None` after the last.
    """

    entries: Sequence[Entry]
    following: str | None = None


@dataclass(frozen=True)
class Body:
    """The bytes of a file from some offset on.

    Args:
        facts: of the whole file.
        chunks: ends early, or raises, where the transfer breaks off.
    """

    facts: Facts
    chunks: Iterator[bytes]


class Store(ABC):
    """The files of one kind of store, with one set of options; threads may share it.

    Paths are as the store takes them: for an object store the bucket, `/`, and the key.
    """

    writable = False
    deep = False
    """Whether a listing in parts can hold all that is below a folder, at any depth."""

    @abstractmethod
    def path(self, address: str) -> str:
        """The path that an address stands for."""

    @abstractmethod
    def facts(self, path: str) -> Facts:
        """What the store says of a file."""

    @abstractmethod
    def open(self, path: str, start: int, version: str) -> Body:
        """A file's bytes from an offset on.

        Args:
            path: of the file.
            start: the offset.
            version: that it must still have; "" for any.
        """

    @abstractmethod
    def page(self, folder: str, following: str | None, *, deep: bool) -> Page:
        """A part of what is in a folder, or of all that is below it.

        Args:
            folder: its path.
            following: as the part before said; `None` for the first.
            deep: files at any depth, and no folders.
        """

    def put(self, path: str, data: bytes, *, mark: str | None) -> Facts | None:
        """Store bytes in one request.

        Args:
            path: of the file.
            data: its content.
            mark: where it may replace nothing, a word that no other request has, kept with the file if the store can.

        Returns:
            What the store answered of them, if it did.

        Raises:
            FileExistsError: there is a file already, and `mark` was given.
        """
        raise NotImplementedError

    def bears(self, path: str, mark: str) -> bool | None:
        """Whether a file was stored with a mark; `None` where the store keeps none."""
        del path, mark
        return None

    def upload(self, path: str, source: Path, patience: Patience) -> Facts | None:
        """Store a file of this machine, in parts if it is large; it appears when it is whole."""
        raise NotImplementedError

    def delete(self, paths: Sequence[str]) -> None:
        """Remove files, at most 1000, those that are there."""
        raise NotImplementedError

    def abort_unfinished(self, folder: str, before: float) -> int:
        """Abort uploads in parts that began before a time, in seconds since 1970; stores without them have none."""
        del folder, before
        return 0
