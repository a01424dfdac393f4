"""A place where files are kept: a folder of this machine, or of an object store, behind one interface."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from liveseg.batch.places.address import local_path
from liveseg.batch.places.retry import PATIENCE, Patience

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


class Place(ABC):
    """A folder, here or elsewhere, whose files are whole or not there.

    Names are relative to it, with `/` between folders; none may lead out of it. Temporary failures of a store are
    tried again. A place can be pickled; it connects when it is first used in a process, and threads may share it.

    Raises:
        StorageError: from every method; its message says what is wrong, where, and what to do.
        UsageError: a name that is absolute, holds `..`, or leads out of the place through a link.
    """

    address: str
    """The folder's absolute path, or its address; without credentials."""

    appends: bool
    """Whether `append` is possible."""

    @staticmethod
    def at(address: str | Path, options: Mapping[str, Any] | None = None, *, patience: Patience = PATIENCE) -> Place:
        """The place of a path or an address.

        Args:
            address: of a folder, which need not be there yet: a path, `file://…`, `s3://bucket/folder`, `gs://…`,
                `az://…`, `http(s)://…` (read only), or `memory://…` (of one process; for tests).
            options: of fsspec's file system for that scheme, such as `endpoint_url` or `key`; under the name of a
                scheme those that hold for it alone, as in `{"s3": {"anon": True}}`.
            patience: how long a store is asked again.

        Raises:
            UsageError: an address that cannot be read or holds credentials.
        """
        path = local_path(address) if isinstance(address, str) else str(address)
        if path is not None:
            from liveseg.batch.places.local import LocalPlace

            return LocalPlace(path)
        from liveseg.batch.places.remote import RemotePlace

        return RemotePlace(str(address), options, patience=patience)

    @property
    def folder(self) -> Path | None:
        """The folder on this machine; `None` for a place elsewhere."""
        return None

    @abstractmethod
    def read(self, name: str) -> bytes:
        """All of a file."""

    @abstractmethod
    def fetch(self, name: str, to: Path) -> int:
        """Copy a file to a path of this machine, checked against what the store says of it.

        A transfer that breaks off goes on where it was. What stands at `to` is replaced, and after a failure removed.

        Returns:
            Bytes.
        """

    @abstractmethod
    def digest(self, name: str) -> str:
        """SHA-256 of a file's bytes, in hexadecimal."""

    @abstractmethod
    def commit(self, source: Path, name: str) -> int:
        """Copy a file of this machine into the place, where it appears whole or not at all.

        It replaces what has that name. The source stays.

        Returns:
            Bytes.
        """

    @abstractmethod
    def commit_bytes(self, data: bytes, name: str, *, only_new: bool = False) -> bool:
        """Put bytes into the place as a file, whole or not at all.

        Args:
            data: the file's content.
            name: what it replaces or becomes.
            only_new: leave alone what is there already; of several processes that try at once, one succeeds.

        Returns:
            Whether it was put there.
        """

    @abstractmethod
    def append(self, data: bytes, name: str) -> None:
        """Add bytes to the end of a file, which is made if need be, in one write.

        Raises:
            StorageError: a place that cannot (`appends` says so beforehand).
        """

    @abstractmethod
    def names(self, under: str = "") -> Iterator[tuple[str, int]]:
        """The name and size in bytes of each file in a folder of the place and the folders within it, as a stream.

        The names are relative to the place, so that `read` takes them. Their order is the store's. A folder that is
        not there has none.
        """

    @abstractmethod
    def size(self, name: str) -> int:
        """Bytes of a file.

        Raises:
            NotStoredError: there is none.
        """

    @abstractmethod
    def exists(self, name: str) -> bool:
        """Whether there is a file of that name."""

    @abstractmethod
    def delete(self, name: str) -> None:
        """Remove a file, if it is there."""

    @abstractmethod
    def delete_all(self, under: str) -> None:
        """Remove a folder of the place, never the place itself, and all in it."""

    @abstractmethod
    def clear_unfinished(self, under: str = "", *, older_than: float = 86400.0) -> int:
        """Remove what killed processes left unfinished: partial files, and uploads in parts, for which stores charge.

        Args:
            under: the folder of the place.
            older_than: seconds; what is younger may still be at work.

        Returns:
            How many there were.
        """
