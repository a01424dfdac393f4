"""A file as an answer, whole or in ranges, so that players can jump and downloads go on (RFC 9110, section 14)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.responses import FileResponse

from liveseg.server.problems import Problem

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from starlette.types import Receive, Scope, Send

_ONE = re.compile(r"(\d*)-(\d*)")


class RangedFile(FileResponse):
    """Starlette's `FileResponse`, stricter where players and caches rely on it.

    A `Range` that makes no sense is left aside, as RFC 9110 has it; one that lies outside of the file is answered as a
    problem; `If-None-Match` is honoured.

    Args:
        path: the file, which is not written any more.
        stat: of the file.
        media_type: as HTTP names it.
        name: what it is called on the client's side; any text.
        attachment: whether browsers are to save rather than show it.
    """

    def __init__(self, path: Path, stat: os.stat_result, *, media_type: str, name: str, attachment: bool) -> None:
        super().__init__(
            path,
            media_type=media_type,
            stat_result=stat,
            # Anything but plain letters goes as UTF-8 in per cent signs (RFC 8187), so no name can end the header.
            filename=name.encode("utf-8", "replace").decode("utf-8"),
            content_disposition_type="attachment" if attachment else "inline",
            headers={"Cache-Control": "private, no-cache"},
        )
        self._size = stat.st_size

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        asked = Headers(scope=scope)
        if _matches(asked.get("if-none-match"), self.headers["etag"]):
            kept = {b"etag", b"last-modified", b"cache-control"}
            headers = [(name, value) for name, value in self.raw_headers if name in kept]
            await send({"type": "http.response.start", "status": 304, "headers": headers})
            await send({"type": "http.response.body"})
            return
        if_range = asked.get("if-range")
        if "range" in asked and (if_range is None or self._should_use_range(if_range)):
            wanted = satisfiable(asked["range"], self._size)
            if wanted == []:
                outside = Problem(
                    416,
                    f"the range lies outside of the {self._size} bytes that there are",
                    headers={"Content-Range": f"bytes */{self._size}"},
                )
                await outside.answer(scope, receive, send)
                return
            rest = [(name, value) for name, value in scope["headers"] if name != b"range"]
            if wanted:
                rest.append((b"range", ("bytes=" + ",".join(wanted)).encode()))
            scope = {**scope, "headers": rest}
        await super().__call__(scope, receive, send)


def satisfiable(header: str, size: int) -> list[str] | None:
    """The ranges of a `Range` header that lie in a file of a size; `None` for a header that makes no sense."""
    unit, _, text = header.partition("=")
    if unit.strip().lower() != "bytes":
        return None
    found = []
    for part in text.split(","):
        match = _ONE.fullmatch(part.strip())
        if match is None or (not match[1] and not match[2]) or len(part) > 40:
            return None
        if match[1] and match[2] and int(match[2]) < int(match[1]):
            return None
        inside = int(match[1]) < size if match[1] else int(match[2]) > 0 and size > 0
        if inside:
            found.append(match[0])
    return found


def _matches(header: str | None, etag: str) -> bool:
    if header is None:
        return False
    given = [one.strip().removeprefix("W/") for one in header.split(",")]
    return etag in given or given == ["*"]
