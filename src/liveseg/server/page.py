"""The page: the files of the folder `page`, as they are, each with a strong ETag."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

FOLDER = Path(__file__).with_name("page")

_PACKAGE = Path(__file__).parents[1]
_SAMPLES = (_PACKAGE / "samples", _PACKAGE.parents[1] / "input")
"""Where the samples are that ship with liveseg: in the installed package, or in a checkout."""

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".mp4": "video/mp4",
    ".ico": "image/vnd.microsoft.icon",
    ".woff2": "font/woff2",
}
"""What the page may be made of; other files in its folder are not served."""


@dataclass(frozen=True)
class _Content:
    stamp: tuple[int, int]
    data: bytes
    etag: str


class PageFile:
    """One file of the page; read again when it has changed.

    Args:
        path: where it is.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._type = _TYPES[path.suffix]
        self._content: _Content | None = None

    async def answer(self, request: Request) -> Response:
        """The file, or 304 where the client has it."""
        content = await run_in_threadpool(self._read)
        headers = {"ETag": content.etag, "Cache-Control": "no-cache"}
        if _has(request.headers.get("if-none-match", ""), content.etag):
            return Response(status_code=304, headers=headers)
        return Response(content.data, headers={**headers, "Content-Type": self._type})

    def _read(self) -> _Content:
        found = self._path.stat()
        stamp = found.st_mtime_ns, found.st_size
        if self._content is None or self._content.stamp != stamp:
            data = self._path.read_bytes()
            self._content = _Content(stamp, data, f'"{hashlib.sha256(data).hexdigest()[:32]}"')
        return self._content


class PageRoute(Route):
    """The route of one file; the log and the metrics know all of them as one."""

    template = "/{file}"

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, and be known to the log: FastAPI names its own routes only."""
        scope["route"] = self
        await super().handle(scope, receive, send)


def files(folder: Path = FOLDER) -> dict[str, PageFile]:
    """The files of the page by their paths; `index.html` is `/`."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix in _TYPES and path.is_file():
            place = "/" + path.relative_to(folder).as_posix()
            found["/" if place == "/index.html" else place] = PageFile(path)
    return found


def samples() -> dict[str, PageFile]:
    """The samples that the page lets its visitors try, by their paths; an installation without them has none."""
    found = (sorted(path for path in folder.glob("*") if path.suffix in (".jpg", ".mp4")) for folder in _SAMPLES)
    return {f"/samples/{path.name}": PageFile(path) for path in next(filter(None, found), [])}


def routes(found: dict[str, PageFile]) -> list[Route]:
    """A route for each file: no path of a client ever reaches the file system."""
    return [PageRoute(path, file.answer, methods=["GET"], include_in_schema=False) for path, file in found.items()]


def _has(told: str, etag: str) -> bool:
    tags = [tag.strip().removeprefix("W/") for tag in told.split(",")]
    return etag in tags or "*" in tags
