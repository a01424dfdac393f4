"""A video on its way in: from the request to the job's folder, piece by piece, never whole in memory."""

from __future__ import annotations

import asyncio
import errno
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from liveseg.media.untrusted import Untrusted
from liveseg.server.problems import Problem
from liveseg.server.videos.containers import container_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path
    from typing import BinaryIO

    from starlette.requests import Request

FIELD = "video"
_HEAD = 1024
"""Bytes by which a container is told."""

_PIECE = 1 << 20
"""Bytes that are written at once."""

_MOST_FIELDS = 32
_LONGEST_FIELD = 4096


@dataclass
class Received:
    """What came.

    Args:
        size: bytes of the video.
        name: what the client calls the file, as it came; `None` where it did not say.
        fields: the form's other fields.
    """

    size: int = 0
    name: str | None = None
    fields: dict[str, str] = field(default_factory=dict)


async def receive(request: Request, target: Path) -> Received:
    """Write the video of a request to a file: the form's field `video`, or the body itself.

    Args:
        request: whose body was not read yet.
        target: the file; whoever made its folder removes it where this fails.

    Raises:
        Problem: no video, a form that makes no sense, or a full disk.
        ClientDisconnect: the client has gone.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    received = Received()
    if kind == b"multipart/form-data":
        boundary = options.get(b"boundary")
        if not boundary:
            raise Problem(422, "the form's Content-Type names no boundary; let your HTTP library set that header")
        pieces = _Form(boundary, received).videos(request.stream())
    elif kind == b"application/x-www-form-urlencoded":
        raise _unfit("a form of this kind holds no file; send multipart/form-data, or the video itself as the body")
    else:
        pieces = request.stream()
    await _write(pieces, target, received)
    return received


async def _write(pieces: AsyncIterator[bytes], target: Path, received: Received) -> None:
    head = b""
    known = False
    waiting = bytearray()
    try:
        with await asyncio.to_thread(target.open, "xb") as file:
            async for piece in pieces:
                received.size += len(piece)
                waiting += piece
                if not known:
                    head = bytes(waiting[:_HEAD])
                    if len(head) >= _HEAD:
                        known = _check(head)
                if len(waiting) >= _PIECE:
                    await _flush(file, waiting)
            if not known:
                _check(head)
            await _flush(file, waiting)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise Problem(507, "the service has no room for this video now; try again later") from error
        raise


async def _flush(file: BinaryIO, waiting: bytearray) -> None:
    piece = bytes(waiting)
    waiting.clear()
    await asyncio.to_thread(file.write, piece)


def _check(head: bytes) -> bool:
    if not head:
        raise Problem(422, f"there is no video; send it as the body, or as the form's field {FIELD!r}")
    if container_of(head) is None:
        raise _unfit(f"this is none of the kinds of video that are taken: {Untrusted.kinds}")
    return True


def _unfit(detail: str) -> Problem:
    return Problem(415, detail)


class _Form:
    """A form as it comes; of its parts the video is passed on, and short fields are kept."""

    def __init__(self, boundary: bytes, received: Received) -> None:
        self._received = received
        self._pieces: list[bytes] = []
        self._name, self._value = b"", b""
        self._headers: dict[bytes, bytes] = {}
        self._field: str | None = None
        self._is_video = False
        self._has_video = False
        self._text = bytearray()
        self._whole = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._part_begins,
                "on_header_field": self._header_name,
                "on_header_value": self._header_value,
                "on_header_end": self._header_ends,
                "on_headers_finished": self._headers_end,
                "on_part_data": self._data,
                "on_part_end": self._part_ends,
                "on_end": self._form_ends,
            },
        )

    async def videos(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The pieces of the video.

        Raises:
            Problem: the form makes no sense.
        """
        try:
            async for chunk in chunks:
                self._parser.write(chunk)
                pieces, self._pieces = self._pieces, []
                for piece in pieces:
                    yield piece
            self._parser.finalize()
        except FormParserError as error:
            raise Problem(422, "the form cannot be read; let your HTTP library make it", type="unusable") from error
        if not self._whole:
            raise Problem(422, "the form is cut off; send it again", type="unusable")

    def _part_begins(self) -> None:
        self._headers, self._name, self._value = {}, b"", b""

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_ends(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name, self._value = b"", b""

    def _headers_end(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        name = options.get(b"name", b"").decode("utf-8", "replace")
        self._text.clear()
        self._is_video = name == FIELD
        self._field = None if self._is_video else name
        if self._is_video:
            if self._has_video:
                raise Problem(422, f"the form has the field {FIELD!r} twice; send one video a request")
            self._has_video = True
            given = options.get(b"filename")
            self._received.name = None if given is None else given.decode("utf-8", "replace")
        elif b"filename" in options:
            raise Problem(422, f"the form has a file called {name[:40]!r}; send the video as {FIELD!r}")
        elif len(self._received.fields) >= _MOST_FIELDS:
            raise Problem(422, f"the form has more than {_MOST_FIELDS} fields")

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._is_video:
            self._pieces.append(data[start:end])
            return
        if len(self._text) + end - start > _LONGEST_FIELD:
            raise Problem(422, f"a field of the form has more than {_LONGEST_FIELD} bytes")
        self._text += data[start:end]

    def _form_ends(self) -> None:
        self._whole = True

    def _part_ends(self) -> None:
        if self._field is not None:
            self._received.fields[self._field] = self._text.decode("utf-8", "replace")
