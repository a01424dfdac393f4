"""The body of a request as an image's bytes, which are held once, and the options that came with it."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from liveseg.server.problems import Problem

if TYPE_CHECKING:
    from starlette.requests import Request

FILE_FIELD = "image"
_RAW = "application/octet-stream"
_FORM = "multipart/form-data"
_MOST_FIELDS = 32
_LONGEST_FIELD = 4096
_HOW = (
    f"send the image's bytes with Content-Type: image/jpeg (or the like) or {_RAW}, or a form ({_FORM}) with a file"
    f" field called {FILE_FIELD!r}"
)


@dataclass(frozen=True)
class Upload:
    """What came in a body.

    Args:
        image: the bytes of the file; empty where there was no body at all.
        options: the form's other fields, in their order.
    """

    image: bytes = field(repr=False)
    options: tuple[tuple[str, str], ...] = ()


async def read_body(request: Request) -> Upload:
    """Read a request's body as it comes; how large it may be is held by `liveseg.server.limits.body`.

    Raises:
        Problem: 415 for another type of content, 422 for a form that is none, or has not one image.
        ClientDisconnect: the client is gone.
    """
    kind, parameters = parse_options_header(request.headers.get("content-type"))
    if kind == _FORM.encode():
        return await _form(request, parameters.get(b"boundary", b""))
    body = io.BytesIO()
    async for chunk in request.stream():
        body.write(chunk)
    # Its own buffer, not a copy of it.
    image = body.getvalue()
    if image and kind and not kind.startswith(b"image/") and kind != _RAW.encode():
        raise Problem(415, f"a body of this type is not taken; {_HOW}", accepted=["image/*", _RAW, _FORM])
    if image and not kind:
        raise Problem(415, f"the request does not say what its body is; {_HOW}", accepted=["image/*", _RAW, _FORM])
    return Upload(image)


async def _form(request: Request, boundary: bytes) -> Upload:
    form = _Form()
    try:
        if not boundary:
            raise FormParserError("no boundary")
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": form.begin,
                "on_header_field": form.header_name,
                "on_header_value": form.header_value,
                "on_header_end": form.header_end,
                "on_headers_finished": form.headers_end,
                "on_part_data": form.data,
                "on_part_end": form.end,
                "on_end": form.finish,
            },
        )
        async for chunk in request.stream():
            if chunk:
                parser.write(chunk)
        parser.finalize()
        if not form.finished:
            raise FormParserError("cut off")
    except FormParserError as error:
        raise Problem(422, f"the form cannot be read: it is damaged or cut off; {_HOW}", type="unusable") from error
    if form.image is None:
        raise Problem(422, f"the form has no field {FILE_FIELD!r}; {_HOW}", parameter=FILE_FIELD)
    return Upload(form.image, tuple(form.fields))


class _Form:
    """What the parts of a form say, gathered as they come. The names of files are never looked at."""

    def __init__(self) -> None:
        self.image: bytes | None = None
        self.fields: list[tuple[str, str]] = []
        self.finished = False
        self._header = [b"", b""]
        self._name = ""
        self._part = io.BytesIO()

    def begin(self) -> None:
        """A part begins."""
        self._name = ""
        self._part = io.BytesIO()

    def header_name(self, data: bytes, start: int, end: int) -> None:
        """More of a header's name."""
        self._header[0] += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        """More of a header's value."""
        self._header[1] += data[start:end]

    def header_end(self) -> None:
        """A header ends."""
        name, value = self._header
        self._header = [b"", b""]
        if name.lower() == b"content-disposition":
            _, parameters = parse_options_header(value)
            self._name = parameters.get(b"name", b"").decode("utf-8", "replace")

    def headers_end(self) -> None:
        """The part's content begins."""
        if self._name == FILE_FIELD and self.image is not None:
            raise Problem(422, f"the form has two fields {FILE_FIELD!r}; send one image", parameter=FILE_FIELD)
        if len(self.fields) == _MOST_FIELDS:
            raise Problem(422, f"the form has more than {_MOST_FIELDS} fields", type="unusable")

    def data(self, data: bytes, start: int, end: int) -> None:
        """More of the part's content."""
        self._part.write(memoryview(data)[start:end])
        if self._name != FILE_FIELD and self._part.tell() > _LONGEST_FIELD:
            detail = f"a field of the form has more than {_LONGEST_FIELD} bytes; the image belongs into {FILE_FIELD!r}"
            raise Problem(422, detail, parameter=self._name[:64])

    def end(self) -> None:
        """The part ends."""
        if self._name == FILE_FIELD:
            self.image = self._part.getvalue()
        else:
            self.fields.append((self._name, self._part.getvalue().decode("utf-8", "replace")))

    def finish(self) -> None:
        """The form ends."""
        self.finished = True
