"""A sink that writes one picture as an image file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from liveseg.errors import SinkError
from liveseg.media.frame import Sink
from liveseg.media.images import check_writable, write_image

if TYPE_CHECKING:
    from os import PathLike

    from liveseg.media.frame import Frame


class ImageSink(Sink):
    """One frame into one image file, its format by the extension; see `write_image`.

    Raises:
        UsageError: an extension that is not written.
        OutputExistsError: the file is there and `overwrite` is false.
        SinkError: a second frame, none at all, or a file that cannot be written.
    """

    def __init__(self, path: str | PathLike[str], *, overwrite: bool = False) -> None:
        self.notes: list[str] = []
        self._path = Path(path)
        self._overwrite = overwrite
        # Before the work rather than after it.
        check_writable(self._path, overwrite=overwrite)
        self._written = False

    def write(self, frame: Frame) -> None:
        """Write the picture; the file is whole when this returns."""
        if self._written:
            raise SinkError(f"{self._path} holds one picture, and a second frame came; write a video")
        write_image(self._path, frame.image, overwrite=self._overwrite)
        self._written = True

    def commit(self) -> None:
        """Make sure that there was a picture."""
        if not self._written:
            raise SinkError(f"no picture was made for {self._path}")

    def abort(self) -> None:
        """Nothing to undo: the file is written whole or not at all."""
