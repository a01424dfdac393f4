"""A file of a store as FFmpeg reads it: from wherever it wants, without the rest of the file."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import av
from av.error import FFmpegError

from liveseg.batch.places import PATIENCE
from liveseg.batch.places.errors import BusyError, ReplacedError, StorageError
from liveseg.batch.places.faults import translated
from liveseg.batch.places.retry import Tries
from liveseg.batch.places.stores.opening import store_of
from liveseg.errors import MediaError
from liveseg.media.video_open import LENIENT, reason, with_video

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from av.container import InputContainer
    from av.video.stream import VideoStream

    from liveseg.batch.places import Patience
    from liveseg.batch.places.stores.base import Body
    from liveseg.media.untrusted import Untrusted

_AHEAD = 1 << 20
"""Bytes that are rather read over than asked for by another request."""

_AT_ONCE = 1 << 18
"""Bytes that FFmpeg asks for at a time."""


class RangedFile(io.RawIOBase):
    """A file of a store, read by ranges; each request is tried again while its failure is temporary.

    Args:
        address: of the file.
        options: of the storage; see `Place.at`.
        patience: how long a store is asked again.

    Attributes:
        received: bytes that came so far.
        version: of the file; "" where the store does not tell.
        failed: why a read failed for good, which FFmpeg takes for the file's end.

    Raises:
        StorageError: it is not there, or the store does not say how large it is.
    """

    def __init__(self, address: str, options: Mapping[str, Any] | None, *, patience: Patience = PATIENCE) -> None:
        super().__init__()
        self.name = address.rpartition("/")[2]
        self.received = 0
        self.failed: StorageError | None = None
        self._address = address
        self._patience = patience
        self._store = store_of(address, options)
        self._path = self._store.path(address)
        self._position = 0
        self._body: Body | None = None
        self._chunks: Iterator[bytes] = iter(())
        self._from = 0
        self._chunk = b""
        self._size, self.version = patience.call(self._ask)

    def _ask(self) -> tuple[int, str]:
        try:
            facts = self._store.facts(self._path)
        except Exception as error:
            raise translated(error, "read", self._address) from error
        if facts.size is None:
            raise StorageError(f"cannot read {self._address} by ranges: the server does not say how large it is")
        return facts.size, facts.version

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Where the next byte comes from."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go elsewhere; nothing is asked for before it is read."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(base + offset, 0)
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer as far as the bytes at hand go, at least one; 0 at the end."""
        if self._position >= self._size:
            return 0
        tries = Tries(self._patience)
        while True:
            try:
                data = self._some(len(buffer))
            except StorageError as error:
                self._let_go()
                self.failed = error
                if isinstance(error, ReplacedError):
                    raise  # what was read so far is of another file
                tries.failed(error)
            else:
                self.failed = None
                buffer[: len(data)] = data
                self._position += len(data)
                return len(data)

    def close(self) -> None:
        """Let go of the connection; may be called twice."""
        self._let_go()
        super().close()

    def _some(self, most: int) -> bytes:
        """Some bytes from the position on."""
        try:
            while not 0 <= self._position - self._from < len(self._chunk):
                ahead = self._position - self._from - len(self._chunk)
                if self._body is None or not 0 <= ahead <= _AHEAD:
                    self._let_go()
                    self._body = self._store.open(self._path, self._position, self.version)
                    self._chunks, self._from = iter(self._body.chunks), self._position
                self._from += len(self._chunk)
                self._chunk = next(self._chunks, b"")
                self.received += len(self._chunk)
                if not self._chunk:
                    raise BusyError(f"cannot read {self._address}: it broke off at byte {self._from:,}")
        except Exception as error:
            raise translated(error, "read", self._address) from error
        start = self._position - self._from
        return self._chunk[start : start + most]

    def _let_go(self) -> None:
        chunks, self._chunks, self._body, self._chunk = self._chunks, iter(()), None, b""
        if hasattr(chunks, "close"):
            chunks.close()


class RangedOpener:
    """Opens a video of a store, as often as it is called, for who reads but a part of it.

    Args:
        address: of the file.
        options: of the storage.
        untrusted: how far the file is trusted; `None` for one that is.
    """

    def __init__(self, address: str, options: Mapping[str, Any] | None, untrusted: Untrusted | None) -> None:
        self._address = address
        self._options = options
        self._untrusted = untrusted
        self._files: list[RangedFile] = []

    @property
    def received(self) -> int:
        """Bytes that came so far."""
        return sum(file.received for file in self._files)

    def __call__(self) -> tuple[InputContainer, VideoStream]:
        """The container and the video stream.

        Raises:
            StorageError: the store does not give it.
            MediaError: not a video, or none that can be decoded here.
        """
        file = RangedFile(self._address, self._options)
        self._files.append(file)
        if file.version != self._files[0].version:
            raise ReplacedError(f"cannot read {self._address}: it was replaced by another while it was read")
        options = None if self._untrusted is None else self._untrusted.options
        try:
            opened: InputContainer = av.open(file, "r", options=options, buffer_size=_AT_ONCE, **LENIENT)
        except StorageError:
            raise
        except (FFmpegError, ValueError) as error:
            raise MediaError(f"{self._address} is not a video that can be read: {reason(error)}") from error
        container, stream = with_video(opened, self._address)
        try:
            if self._untrusted is not None:
                self._untrusted.check(stream, self._address)
        except BaseException:
            container.close()
            raise
        return container, stream

    def check(self) -> None:
        """See that what was read is what is there.

        Raises:
            StorageError: reading failed.
        """
        for file in self._files:
            if file.failed is not None:
                raise file.failed

    def close(self) -> None:
        """Let go of all connections."""
        for file in self._files:
            file.close()
