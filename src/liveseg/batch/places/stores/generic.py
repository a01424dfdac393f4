"""A store as fsspec sees it, for those that need no more."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from liveseg.batch.places.errors import ReplacedError
from liveseg.batch.places.faults import translated
from liveseg.batch.places.stores.base import CHUNK, Body, Entry, Facts, Page, Store
from liveseg.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from liveseg.batch.places.retry import Patience

_BLOCK = 8 * CHUNK
"""Bytes asked for at once, where a file comes by ranges."""


class FsspecStore(Store):
    """A file system of fsspec; only that of memory is known to write a file whole or not at all.

    Args:
        scheme: by which fsspec knows it.
        options: that it is opened with.
    """

    def __init__(self, scheme: str, options: Mapping[str, Any]) -> None:
        import fsspec

        try:
            kind = fsspec.get_filesystem_class(scheme)
        except ValueError as error:
            raise UsageError(f"addresses that begin with {scheme}:// are not read: {error}") from error
        self.scheme = scheme
        self.writable = scheme == "memory"
        # Listings are read once, and a cache would hold all of them.
        fixed = {"skip_instance_cache": True, "use_listings_cache": False}
        self.fs: Any = kind(**(fixed | self.completed(dict(options))))
        self._alone = threading.Lock()

    def completed(self, options: dict[str, Any]) -> dict[str, Any]:
        """The options with what this store needs besides."""
        return options

    def path(self, address: str) -> str:
        """The path that an address stands for."""
        return str(self.fs._strip_protocol(address))  # noqa: SLF001 - there is no public word for it

    def facts(self, path: str) -> Facts:
        """What the store says of a file."""
        about = self.fs.info(path)
        if about.get("type") == "directory":
            raise IsADirectoryError(path)
        return self.described(about)

    def described(self, about: Mapping[str, Any]) -> Facts:
        """The facts in what fsspec calls a file's info."""
        return Facts(about.get("size"), version_of(about))

    def open(self, path: str, start: int, version: str) -> Body:
        """A file's bytes from an offset on."""
        facts = self.facts(path)
        if version and facts.version != version:
            raise ReplacedError("it was replaced while it was read")
        return Body(facts, self._blocks(path, start, facts.size))

    def _blocks(self, path: str, start: int, size: int | None) -> Iterator[bytes]:
        if size is None:
            yield self.fs.cat_file(path, start=start or None)
            return
        while start < size:
            block = self.fs.cat_file(path, start=start, end=min(start + _BLOCK, size))
            if not block:
                return
            yield block
            start += len(block)

    def page(self, folder: str, following: str | None, *, deep: bool) -> Page:
        """All that is in a folder; such a store has no parts."""
        del following
        if deep:
            raise NotImplementedError
        entries = [
            Entry(str(about["name"]).rstrip("/"), is_folder=True)
            if about["type"] == "directory"
            else Entry(about["name"], about.get("size"), version_of(about))
            for about in self.fs.ls(folder, detail=True)
        ]
        # What lists a file gives the file itself.
        return Page(sorted((entry for entry in entries if entry.path != folder), key=lambda entry: entry.path))

    def put(self, path: str, data: bytes, *, mark: str | None) -> Facts | None:
        """Store bytes in one request."""
        with self._alone:  # memory looks first and then writes
            self.fs.pipe_file(path, data, mode="create" if mark else "overwrite")
        return None

    def upload(self, path: str, source: Path, patience: Patience) -> Facts | None:
        """Store a file of this machine; a large one in parts that appear as one."""
        self.told(patience, path, lambda: self.fs.put_file(str(source), path))
        return None

    def told(self, patience: Patience, path: str, work: Callable[[], Any]) -> Any:
        """Do a part of storing a file, again while it fails for a time."""

        def once() -> Any:
            try:
                return work()
            except Exception as error:
                raise translated(error, "write", f"{self.scheme}://{path.lstrip('/')}") from error

        return patience.call(once)

    def delete(self, paths: Sequence[str]) -> None:
        """Remove files, those that are there."""
        for path in paths:
            try:
                self.fs.rm_file(path)
            except FileNotFoundError:
                continue


def version_of(about: Mapping[str, Any]) -> str:
    """What another content would change, by whichever name a file system has it; "" where it has none."""
    for key in ("generation", "ETag", "etag"):
        if about.get(key):
            return str(about[key]).strip('"')
    changed = next(
        (about[key] for key in ("mtime", "LastModified", "last_modified", "created") if about.get(key)), None
    )
    if changed is None:
        return ""
    return f"{about.get('size')}-{changed}"
