"""A product that is one growing file."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from liveseg import files
from liveseg.errors import MediaError, SinkError
from liveseg.products.base import Product

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO


class FileProduct(Product):
    """A file that grows with the results: `NAME.partial.EXT` until it is whole.

    Args:
        path: the file.
        source: the source's name, for messages.
        overwrite: whether a file of that name may be replaced.
        head: what the file begins with.

    Raises:
        OutputExistsError: the file is there and `overwrite` is false.
        SinkError: it cannot be written there.
    """

    path: Path

    def __init__(self, path: Path, source: str, *, overwrite: bool, head: bytes = b"") -> None:
        super().__init__(path)
        self._source = source
        self._overwrite = overwrite
        self._empty = True
        self._partial: Path | None = files.prepare(path, overwrite=overwrite)
        try:
            with files.errors_named(self.path):
                self._file: BinaryIO = self._partial.open("wb")
                self._file.write(head)
        except BaseException:
            files.discard(self._partial)
            raise

    def commit(self) -> None:
        """Finish the file and give it its final name; after a commit or an abort it does nothing.

        Raises:
            MediaError: not one result came; then there is no file.
            SinkError: the disk is full, or the name is taken by now; then there is no file of that name.
        """
        if self._partial is None:
            return
        try:
            if self._empty:
                raise MediaError(f"{self._source} gave no frames, so {self.path} was not written")
            with files.errors_named(self.path):
                self._finish()
                self._file.close()
            files.commit(self._partial, self.path, overwrite=self._overwrite)
            self._partial = None
        except BaseException:
            self.abort()
            raise

    def abort(self) -> None:
        """Give up: neither the file nor its partial one remains; after a commit or an abort it does nothing."""
        if self._partial is None:
            return
        # What is still to be written is removed anyway: whether it can be does not matter.
        with contextlib.suppress(OSError, ValueError):
            self._drop()
        with contextlib.suppress(OSError):
            self._file.close()
        files.discard(self._partial)
        self._partial = None

    def _finish(self) -> None:
        """Write what comes last."""

    def _drop(self) -> None:
        """Release what else is held."""

    @contextlib.contextmanager
    def _writing(self) -> Iterator[BinaryIO]:
        """The file to write a result to; what was written is the system's when this ends, so that a kill leaves it."""
        if self._partial is None:
            raise SinkError(f"cannot write to {self.path}: the file is closed already")
        with files.errors_named(self.path):
            yield self._file
            self._file.flush()
        self._empty = False
