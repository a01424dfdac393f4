"""A folder of an object store, or of a web server: each request tried again while its failure is temporary."""

from __future__ import annotations

import hashlib
import time
import uuid
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

from liveseg.batch.places.address import clean, scheme_of
from liveseg.batch.places.errors import DamagedError, NoBucketError, NotStoredError, ReplacedError, StorageError
from liveseg.batch.places.faults import exists_already, translated
from liveseg.batch.places.names import checked, checked_folder
from liveseg.batch.places.place import Place
from liveseg.batch.places.retry import PATIENCE, Patience, Tries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from liveseg.batch.places.stores.base import Entry, Facts, Store

_DELETED_AT_ONCE = 1000


class RemotePlace(Place):
    """A folder of a store; see `Place.at`.

    Args:
        address: of the folder.
        options: as `Place.at` takes them.
        patience: how long the store is asked again.
        any_name: take names as a listing gave them, also those that no folder could have, such as `a//b`; for reading.
    """

    appends = False

    def __init__(
        self,
        address: str,
        options: Mapping[str, Any] | None,
        *,
        patience: Patience = PATIENCE,
        any_name: bool = False,
    ) -> None:
        self.address = clean(address).rstrip("/")
        self._any_name = any_name
        self._scheme = scheme_of(self.address) or ""
        self._options = dict(options or {})
        self._patience = patience

    def __repr__(self) -> str:
        return f"Place.at({self.address!r})"

    def read(self, name: str) -> bytes:
        """All of a file, checked against what the store says of it."""
        parts: list[bytes] = []
        self._receive(name, parts.append, parts.clear)
        return b"".join(parts)

    def fetch(self, name: str, to: Path) -> int:
        """Copy a file to a path of this machine, checked against what the store says of it."""
        from liveseg.files import sink_error

        try:
            with to.open("wb") as file:

                def write(chunk: bytes) -> None:
                    try:
                        file.write(chunk)
                    except OSError as error:
                        raise StorageError(str(sink_error(to, error))) from error

                def restart() -> None:
                    file.seek(0)
                    file.truncate()

                return self._receive(name, write, restart)
        except BaseException as error:
            with suppress(OSError):  # what ended it is the error to report
                to.unlink(missing_ok=True)
            if isinstance(error, OSError) and not isinstance(error, StorageError):
                raise StorageError(str(sink_error(to, error))) from error
            raise

    def digest(self, name: str) -> str:
        """SHA-256 of a file's bytes, in hexadecimal."""
        sums = hashlib.sha256()

        def take(chunk: bytes) -> None:
            sums.update(chunk)

        def restart() -> None:
            nonlocal sums
            sums = hashlib.sha256()

        self._receive(name, take, restart)
        return sums.hexdigest()

    def facts(self, name: str) -> Facts:
        """What the store says of a file."""
        facts: Facts = self._ask("read", name, self._store.facts)
        return facts

    def commit(self, source: Path, name: str) -> int:
        """Store a file by one request, or as an upload in parts that appears when it is whole."""
        try:
            size = source.stat().st_size
        except OSError as error:
            raise StorageError(f"cannot read {source}: {error.strerror}") from error
        self._writable(name)
        with self._telling("write", name):
            told = self._store.upload(self._path(name), source, self._patience)
        self._verify(name, told, size)
        return size

    def commit_bytes(self, data: bytes, name: str, *, only_new: bool = False) -> bool:
        """Store bytes by one request, conditional if they are to replace nothing."""
        self._writable(name)
        tries, mark = Tries(self._patience), uuid.uuid4().hex if only_new else None
        while True:
            try:
                with self._telling("write", name):
                    told = self._store.put(self._path(name), data, mark=mark)
            except _ExistsError:
                return mark is not None and self._is_ours(name, data, mark, tries)
            except StorageError as error:
                tries.failed(error)
            else:
                self._verify(name, told, len(data))
                return True

    def _is_ours(self, name: str, data: bytes, mark: str, tries: Tries) -> bool:
        """Whether a file that is there was stored by a request of ours whose answer was lost."""
        try:
            bears: bool | None = self._ask("read", name, lambda path: self._store.bears(path, mark))
            return self.read(name) == data if bears is None and tries.failures else bool(bears)
        except NotStoredError:
            return False  # it was another's, and is gone again

    def append(self, data: bytes, name: str) -> None:
        """Not possible in a store."""
        del data
        raise StorageError(f"cannot write {self._where(name)}: nothing can be appended there; store another file")

    def names(self, under: str = "") -> Iterator[tuple[str, int]]:
        """Each file below a folder, in the store's order, page by page."""
        for entry in self.entries(under):
            yield self._name(entry.path), entry.size or 0

    def entries(self, under: str = "", *, descend: Callable[[str], bool] = lambda _: True) -> Iterator[Entry]:
        """Each file below a folder with what the listing says of it; a folder that is not there has none.

        Args:
            under: the folder of the place.
            descend: whether a folder, by its name, is looked into; a store that lists by keys lists all the same.
        """
        yield from self._walk(self._folder(under), descend)

    def name_of(self, entry: Entry) -> str:
        """The name of a listed file, relative to the place."""
        return self._name(entry.path)

    def size(self, name: str) -> int:
        """Bytes of a file."""
        size = self.facts(name).size
        if size is None:
            raise StorageError(f"cannot read {self._where(name)}: the server does not say how large it is")
        return size

    def exists(self, name: str) -> bool:
        """Whether there is a file of that name."""
        try:
            self.facts(name)
        except NotStoredError:
            return False
        except StorageError:
            if self._is_folder(name):
                return False
            raise
        return True

    def delete(self, name: str) -> None:
        """Remove a file, if it is there."""
        self._writable(name)
        with suppress(NotStoredError):
            self._ask("remove", name, lambda path: self._store.delete([path]))

    def delete_all(self, under: str) -> None:
        """Remove all files below a folder."""
        name = checked(under.removesuffix("/"))
        self._writable(name)
        batch: list[str] = []
        for entry in self.entries(name):
            batch.append(entry.path)
            if len(batch) == _DELETED_AT_ONCE:
                self._delete(name, batch)
                batch = []
        if batch:
            self._delete(name, batch)

    def clear_unfinished(self, under: str = "", *, older_than: float = 86400.0) -> int:
        """Abort uploads in parts that killed processes left."""
        folder, before = self._folder(under), time.time() - older_than

        def abort() -> int:
            with self._telling("list", under):
                return self._store.abort_unfinished(folder, before)

        return self._patience.call(abort)

    @property
    def _store(self) -> Store:
        from liveseg.batch.places.stores.opening import store_of

        return store_of(self.address, self._options)

    def _receive(self, name: str, take: Callable[[bytes], object], restart: Callable[[], object]) -> int:
        """Hand over a file's bytes in order; after a break go on where it was, and see that it is the file."""
        path = self._path(name)
        tries, doubted = Tries(self._patience), ""
        facts: Facts | None = None
        length, farthest, md5 = 0, 0, hashlib.md5(usedforsecurity=False)
        while True:
            try:
                with self._telling("read", name):
                    if facts is None or facts.size is None or length < facts.size:
                        body = self._store.open(path, length, facts.version if facts else "")
                        facts = facts or body.facts
                        for chunk in body.chunks:
                            take(chunk)
                            md5.update(chunk)
                            length += len(chunk)
                            if length > farthest:
                                farthest = length
                                tries.headway()
                    if facts.size is not None and length != facts.size:
                        raise DamagedError(f"{length:,} of {facts.size:,} bytes came; check the network")
                    if facts.md5 in {None, md5.hexdigest(), doubted}:
                        return length
                    # Some stores' tags only look like MD5: then what came twice alike is the file.
                    if doubted == md5.hexdigest():
                        return length
                    doubted = md5.hexdigest()
                    raise DamagedError("its bytes are not those that the store has, by their checksum")
            except StorageError as error:
                whole = facts is not None and facts.size is not None and length >= facts.size
                if isinstance(error, ReplacedError) or whole or (facts is not None and not facts.version):
                    facts, length, md5 = None, 0, hashlib.md5(usedforsecurity=False)
                    restart()
                tries.failed(error)

    def _verify(self, name: str, told: Facts | None, size: int) -> None:
        """See that the store has what it was sent, where its answer did not say so."""
        told = told or self.facts(name)
        if told.size != size:
            raise DamagedError(
                f"cannot write {self._where(name)}: the store has {told.size:,} bytes of {size:,};"
                " another process may be writing it"
            )

    def _walk(self, folder: str, descend: Callable[[str], bool]) -> Iterator[Entry]:
        if self._store.deep:
            yield from self._pages(folder, deep=True)
            return
        # One folder at a time; a stack, since a generator for each level would cost each file its depth.
        waiting = [folder]
        while waiting:
            folders = []
            for entry in self._pages(waiting.pop(), deep=False):
                if not entry.is_folder:
                    yield entry
                elif descend(self._name(entry.path)):
                    folders.append(entry.path)
            waiting += reversed(folders)

    def _pages(self, folder: str, *, deep: bool) -> Iterator[Entry]:
        following: str | None = None
        while True:
            asked = following

            def ask(asked: str | None = asked) -> Any:
                with self._telling("list", folder[len(self._root) :].lstrip("/")):
                    return self._store.page(folder, asked, deep=deep)

            try:
                page = self._patience.call(ask)
            except NoBucketError:
                raise
            except NotStoredError:
                return
            yield from page.entries
            following = page.following
            if following is None:
                return

    def _is_folder(self, name: str) -> bool:
        return next(iter(self._pages(self._path(name), deep=self._store.deep)), None) is not None

    def _delete(self, name: str, paths: list[str]) -> None:
        def delete() -> None:
            with self._telling("remove", name):
                self._store.delete(paths)

        self._patience.call(delete)

    def _ask(self, doing: str, name: str, ask: Callable[[str], Any]) -> Any:
        path = self._path(name)

        def once() -> Any:
            with self._telling(doing, name):
                return ask(path)

        return self._patience.call(once)

    @contextmanager
    def _telling(self, doing: str, name: str) -> Iterator[None]:
        """Turn whatever a store's library raises into a `StorageError` with its remedy."""
        try:
            yield
        except Exception as error:
            if doing == "write" and exists_already(error):
                raise _ExistsError from error
            raise translated(error, doing, self._where(name)) from error

    def _writable(self, name: str) -> None:
        checked(name)
        if not self._store.writable:
            raise StorageError(
                f"cannot write {self._where(name)}: outputs go to folders of this machine, s3://, gs:// or az://"
            )

    @cached_property
    def _root(self) -> str:
        return self._store.path(self.address)

    def _path(self, name: str) -> str:
        return f"{self._root}/{name if self._any_name else checked(name)}"

    def _folder(self, under: str) -> str:
        under = checked_folder(under)
        return self._path(under) if under else self._root

    def _name(self, path: str) -> str:
        # One `/` and no more: a key can begin with another.
        return path[len(self._root) :].removeprefix("/")

    def _where(self, name: str) -> str:
        return f"{self.address}/{name}" if name else self.address


class _ExistsError(StorageError):
    """A file is there that was not to be replaced."""
